//! Runs schedules: makes each backup when it is due, then deletes those of the schedule whose time is over.

use std::time::Duration;

use futures::stream::FuturesUnordered;
use futures::{StreamExt, future};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::backup::{BackupError, BackupReport};
use crate::catalog::{CatalogError, Decision, Expired, History, Policies, Policy, Scope, backup_name, decide};
use crate::engine::Engine;
use crate::issue::Outcome;
use crate::limits::Limits;
use crate::model::BackupName;
use crate::run::Run;
use crate::spec::{Concurrency, SCHEDULE_LABEL, ScheduleSpec, Violation, Violations};

/// A schedule and what it runs on.
#[derive(Debug, Clone)]
pub struct Scheduled {
    name: BackupName,
    spec: ScheduleSpec,
    zone: TimeZone,
    created_at: Timestamp,
    engine: Engine,
    limits: Option<Limits>,
}

/// What happens to a schedule.
#[derive(Debug)]
#[non_exhaustive]
pub enum Told<'a> {
    /// Its next backup begins then.
    Next(Timestamp),
    /// The time of a backup has passed, and it is too late to make it.
    Missed(Timestamp),
    /// A backup is due and waits for the end of one that is being made.
    Busy(Timestamp),
    /// A backup begins.
    Begun(&'a BackupName),
    /// A backup was made.
    Made(&'a BackupReport),
    /// A backup could not be made. The next one is made when it is due.
    Failed(&'a BackupName, &'a BackupError),
    /// Somebody else has made, or makes, the backup that was due.
    MadeElsewhere(&'a BackupName),
    /// The backups whose time is over were deleted, as far as that could be done.
    Expired(&'a Expired),
    /// The backups of the schedule could not be looked at; they are looked at again later.
    Unreadable(&'a CatalogError),
    /// It is paused, and nothing runs.
    Paused,
    /// It has no time in the next five years.
    Never,
}

/// Who is told what happens: the schedule's name comes first. Called from within: it must return at once.
pub type Tell<'a> = &'a (dyn Fn(&BackupName, Told<'_>) + Send + Sync);

/// When to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// When the run is cancelled. What is being made then is cancelled too, and cleaned up.
    Cancelled,
    /// When nothing is due any more.
    NothingIsDue,
}

/// How the backups of some schedules went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Backups with all that was asked for.
    pub completed: u64,
    /// Backups that lack something.
    pub partially_failed: u64,
    /// Backups that could not be made, and expiries that could not be done.
    pub failed: u64,
    /// Backups that were broken off because somebody asked for the end.
    pub cancelled: u64,
}

/// How often a schedule that waits looks at the clock: a host that slept, or whose clock was set, is noticed so soon.
const LOOK_EVERY: Duration = Duration::from_secs(60);
/// Backups of one schedule that are made at the same time at most, where it allows several.
const RUNNING_MAX: usize = 4;
/// A label's value has at most so many characters.
const NAME_MAX: usize = 63;

impl Scheduled {
    /// The schedule `name`, made at `created_at`, which backs up by `engine`. `zone` is that of [`ScheduleSpec::zone`].
    ///
    /// # Errors
    /// Where the spec is not valid, or the name is no value of a label.
    pub fn new(
        name: BackupName,
        spec: ScheduleSpec,
        zone: TimeZone,
        created_at: Timestamp,
        engine: Engine,
    ) -> Result<Self, Violations> {
        spec.validate()?;
        if name.as_str().len() > NAME_MAX {
            let message = format!("\"{name}\" is too long: its backups carry it as a label, of at most 63 characters");
            return Err(Violations(vec![Violation::new("name", message)]));
        }
        Ok(Self { name, spec, zone, created_at, engine, limits: None })
    }

    /// The same schedule, whose backups keep these bounds instead of those of the run.
    #[must_use]
    pub fn limits(self, limits: Limits) -> Self {
        Self { limits: Some(limits), ..self }
    }
}

/// Follows schedules, all at the same time, and says how their backups went.
///
/// What has happened before is read from the labels and names of the backups in each store, so nothing is lost when this
/// is stopped and started again, and several hosts that run the same schedule make one backup.
pub async fn run(schedules: &[Scheduled], until: Until, run: &Run, tell: Tell<'_>) -> Tally {
    let tallies = future::join_all(schedules.iter().map(|schedule| follow(schedule, until, run, tell))).await;
    tallies.into_iter().fold(Tally::default(), Tally::plus)
}

async fn follow(schedule: &Scheduled, until: Until, run: &Run, tell: Tell<'_>) -> Tally {
    let run = &schedule.limits.iter().fold(run.clone(), |run, limits| run.limits(limits.clone()));
    let told = |what: Told<'_>| tell(&schedule.name, what);
    let mut following = Following::new(schedule.spec.concurrency);
    let mut history = None;
    while !run.is_cancelled() {
        let known = match history {
            Some(known) => known,
            None => match look(schedule, run).await {
                Ok(found) => *history.insert(found),
                Err(error) => {
                    told(Told::Unreadable(&error));
                    if until == Until::NothingIsDue {
                        following.tally.failed += 1;
                        break;
                    }
                    following.nap(LOOK_EVERY, run).await;
                    continue;
                }
            },
        };
        let crowded = following.making.len() >= RUNNING_MAX;
        let known = History { running: known.running || !following.making.is_empty(), ..known };
        match decide(schedule.name.as_str(), &schedule.spec, &schedule.zone, &known, run.now()) {
            Decision::Run { due } if !crowded => {
                history = Some(History { last_run: Some(due), running: false, ..known });
                following.making.push(make(schedule, due, run, tell));
            }
            Decision::Run { due } | Decision::Busy { due } => {
                following.tell_once(due, || told(Told::Busy(due)));
                if following.making.is_empty() {
                    // Somebody else is making one: whether that has ended is seen in the store.
                    history = None;
                }
                following.nap(LOOK_EVERY, run).await;
            }
            Decision::Wait { until: next, missed } => {
                following.tell_once(next, || {
                    missed.into_iter().for_each(|time| told(Told::Missed(time)));
                    told(Told::Next(next));
                });
                if until == Until::NothingIsDue {
                    break;
                }
                let left = Duration::try_from(next.duration_since(run.now())).unwrap_or_default();
                following.nap(left.min(LOOK_EVERY), run).await;
            }
            Decision::Paused => {
                told(Told::Paused);
                break;
            }
            Decision::Never => {
                told(Told::Never);
                break;
            }
        }
    }
    following.end().await
}

/// What a schedule is doing.
struct Following<F> {
    making: FuturesUnordered<F>,
    tally: Tally,
    concurrency: Concurrency,
    /// The moment of which it was told last, so that it is not told of the same every minute.
    last_told: Option<Timestamp>,
}

impl<F: Future<Output = Tally>> Following<F> {
    fn new(concurrency: Concurrency) -> Self {
        Self { making: FuturesUnordered::new(), tally: Tally::default(), concurrency, last_told: None }
    }

    fn tell_once(&mut self, moment: Timestamp, tell: impl FnOnce()) {
        if self.last_told.replace(moment) != Some(moment) {
            tell();
        }
    }

    /// Waits for the end of a backup, of `length`, or of the run.
    ///
    /// Where only one backup may be made at a time, its end is what the next one waits for, however long that takes.
    async fn nap(&mut self, length: Duration, run: &Run) {
        let watches_the_clock = self.making.is_empty() || self.concurrency == Concurrency::Allow;
        tokio::select! {
            biased;
            Some(tally) = self.making.next() => self.tally = self.tally.plus(tally),
            () = run.cancelled() => {}
            () = run.sleep(length), if watches_the_clock => {}
        }
    }

    async fn end(mut self) -> Tally {
        while let Some(tally) = self.making.next().await {
            self.tally = self.tally.plus(tally);
        }
        self.tally
    }
}

async fn look(schedule: &Scheduled, run: &Run) -> Result<History, CatalogError> {
    let survey = schedule.engine.survey(run.bounds()).await?;
    Ok(History::of(schedule.name.as_str(), &survey, schedule.created_at, run.now()))
}

/// Makes the backup of a time, then deletes those whose time is over.
async fn make(schedule: &Scheduled, due: Timestamp, run: &Run, tell: Tell<'_>) -> Tally {
    let told = |what: Told<'_>| tell(&schedule.name, what);
    let mut tally = Tally::default();
    // A name of at most 63 characters has room for a time.
    let Ok(name) = backup_name(&schedule.name, due) else { return tally };
    told(Told::Begun(&name));
    let spec = schedule.spec.template.clone().label(SCHEDULE_LABEL, schedule.name.as_str());
    match schedule.engine.backup(&name, &spec, run).await {
        Ok(report) => {
            match report.manifest.outcome {
                Outcome::Completed => tally.completed += 1,
                Outcome::PartiallyFailed | Outcome::Failed => tally.partially_failed += 1,
            }
            told(Told::Made(&report));
        }
        Err(BackupError::NameTaken { .. } | BackupError::InProgress { .. }) => told(Told::MadeElsewhere(&name)),
        Err(BackupError::Cancelled) => tally.cancelled += 1,
        Err(error) => {
            tally.failed += 1;
            told(Told::Failed(&name, &error));
        }
    }
    if !run.is_cancelled() {
        tally.failed += expire(schedule, run, tell).await;
    }
    tally
}

/// How many of the backups that should be gone are not.
async fn expire(schedule: &Scheduled, run: &Run, tell: Tell<'_>) -> u64 {
    let policy = Policy { retention: schedule.spec.retention, zone: schedule.zone.clone() };
    let name = schedule.name.as_str();
    let policies = Policies::default().schedule(name, policy).scope(Scope::Schedule(name.to_owned()));
    match schedule.engine.expire(&policies, run).await {
        Ok(expired) => {
            tell(&schedule.name, Told::Expired(&expired));
            expired.failed.len() as u64
        }
        Err(error) => {
            tell(&schedule.name, Told::Unreadable(&error));
            1
        }
    }
}

impl Tally {
    fn plus(self, other: Self) -> Self {
        Self {
            completed: self.completed + other.completed,
            partially_failed: self.partially_failed + other.partially_failed,
            failed: self.failed + other.failed,
            cancelled: self.cancelled + other.cancelled,
        }
    }
}
