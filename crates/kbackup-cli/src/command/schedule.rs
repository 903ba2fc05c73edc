//! `kbackup schedule create | get | describe | pause | unpause | run | delete`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use kbackup_core::catalog::{Policies, Policy};
use kbackup_core::engine::Engine;
use kbackup_core::scheduler::{self, Scheduled, Tally, Until};
use kbackup_core::spec::Retention;
use kbackup_kube::KubeCluster;

use super::entry::{Entry, Settings, zone};
use super::failure::of_spec;
use super::run::run as context;
use crate::args::{Global, ProtectionArgs, ScheduleCreate, ScheduleGet, ScheduleName, ScheduleRun};
use crate::config::{Config, ConfigFile, Section};
use crate::connect;
use crate::error::{Code, Failure};
use crate::keys;
use crate::view;

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
    let place = location.as_ref().map(|name| config.location(name)).transpose()?;
    let spec = create.spec(place.and_then(|location| location.ttl)).await?;
    spec.validate().map_err(|error| of_spec("the schedule is not valid", &error))?;
    // A key that can't be used is better told now than at night.
    let protection = &create.what.protection;
    keys::protection(global, protection, place)?;
    let (zone, now) = (zone(&spec)?, Timestamp::now());
    let settings = Settings {
        location,
        created_at: Some(now.round(jiff::Unit::Second).unwrap_or(now)),
        recipients: keys::typed(protection)?,
        sign_key: protection.sign_key.as_deref().map(absolute).transpose()?,
        passphrase_file: global.passphrase_file.as_deref().map(absolute).transpose()?,
        limits: create.what.pace,
    };
    let entry = Entry { name: create.name.clone(), settings, spec, zone };
    save(global, &entry)?;
    view::schedule(global, &entry)?;
    Ok(Code::Completed)
}

pub(super) fn get(global: &Global, get: &ScheduleGet) -> Result<Code, Failure> {
    view::schedules(global, &entries(&Config::load(global)?, &get.names)?)?;
    Ok(Code::Completed)
}

pub(super) fn describe(global: &Global, describe: &ScheduleName) -> Result<Code, Failure> {
    view::schedule(global, &Entry::of(global, &describe.name)?)?;
    Ok(Code::Completed)
}

pub(super) fn pause(global: &Global, name: &ScheduleName, paused: bool) -> Result<Code, Failure> {
    let mut entry = Entry::of(global, &name.name)?;
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
        scheduled.push(prepare(global, &cluster, entry)?);
    }
    // A line a backup, and no progress: this runs for months, and its output is a log.
    let quiet = Global { quiet: true, ..global.clone() };
    let (context, _signal) = context(&quiet);
    let until = if run.once { Until::NothingIsDue } else { Until::Cancelled };
    let tally =
        scheduler::run(&scheduled, until, &context, &|schedule, told| view::told(global, schedule, &told)).await;
    Ok(if run.once { code(tally) } else { Code::Completed })
}

/// A schedule with the engine that makes its backups.
fn prepare(global: &Global, cluster: &Arc<KubeCluster>, entry: Entry) -> Result<Scheduled, Failure> {
    let Entry { name, settings, spec, zone } = entry;
    let location = connect::location_of(global, settings.location.as_deref())?;
    let store = connect::store_of(global, settings.location.as_deref())?;
    let args =
        ProtectionArgs { recipient: settings.recipients, sign_key: settings.sign_key, ..ProtectionArgs::default() };
    let passphrase_file = settings.passphrase_file.or_else(|| global.passphrase_file.clone());
    let protection = keys::protection(&Global { passphrase_file, ..global.clone() }, &args, location.as_ref())?;
    let engine = Engine::shared(Arc::<KubeCluster>::clone(cluster), store)
        .exec(Arc::<KubeCluster>::clone(cluster))
        .protect(protection)
        .unlock(keys::keyring_of(global, location.as_ref())?);
    let created = settings.created_at.unwrap_or_else(Timestamp::now);
    let one = Scheduled::new(name, spec, zone, created, engine);
    one.map(|one| one.limits(settings.limits.limits())).map_err(|error| of_spec("the schedule is not valid", &error))
}

/// The path of a file that is read when nobody knows where this was typed.
fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    std::path::absolute(path).map_err(|error| Failure::usage(format!("{} is no path", path.display())).why(error))
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
