//! `kbackup schedule …`.

use clap::{Subcommand, ValueEnum};
use kbackup_core::model::BackupName;
use kbackup_core::spec::{Concurrency, Cron, ScheduleSpec, Ttl};

use super::backup::{BackupFlags, Rules};
use crate::error::Failure;

#[derive(Debug, clap::Args)]
pub(crate) struct ScheduleArgs {
    #[command(subcommand)]
    pub(crate) verb: ScheduleVerb,
}

#[derive(Debug, Subcommand)]
#[allow(clippy::large_enum_variant, reason = "there is one in a program's life")]
pub(crate) enum ScheduleVerb {
    /// Write a schedule into the configuration file.
    Create(ScheduleCreate),
    /// List the schedules and when each is due next.
    Get(ScheduleGet),
    /// Show what a schedule does and when.
    Describe(ScheduleName),
    /// Let a schedule rest.
    Pause(ScheduleName),
    /// Let a schedule that rests go on.
    Unpause(ScheduleName),
    /// Run schedules in the foreground, until they are told to stop.
    Run(ScheduleRun),
    /// Forget a schedule. Its backups stay, as long as their time to live.
    Delete(ScheduleName),
}

#[derive(Debug, clap::Args)]
pub(crate) struct ScheduleCreate {
    /// The schedule's name; its backups are called `<name>-<YYYYMMDDhhmmss>`.
    pub(crate) name: BackupName,
    /// When: five fields of cron ("30 2 * * *"), @daily, "@every 6h".
    #[arg(long, value_name = "CRON")]
    schedule: Cron,
    /// The time zone whose clock that is about (Europe/Berlin); not given: UTC.
    #[arg(long, value_name = "ZONE")]
    time_zone: Option<String>,
    /// Write it down, and let it rest.
    #[arg(long)]
    paused: bool,
    /// Make the first backup when it is due, not at once.
    #[arg(long)]
    skip_immediately: bool,
    /// What happens when a backup is due while the last one is still being made.
    #[arg(long, value_enum, default_value_t = Overlap::Forbid, value_name = "POLICY")]
    concurrency: Overlap,
    /// How late a backup may still begin (1h); not given: however late.
    #[arg(long, value_name = "DURATION")]
    starting_deadline: Option<Ttl>,
    /// Up to how much later than its time a backup begins (10m), so that many schedules don't begin at once.
    #[arg(long, value_name = "DURATION")]
    jitter: Option<Ttl>,
    #[command(flatten)]
    rules: Rules,
    #[command(flatten)]
    pub(crate) what: BackupFlags,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Overlap {
    /// It waits for the other, and begins right after it.
    Forbid,
    /// It begins beside the other.
    Allow,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ScheduleGet {
    /// Names to show; not given: all.
    pub(crate) names: Vec<String>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ScheduleName {
    /// The schedule's name.
    pub(crate) name: String,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ScheduleRun {
    /// Schedules to run; not given: all of the configuration file.
    pub(crate) names: Vec<String>,
    /// Make what is due now, and end: for a cron or a timer of the system.
    #[arg(long)]
    pub(crate) once: bool,
}

impl ScheduleCreate {
    /// What is asked for; `ttl` is that of the location.
    ///
    /// # Errors
    /// As those of the backup's spec.
    pub(crate) async fn spec(&self, ttl: Option<Ttl>) -> Result<ScheduleSpec, Failure> {
        Ok(ScheduleSpec {
            schedule: self.schedule.clone(),
            time_zone: self.time_zone.clone(),
            paused: self.paused,
            skip_immediately: self.skip_immediately,
            concurrency: match self.concurrency {
                Overlap::Forbid => Concurrency::Forbid,
                Overlap::Allow => Concurrency::Allow,
            },
            starting_deadline: self.starting_deadline,
            jitter: self.jitter,
            template: self.what.spec(ttl).await?,
            retention: self.rules.retention(),
        })
    }
}
