//! Whether a schedule's backup is due: a pure function of the schedule, what has happened, and the time.

use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};

use super::Survey;
use crate::model::{BackupName, NameError};
use crate::spec::{Concurrency, ScheduleSpec};

/// What has happened to a schedule so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct History {
    /// When the schedule was made: with `skipImmediately`, its times count from then.
    pub created_at: Timestamp,
    /// When its last backup began.
    pub last_run: Option<Timestamp>,
    /// Whether one is being made now.
    pub running: bool,
}

/// What to do about a schedule now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Make the backup that was due at this moment.
    Run {
        /// When it was due: the first at once, the others at a time of the schedule. It names the backup
        /// ([`backup_name`]), so that two who run the same schedule make one backup.
        due: Timestamp,
    },
    /// Nothing before `until`; look again then.
    Wait {
        /// When the next backup begins.
        until: Timestamp,
        /// The last time that passed without a backup and is too long ago to make up for.
        missed: Option<Timestamp>,
    },
    /// A backup is due and waits for the end of the one that is being made.
    Busy {
        /// When it was due.
        due: Timestamp,
    },
    /// The schedule is paused.
    Paused,
    /// The schedule has no time in the next five years.
    Never,
}

impl History {
    /// What the backups of a store say about the schedule `name`.
    #[must_use]
    pub fn of(name: &str, survey: &Survey, created_at: Timestamp, now: Timestamp) -> Self {
        let summaries = survey.backups.iter().filter_map(|backup| backup.summary.as_ref().ok());
        let began = summaries.filter(|summary| summary.schedule() == Some(name)).map(|summary| summary.started_at);
        // A claim has no labels: what is being made is recognised by its name.
        let alive = || survey.unfinished.iter().filter(|it| it.is_alive(now) && made_by(name, &it.name));
        let claimed = alive().filter_map(|it| it.claim.as_ref()).map(|claim| claim.started_at);
        Self { created_at, last_run: began.chain(claimed).max(), running: alive().next().is_some() }
    }
}

/// The name of the backup that a schedule makes for one of its times: `<schedule>-<YYYYMMDDhhmmss>`, in UTC.
///
/// ```
/// use kbackup_core::catalog::backup_name;
///
/// let due = "2026-11-25T02:30:00Z".parse().unwrap();
/// assert_eq!(backup_name(&"nightly".parse()?, due)?.as_str(), "nightly-20261125023000");
/// # Ok::<(), kbackup_core::model::NameError>(())
/// ```
///
/// # Errors
/// Where the schedule's name is so long that the whole is no name of a backup.
pub fn backup_name(schedule: &BackupName, due: Timestamp) -> Result<BackupName, NameError> {
    format!("{schedule}-{}", due.to_zoned(TimeZone::UTC).strftime("%Y%m%d%H%M%S")).parse()
}

fn made_by(schedule: &str, backup: &BackupName) -> bool {
    let stamp = backup.as_str().strip_prefix(schedule).and_then(|rest| rest.strip_prefix('-'));
    stamp.is_some_and(|stamp| stamp.len() == 14 && stamp.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Decides what to do about the schedule `name` now. `zone` is that of [`ScheduleSpec::zone`].
///
/// - The first backup is made at once, unless `skipImmediately`.
/// - However many times were missed, one backup makes up for all of them; none where `startingDeadline` is over.
/// - With `concurrency: forbid` a backup that is due waits for the end of the one that is being made.
#[must_use]
pub fn decide(name: &str, spec: &ScheduleSpec, zone: &TimeZone, history: &History, now: Timestamp) -> Decision {
    if spec.paused {
        return Decision::Paused;
    }
    let times = Times { name, spec, zone };
    let due = match history.last_run {
        None if !spec.skip_immediately => Due { due: Some(now), ..Due::default() },
        last => times.look(last.unwrap_or(history.created_at), now),
    };
    match due.due {
        Some(due) if history.running && spec.concurrency == Concurrency::Forbid => Decision::Busy { due },
        Some(due) => Decision::Run { due },
        None => match due.next {
            Some(until) => Decision::Wait { until, missed: due.missed },
            None => Decision::Never,
        },
    }
}

/// What the times of a schedule come to at a moment.
#[derive(Debug, Default)]
struct Due {
    due: Option<Timestamp>,
    next: Option<Timestamp>,
    missed: Option<Timestamp>,
}

struct Times<'a> {
    name: &'a str,
    spec: &'a ScheduleSpec,
    zone: &'a TimeZone,
}

/// Times that are looked at, from now back: as many as can pass while the jitter of one of them runs.
const STEPS_MAX: usize = 1_000;

impl Times<'_> {
    /// The last time after `reference` whose beginning has come, or when that of the next comes.
    fn look(&self, reference: Timestamp, now: Timestamp) -> Due {
        let cron = &self.spec.schedule;
        let mut look =
            Due { next: cron.next(now.max(reference), self.zone).map(|at| self.begin(at)), ..Due::default() };
        let mut time = cron.latest(reference, now, self.zone);
        for _ in 0..STEPS_MAX {
            let Some(at) = time else { break };
            let begin = self.begin(at);
            if begin > now {
                look.next = Some(look.next.map_or(begin, |next| next.min(begin)));
                // Times are whole seconds, so the one before is not after this.
                let before = at.checked_sub(SignedDuration::from_secs(1)).unwrap_or(Timestamp::MIN);
                time = cron.latest(reference, before, self.zone);
                continue;
            }
            match self.spec.starting_deadline {
                Some(deadline) if seconds(now.duration_since(begin)) > deadline.duration().as_secs() => {
                    look.missed = Some(at);
                }
                _ => look.due = Some(at),
            }
            break;
        }
        look
    }

    /// When the backup of a time begins: up to the jitter later, the same for the same schedule and time.
    fn begin(&self, at: Timestamp) -> Timestamp {
        let Some(jitter) = self.spec.jitter else { return at };
        let digest = Sha256::digest(format!("{}|{}", self.name, at.as_second()));
        let number = digest.iter().take(8).fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
        at.saturating_add(Duration::from_secs(number % jitter.duration().as_secs().max(1))).unwrap_or(at)
    }
}

fn seconds(duration: SignedDuration) -> u64 {
    u64::try_from(duration.as_secs()).unwrap_or(0)
}

#[cfg(test)]
mod tests;
