//! `kbackup schedule create | get | describe | pause | unpause | run | delete`.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use kbackup_core::catalog::{Policies, Policy};
use kbackup_core::engine::Engine;
use kbackup_core::model::BackupName;
use kbackup_core::scheduler::{self, Scheduled, Tally, Until};
use kbackup_core::spec::{Retention, ScheduleSpec, Violations};
use kbackup_kube::KubeCluster;
use serde_json::Value;

use super::failure::of_spec;
use super::run::run as context;
use crate::args::{Global, ScheduleCreate, ScheduleGet, ScheduleName, ScheduleRun};
use crate::config::{Config, ConfigFile, Section};
use crate::connect;
use crate::error::{Code, Failure};
use crate::view;

/// A schedule of the configuration file.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) name: BackupName,
    /// Where its backups go; not given: where the command says.
    pub(crate) location: Option<String>,
    pub(crate) created_at: Option<Timestamp>,
    pub(crate) spec: ScheduleSpec,
    pub(crate) zone: TimeZone,
}

impl Entry {
    fn read(name: &str, value: &Value) -> Result<Self, Failure> {
        let wrong =
            |why: &dyn std::fmt::Display| Failure::usage(format!("the schedule \"{name}\" is not valid")).why(why);
        let mut value = value.clone();
        let mut take = |key: &str| value.as_object_mut().and_then(|table| table.remove(key));
        let text = |value: Option<Value>| value.as_ref().and_then(Value::as_str).map(str::to_owned);
        let (location, created_at) = (text(take("location")), text(take("createdAt")));
        let created_at = created_at.map(|at| at.parse()).transpose();
        let spec: ScheduleSpec = serde_json::from_value(value).map_err(|error| wrong(&error))?;
        spec.validate().map_err(|error| of_spec(&format!("the schedule \"{name}\" is not valid"), &error))?;
        Ok(Self {
            name: name.parse().map_err(|error| wrong(&error))?,
            location,
            created_at: created_at.map_err(|error: jiff::Error| wrong(&error))?,
            zone: zone(&spec)?,
            spec,
        })
    }

    fn write(&self) -> Result<Value, Failure> {
        let mut value = serde_json::to_value(&self.spec)
            .map_err(|error| Failure::failed(format!("the schedule \"{}\" can't be written", self.name)).why(error))?;
        if let Some(table) = value.as_object_mut() {
            let created = self.created_at.map(|at| Value::String(at.to_string()));
            table.extend(created.map(|at| ("createdAt".to_owned(), at)));
            table.extend(self.location.clone().map(|name| ("location".to_owned(), Value::String(name))));
        }
        Ok(value)
    }
}

fn zone(spec: &ScheduleSpec) -> Result<TimeZone, Failure> {
    // That of the system, where it has one; otherwise the one that was built in.
    spec.zone(jiff::tz::db()).map_err(|error: Violations| of_spec("the schedule is not valid", &error))
}

fn entries(config: &Config, names: &[String]) -> Result<Vec<Entry>, Failure> {
    for name in names {
        config.schedule(name)?;
    }
    let wanted = config.schedules.iter().filter(|(name, _)| names.is_empty() || names.contains(name));
    wanted.map(|(name, value)| Entry::read(name, value)).collect()
}

fn save(global: &Global, entry: &Entry) -> Result<(), Failure> {
    let mut file = ConfigFile::open(global)?;
    file.set(Section::Schedules, entry.name.as_str(), &entry.write()?)?;
    file.save()
}

/// The rules of the schedules in the configuration file, and `default` for the others. What is given on the command line
/// wins over what is not in the file, never over what is.
pub(super) fn policies(global: &Global, default: Retention) -> Result<Policies, Failure> {
    let policies = Policies { default: Policy::new(default), ..Policies::default() };
    let entries = entries(&Config::load(global)?, &[])?;
    Ok(entries.into_iter().fold(policies, |policies, Entry { name, spec, zone, .. }| {
        policies.schedule(name.as_str(), Policy { retention: spec.retention, zone })
    }))
}

pub(super) async fn create(global: &Global, create: &ScheduleCreate) -> Result<Code, Failure> {
    let config = Config::load(global)?;
    let name = create.name.as_str();
    if config.schedules.contains_key(name) {
        let failure = Failure::usage(format!("there is a schedule \"{name}\" already"));
        return Err(failure.next(format!("choose another name, or remove it: kbackup schedule delete {name}")));
    }
    let location =
        global.location.clone().or_else(|| config.default_location.clone().filter(|_| global.store.is_none()));
    let ttl = location.as_ref().map(|name| config.location(name)).transpose()?.and_then(|location| location.ttl);
    let spec = create.spec(ttl).await?;
    spec.validate().map_err(|error| of_spec("the schedule is not valid", &error))?;
    let (zone, now) = (zone(&spec)?, Timestamp::now());
    let now = now.round(jiff::Unit::Second).unwrap_or(now);
    let entry = Entry { name: create.name.clone(), location, created_at: Some(now), spec, zone };
    save(global, &entry)?;
    view::schedule(global, &entry)?;
    Ok(Code::Completed)
}

pub(super) fn get(global: &Global, get: &ScheduleGet) -> Result<Code, Failure> {
    view::schedules(global, &entries(&Config::load(global)?, &get.names)?)?;
    Ok(Code::Completed)
}

pub(super) fn describe(global: &Global, describe: &ScheduleName) -> Result<Code, Failure> {
    view::schedule(global, &one(global, &describe.name)?)?;
    Ok(Code::Completed)
}

fn one(global: &Global, name: &str) -> Result<Entry, Failure> {
    Entry::read(name, Config::load(global)?.schedule(name)?)
}

pub(super) fn pause(global: &Global, name: &ScheduleName, paused: bool) -> Result<Code, Failure> {
    let mut entry = one(global, &name.name)?;
    entry.spec.paused = paused;
    save(global, &entry)?;
    view::schedule(global, &entry)?;
    Ok(Code::Completed)
}

pub(super) fn delete(global: &Global, name: &ScheduleName) -> Result<Code, Failure> {
    Config::load(global)?.schedule(&name.name)?;
    let mut file = ConfigFile::open(global)?;
    file.remove(Section::Schedules, &name.name);
    file.save()?;
    view::forgotten(global, "Schedule", &name.name)?;
    Ok(Code::Completed)
}

pub(super) async fn run(global: &Global, run: &ScheduleRun) -> Result<Code, Failure> {
    let config = Config::load(global)?;
    let entries = entries(&config, &run.names)?;
    if entries.is_empty() {
        let failure = Failure::usage("there is no schedule to run");
        return Err(failure.next("write one down: kbackup schedule create nightly --schedule \"30 2 * * *\""));
    }
    let cluster = Arc::new(connect::cluster(global).await?);
    let mut scheduled = Vec::new();
    for entry in entries {
        let store = connect::store_of(global, entry.location.as_deref())?;
        let engine =
            Engine::shared(Arc::<KubeCluster>::clone(&cluster), store).exec(Arc::<KubeCluster>::clone(&cluster));
        let created = entry.created_at.unwrap_or_else(Timestamp::now);
        let one = Scheduled::new(entry.name, entry.spec, entry.zone, created, engine);
        scheduled.push(one.map_err(|error| of_spec("the schedule is not valid", &error))?);
    }
    // A line a backup, and no progress: this runs for months, and its output is a log.
    let quiet = Global { quiet: true, ..global.clone() };
    let (context, _signal) = context(&quiet);
    let until = if run.once { Until::NothingIsDue } else { Until::Cancelled };
    let tally =
        scheduler::run(&scheduled, until, &context, &|schedule, told| view::told(global, schedule, &told)).await;
    Ok(if run.once { code(tally) } else { Code::Completed })
}

/// What one round comes to. Whoever runs schedules for good sees each backup in the log, and ends when told to.
fn code(tally: Tally) -> Code {
    match tally {
        Tally { cancelled: 1.., .. } => Code::Cancelled,
        Tally { failed: 1.., .. } => Code::Failed,
        Tally { partially_failed: 1.., .. } => Code::PartiallyFailed,
        _ => Code::Completed,
    }
}
