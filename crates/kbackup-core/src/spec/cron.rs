//! When a schedule runs: cron expressions, in the dialect of Kubernetes' CronJobs and of Velero's schedules.

mod fields;
mod next;

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use fields::Fields;

/// A cron expression: five fields (minute, hour, day of the month, month, day of the week), a word (`@hourly`, `@daily`,
/// `@midnight`, `@weekly`, `@monthly`, `@yearly`, `@annually`) or an interval (`@every 1h30m`); before it, where wanted, a
/// time zone (`CRON_TZ=Europe/Berlin`).
///
/// It reads what `ParseStandard` of robfig/cron v3 reads, and gives the same times, so that an expression means here what
/// it means in a CronJob or in Velero: names of months and days, ranges, lists, steps, `5/15` for `5-59/15`, and where both
/// days are restricted, one of the two suffices. Stricter in one thing: a list with an empty element is refused.
///
/// ```
/// use jiff::tz::TimeZone;
/// use kbackup_core::spec::Cron;
///
/// let cron: Cron = "30 2 * * mon-fri".parse()?;
/// let friday = "2026-11-27T02:30:00Z".parse().unwrap();
/// let next = cron.next(friday, &TimeZone::UTC).expect("there is always a Monday");
/// assert_eq!(next.to_string(), "2026-11-30T02:30:00Z");
/// assert!("61 * * * *".parse::<Cron>().is_err());
/// # Ok::<(), kbackup_core::spec::CronError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Cron {
    text: String,
    zone: Option<String>,
    when: When,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum When {
    /// At the minutes that these fields match.
    Fields(Fields),
    /// So many seconds after the last time.
    Every(i64),
}

/// Text that is not a cron expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{text}\" is not a cron expression: {why} (write it like \"30 2 * * *\", @daily or \"@every 6h\")")]
pub struct CronError {
    text: String,
    why: String,
}

const WORDS: [(&str, &str); 7] = [
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
    ("@monthly", "0 0 1 * *"),
    ("@weekly", "0 0 * * 0"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@hourly", "0 * * * *"),
];

impl Cron {
    /// The time zone that the expression names itself (`CRON_TZ=`, `TZ=`).
    #[must_use]
    pub fn zone(&self) -> Option<&str> {
        self.zone.as_deref()
    }

    /// The first time after `after`; `None` where there is none up to the end of the fifth year from then.
    ///
    /// `zone` is the zone whose clock the fields are about: whoever calls has found it by [`Cron::zone`] or a setting of
    /// its own. When that clock is put forward, times that it skips are skipped; when it is put back, times that it shows
    /// twice are taken twice, as a CronJob does. An interval counts from `after` and asks no clock.
    #[must_use]
    pub fn next(&self, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        match &self.when {
            When::Fields(fields) => next::next(fields, after, zone),
            When::Every(seconds) => Timestamp::from_second(floor_second(after).checked_add(*seconds)?).ok(),
        }
    }

    /// The last time after `after` and not after `until`; `None` where there is none.
    #[must_use]
    pub fn latest(&self, after: Timestamp, until: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        match &self.when {
            When::Fields(_) => next::latest(self, after, until, zone),
            When::Every(seconds) => {
                let begin = floor_second(after);
                let times = (floor_second(until) - begin) / seconds;
                (times > 0).then(|| Timestamp::from_second(begin + times * seconds).ok())?
            }
        }
    }
}

/// The whole second that an instant is in.
fn floor_second(at: Timestamp) -> i64 {
    at.as_second() - i64::from(at.subsec_nanosecond() < 0)
}

impl FromStr for Cron {
    type Err = CronError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = |why: String| CronError { text: text.to_owned(), why };
        let mut rest = text;
        let mut zone = None;
        if let Some(named) = text.strip_prefix("CRON_TZ=").or_else(|| text.strip_prefix("TZ=")) {
            let (name, behind) = named.split_once(' ').ok_or_else(|| error("nothing follows the zone".to_owned()))?;
            (zone, rest) = (Some(name.to_owned()), behind.trim());
        }
        Ok(Self { text: text.to_owned(), zone, when: when(rest).map_err(error)? })
    }
}

fn when(text: &str) -> Result<When, String> {
    if let Some(interval) = text.strip_prefix("@every ") {
        return interval_seconds(interval.trim()).map(When::Every);
    }
    if text.starts_with('@') {
        let words = WORDS.map(|(word, _)| word);
        let known = WORDS.into_iter().find(|(word, _)| *word == text);
        let (_, fields) = known.ok_or_else(|| format!("the words are {} and @every", words.join(", ")))?;
        return fields.parse().map(When::Fields);
    }
    text.parse().map(When::Fields)
}

/// A hundred years: far from the end of the calendar.
const INTERVAL_SECONDS_MAX: u128 = 100 * 366 * 86_400;
const NANOSECOND: u128 = 1;
const SECOND: u128 = 1_000_000_000;
/// Units of an interval in nanoseconds: Go's, and days and weeks. Of two that begin alike, the longer comes first.
const UNITS: [(&str, u128); 10] = [
    ("ns", NANOSECOND),
    ("us", 1_000),
    ("µs", 1_000),
    ("μs", 1_000),
    ("ms", 1_000_000),
    ("s", SECOND),
    ("m", 60 * SECOND),
    ("h", 3_600 * SECOND),
    ("d", 86_400 * SECOND),
    ("w", 7 * 86_400 * SECOND),
];

/// The whole seconds of an interval as Go writes it (`1h30m`, `1.5h`); one, where it is shorter.
fn interval_seconds(text: &str) -> Result<i64, String> {
    let wrong = |why: &str| format!("\"{text}\" is not an interval, {why} (write it like 1h30m)");
    let mut rest = text;
    let mut nanoseconds = 0_u128;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(|| wrong("a unit is missing"))?;
        let (number, behind) = rest.split_at(digits);
        let unit = UNITS.into_iter().find(|(unit, _)| behind.starts_with(unit));
        let (unit, scale) = unit.ok_or_else(|| wrong("the units are w, d, h, m, s, ms, us and ns"))?;
        let more = scaled(number, scale).ok_or_else(|| wrong("a number and a unit were expected"))?;
        nanoseconds = nanoseconds.saturating_add(more);
        rest = &behind[unit.len()..];
    }
    match nanoseconds {
        0 => Err(wrong("it must be longer than zero")),
        long if long / SECOND > INTERVAL_SECONDS_MAX => Err(wrong("it is longer than a hundred years")),
        some => Ok(i64::try_from(some / SECOND).unwrap_or(i64::MAX).max(1)),
    }
}

/// A decimal number of units, cut to whole nanoseconds.
fn scaled(number: &str, scale: u128) -> Option<u128> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let digits = |text: &str| if text.is_empty() { Some(0) } else { text.parse::<u64>().ok().map(u128::from) };
    // Nine digits behind the point are all that a nanosecond has.
    let fraction = &fraction[..fraction.len().min(9)];
    let parts = digits(fraction)? * scale / 10_u128.pow(u32::try_from(fraction.len()).ok()?);
    Some(digits(whole)? * scale + parts)
}

impl fmt::Display for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl TryFrom<String> for Cron {
    type Error = CronError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Cron> for String {
    fn from(cron: Cron) -> Self {
        cron.text
    }
}

#[cfg(test)]
mod tests;
