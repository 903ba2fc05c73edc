//! What a user asks of a schedule.

use jiff::tz::{TimeZone, TimeZoneDatabase};
use serde::{Deserialize, Serialize};

use super::{BackupSpec, Cron, Retention, Ttl, Violation, Violations};

/// A backup that is made again and again.
///
/// ```
/// use kbackup_core::spec::{BackupSpec, ScheduleSpec};
///
/// let spec = ScheduleSpec::new("30 2 * * *".parse()?).template(BackupSpec::default().namespaces(["shop"]));
/// assert!(spec.validate().is_ok());
/// # Ok::<(), kbackup_core::spec::CronError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ScheduleSpec {
    /// When.
    pub schedule: Cron,
    /// The time zone whose clock the schedule is about (`Europe/Berlin`). Not given: UTC, or what the schedule names itself
    /// (`CRON_TZ=`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    /// Nothing runs while it is set.
    #[serde(default, skip_serializing_if = "is_false")]
    pub paused: bool,
    /// The first backup is made at the first time of the schedule, not at once.
    #[serde(default, skip_serializing_if = "is_false")]
    pub skip_immediately: bool,
    /// What happens when a backup is due while the last one is still being made.
    #[serde(default)]
    pub concurrency: Concurrency,
    /// How late a backup may still begin. What could not begin in time (the host was off, the last backup took too long) is
    /// left out. Not given: however late, and one backup for all times that were missed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starting_deadline: Option<Ttl>,
    /// Up to how much later than its time a backup begins: the same for the same schedule and time, different for others,
    /// so that many schedules of one minute don't begin at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jitter: Option<Ttl>,
    /// What is backed up.
    #[serde(default)]
    pub template: BackupSpec,
    /// Which backups are kept beyond their time to live.
    #[serde(default, skip_serializing_if = "Retention::is_empty")]
    pub retention: Retention,
}

/// What happens when a backup is due while the last one is still being made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Concurrency {
    /// It waits for the end of the other, and begins right after it.
    #[default]
    Forbid,
    /// It begins beside the other.
    Allow,
}

impl ScheduleSpec {
    /// A backup of everything at these times, from now on.
    #[must_use]
    pub fn new(schedule: Cron) -> Self {
        Self {
            schedule,
            time_zone: None,
            paused: false,
            skip_immediately: false,
            concurrency: Concurrency::default(),
            starting_deadline: None,
            jitter: None,
            template: BackupSpec::default(),
            retention: Retention::default(),
        }
    }

    /// Backs up what this says.
    #[must_use]
    pub fn template(self, template: BackupSpec) -> Self {
        Self { template, ..self }
    }

    /// Checks all that can be checked without a cluster and a database of time zones.
    ///
    /// # Errors
    /// With every violation, not only the first.
    pub fn validate(&self) -> Result<(), Violations> {
        let mut violations = Vec::new();
        if let (Some(own), Some(given)) = (self.schedule.zone(), self.time_zone.as_deref())
            && own != given
        {
            let message = format!("\"{given}\" is not the zone \"{own}\" of the schedule itself: name it in one place");
            violations.push(Violation::new("timeZone", message));
        }
        if let Err(Violations(template)) = self.template.validate() {
            let within = |it: Violation| Violation::new("template", format!("{}: {}", it.field, it.message));
            violations.extend(template.into_iter().map(within));
        }
        Violations::check(violations)
    }

    /// The zone whose clock the schedule is about, looked up in a database of the caller's: that of its system, or the one
    /// that the jiff crate can bring along. This crate reads no files, and so has none.
    ///
    /// # Errors
    /// Where the database has no such zone.
    pub fn zone(&self, zones: &TimeZoneDatabase) -> Result<TimeZone, Violations> {
        let field = if self.schedule.zone().is_some() { "schedule" } else { "timeZone" };
        let name = match self.schedule.zone().or(self.time_zone.as_deref()) {
            None | Some("" | "UTC") => return Ok(TimeZone::UTC),
            Some(name) => name,
        };
        zones.get(name).map_err(|_| {
            let message = format!("\"{name}\" is not a time zone that is known here: write it like Europe/Berlin");
            Violations(vec![Violation::new(field, message)])
        })
    }
}

fn is_false(flag: &bool) -> bool {
    !flag
}
