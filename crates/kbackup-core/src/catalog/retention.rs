//! Which backups are kept, and why: a pure function of what there is, the rules and the time.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

use super::Listed;
use crate::issue::Outcome;
use crate::model::BackupName;
use crate::spec::Retention;

/// The rules of each schedule.
///
/// ```
/// use kbackup_core::catalog::{Policies, Policy};
/// use kbackup_core::spec::Retention;
///
/// let nightly = Policy::new(Retention { keep_daily: 7, ..Retention::default() });
/// let policies = Policies::default().schedule("nightly", nightly);
/// assert!(policies.of(Some("weekly")).retention.is_empty());
/// ```
#[derive(Debug, Clone, Default)]
pub struct Policies {
    /// For schedules that have none of their own, and for backups that no schedule has made.
    pub default: Policy,
    /// By the name of the schedule.
    pub schedules: BTreeMap<String, Policy>,
    /// Which backups are judged at all.
    pub scope: Scope,
}

/// Which backups are judged: the others stay.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Scope {
    /// All.
    #[default]
    All,
    /// Those of one schedule: of the others somebody else knows the rules.
    Schedule(String),
}

/// What is kept of one schedule.
#[derive(Debug, Clone)]
pub struct Policy {
    /// The rules.
    pub retention: Retention,
    /// Whose hours, days, weeks, months and years are counted.
    pub zone: TimeZone,
}

/// What is known of a backup when it is judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its name.
    pub name: BackupName,
    /// The schedule that has made it.
    pub schedule: Option<String>,
    /// When its run began.
    pub started_at: Timestamp,
    /// When its time to live is over.
    pub expires_at: Timestamp,
    /// Whether all that was asked for is in it.
    pub outcome: Outcome,
}

/// What becomes of a backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The backup.
    pub record: Record,
    /// Why it stays; none: it goes.
    pub kept_by: Vec<Reason>,
}

/// Why a backup stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// Its time to live is not over.
    NotExpired,
    /// A rule keeps it.
    Rule {
        /// The rule.
        rule: Rule,
        /// How many of the periods from the newest on this one is, from 1.
        number: u32,
        /// The hour, day, week, month or year; empty for [`Rule::Last`].
        period: String,
    },
}

/// One of the rules of a [`Retention`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "each is the field of that name")]
pub enum Rule {
    Last,
    Hourly,
    Daily,
    Weekly,
    Monthly,
    Yearly,
}

impl Policies {
    /// The same, and `policy` for the schedule `name`.
    #[must_use]
    pub fn schedule(mut self, name: impl Into<String>, policy: Policy) -> Self {
        self.schedules.insert(name.into(), policy);
        self
    }

    /// The same, about these backups only.
    #[must_use]
    pub fn scope(self, scope: Scope) -> Self {
        Self { scope, ..self }
    }

    fn takes(&self, record: &Record) -> bool {
        match &self.scope {
            Scope::All => true,
            Scope::Schedule(name) => record.schedule.as_ref() == Some(name),
        }
    }

    /// The policy for the backups of a schedule, or of none.
    #[must_use]
    pub fn of(&self, schedule: Option<&str>) -> &Policy {
        schedule.and_then(|name| self.schedules.get(name)).unwrap_or(&self.default)
    }
}

impl Policy {
    /// These rules, in UTC.
    #[must_use]
    pub fn new(retention: Retention) -> Self {
        Self { retention, zone: TimeZone::UTC }
    }
}

impl Default for Policy {
    /// No rule: the time to live alone decides.
    fn default() -> Self {
        Self::new(Retention::default())
    }
}

impl Record {
    /// What can be judged of a listed backup. `None` for one that can't be read, whose time nobody knows, for one whose
    /// deletion has begun, and for one of Velero's: none of them is ever pruned.
    #[must_use]
    pub fn of(listed: &Listed) -> Option<Self> {
        let summary = listed.summary.as_ref().ok().filter(|summary| !listed.deleting && !summary.is_velero())?;
        Some(Self {
            name: listed.name.clone(),
            schedule: summary.schedule().map(str::to_owned),
            started_at: summary.started_at,
            expires_at: summary.expires_at,
            outcome: summary.outcome,
        })
    }
}

impl Verdict {
    /// Whether the backup stays.
    #[must_use]
    pub fn keeps(&self) -> bool {
        !self.kept_by.is_empty()
    }
}

/// Judges the backups in the scope of the policies: one stays where its time to live is not over, or a rule of its schedule keeps it.
///
/// A rule counts all backups of the schedule, and once more those alone that are complete: however many failed in part
/// since, the complete ones that it asks for are still there. The verdicts are sorted by schedule, the newest first; the
/// order of `records` makes no difference.
#[must_use]
pub fn judge(records: Vec<Record>, policies: &Policies, now: Timestamp) -> Vec<Verdict> {
    let mut groups: BTreeMap<Option<String>, Vec<Record>> = BTreeMap::new();
    for record in records.into_iter().filter(|record| policies.takes(record)) {
        groups.entry(record.schedule.clone()).or_default().push(record);
    }
    let judged = groups.into_iter().flat_map(|(schedule, mut group)| {
        group.sort_by(|a, b| (b.started_at, &b.name).cmp(&(a.started_at, &a.name)));
        judge_group(group, policies.of(schedule.as_deref()), now)
    });
    judged.collect()
}

/// Judges the backups of one schedule, the newest first.
fn judge_group(group: Vec<Record>, policy: &Policy, now: Timestamp) -> Vec<Verdict> {
    let mut reasons: Vec<Vec<Reason>> = vec![Vec::new(); group.len()];
    for (record, reasons) in group.iter().zip(&mut reasons) {
        if record.expires_at > now {
            reasons.push(Reason::NotExpired);
        }
    }
    for (rule, count) in rules(&policy.retention) {
        let all: Vec<usize> = (0..group.len()).collect();
        let complete = all.iter().copied().filter(|at| group[*at].outcome == Outcome::Completed).collect();
        let mut seen = BTreeSet::new();
        for (at, reason) in [all, complete].into_iter().flat_map(|set| kept(&group, set, rule, count, &policy.zone)) {
            if seen.insert(at) {
                reasons[at].push(reason);
            }
        }
    }
    let verdict = |(record, kept_by)| Verdict { record, kept_by };
    group.into_iter().zip(reasons).map(verdict).collect()
}

fn rules(retention: &Retention) -> [(Rule, u32); 6] {
    [
        (Rule::Last, retention.keep_last),
        (Rule::Hourly, retention.keep_hourly),
        (Rule::Daily, retention.keep_daily),
        (Rule::Weekly, retention.keep_weekly),
        (Rule::Monthly, retention.keep_monthly),
        (Rule::Yearly, retention.keep_yearly),
    ]
}

/// The newest of each of the last `count` periods that have one, among those of `group` that are in `set`.
fn kept(group: &[Record], set: Vec<usize>, rule: Rule, count: u32, zone: &TimeZone) -> Vec<(usize, Reason)> {
    let mut last = None;
    let mut found = Vec::new();
    for (number, at) in set.into_iter().enumerate() {
        let key = match rule {
            Rule::Last => number.to_string(),
            rule => rule.period(&group[at].started_at.to_zoned(zone.clone())),
        };
        if last.as_ref() == Some(&key) {
            continue;
        }
        if found.len() as u64 >= u64::from(count) {
            break;
        }
        let period = if rule == Rule::Last { String::new() } else { key.clone() };
        let number = u32::try_from(found.len() + 1).unwrap_or(u32::MAX);
        found.push((at, Reason::Rule { rule, number, period }));
        last = Some(key);
    }
    found
}

impl Rule {
    /// The period of this rule that a moment is in: later ones have other names.
    fn period(self, at: &Zoned) -> String {
        match self {
            Self::Last => String::new(),
            // The offset tells the two hours apart that a clock shows twice when it is put back.
            Self::Hourly => at.strftime("%Y-%m-%d %H:00%:z").to_string(),
            Self::Daily => at.strftime("%Y-%m-%d").to_string(),
            Self::Weekly => at.strftime("%G-W%V").to_string(),
            Self::Monthly => at.strftime("%Y-%m").to_string(),
            Self::Yearly => at.strftime("%Y").to_string(),
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Last => "keepLast",
            Self::Hourly => "keepHourly",
            Self::Daily => "keepDaily",
            Self::Weekly => "keepWeekly",
            Self::Monthly => "keepMonthly",
            Self::Yearly => "keepYearly",
        })
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotExpired => f.write_str("not expired"),
            Self::Rule { rule, number, period } if period.is_empty() => write!(f, "{rule} {number}"),
            Self::Rule { rule, number, period } => write!(f, "{rule} {number} ({period})"),
        }
    }
}

impl fmt::Display for Verdict {
    /// Why it stays, or goes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.keeps() {
            let reasons: Vec<String> = self.kept_by.iter().map(Reason::to_string).collect();
            return f.write_str(&reasons.join(", "));
        }
        let over = self.record.expires_at.round(jiff::Unit::Second).unwrap_or(self.record.expires_at);
        write!(f, "expired {over}, and no rule keeps it")
    }
}

#[cfg(test)]
mod tests;
