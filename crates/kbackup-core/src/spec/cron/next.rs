//! From an instant to the next one that an expression matches.

use jiff::civil::{Date, DateTime};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp};

use super::Cron;
use super::fields::Fields;

/// By how much a clock is put forward or back at most.
const SHIFT: SignedDuration = SignedDuration::from_hours(3);
/// How far ahead is looked: up to the end of that many years from now.
const YEARS: i16 = 5;

/// The first instant after `after` at which the clock of `zone` shows a minute that matches.
///
/// Minutes are tried in the order in which the clock's face shows them; where it is put back, that is not quite the order
/// in which they come, so what lies a shift before and behind is tried too.
pub(super) fn next(fields: &Fields, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
    let soon = after.checked_add(SignedDuration::from_secs(1)).ok()?;
    let year_last = zone.to_datetime(soon).year().saturating_add(YEARS);
    let begin = zone.to_datetime(after).checked_sub(SHIFT).ok()?;
    let mut best: Option<(DateTime, Timestamp)> = None;
    for shown in Minutes::new(fields, begin, year_last) {
        if best.is_some_and(|(found, _)| shown.duration_since(found) > SHIFT) {
            break;
        }
        for at in instants(zone, shown).into_iter().flatten() {
            if at > after && best.is_none_or(|(_, earliest)| at < earliest) {
                best = Some((shown, at));
            }
        }
    }
    best.map(|(_, at)| at)
}

/// Windows in which the last time before an instant is looked for, the shorter ones first: a frequent expression is found
/// in the first after a few steps, a rare one has few steps in the last.
const WINDOWS: [SignedDuration; 5] = [
    SignedDuration::from_hours(1),
    SignedDuration::from_hours(26),
    SignedDuration::from_hours(32 * 24),
    SignedDuration::from_hours(367 * 24),
    SignedDuration::from_hours(9 * 366 * 24),
];

/// The last time after `after` and not after `until`.
pub(super) fn latest(cron: &Cron, after: Timestamp, until: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
    for window in WINDOWS {
        let begin = until.checked_sub(window).unwrap_or(Timestamp::MIN).max(after);
        let within = |at: &Timestamp| *at <= until;
        let first = cron.next(begin, zone).filter(within);
        let times = std::iter::successors(first, |at| cron.next(*at, zone).filter(within));
        if let Some(last) = times.last() {
            return Some(last);
        }
        if begin == after {
            return None;
        }
    }
    None
}

/// When the clock of a zone shows this: never where it skips it, twice where it is put back.
fn instants(zone: &TimeZone, shown: DateTime) -> [Option<Timestamp>; 2] {
    let at = |offset: jiff::tz::Offset| offset.to_timestamp(shown).ok();
    match zone.to_ambiguous_timestamp(shown).offset() {
        AmbiguousOffset::Unambiguous { offset } => [at(offset), None],
        AmbiguousOffset::Gap { .. } => [None, None],
        AmbiguousOffset::Fold { before, after } => [at(before), at(after)],
    }
}

/// The minutes that match, as a clock shows them, in ascending order.
struct Minutes<'a> {
    fields: &'a Fields,
    day: Option<Date>,
    /// The next minute of the day to be tried.
    minute: u32,
    year_last: i16,
}

const MINUTES_OF_DAY: u32 = 24 * 60;

impl<'a> Minutes<'a> {
    /// From the minute of `begin` on, up to the end of `year_last`.
    fn new(fields: &'a Fields, begin: DateTime, year_last: i16) -> Self {
        let minute = u32::from(begin.hour().unsigned_abs()) * 60 + u32::from(begin.minute().unsigned_abs());
        Self { fields, day: Some(begin.date()), minute, year_last }
    }

    /// The next minute of the day that matches.
    fn in_day(&mut self) -> Option<u32> {
        while self.minute < MINUTES_OF_DAY {
            let (hour, minute) = (self.minute / 60, self.minute % 60);
            if self.fields.hours & (1 << hour) == 0 {
                self.minute = (hour + 1) * 60;
                continue;
            }
            self.minute += 1;
            if self.fields.minutes & (1 << minute) != 0 {
                return Some(hour * 60 + minute);
            }
        }
        None
    }
}

impl Iterator for Minutes<'_> {
    type Item = DateTime;

    fn next(&mut self) -> Option<DateTime> {
        loop {
            let day = self.day.filter(|day| day.year() <= self.year_last)?;
            if self.fields.take_day(day)
                && let Some(found) = self.in_day()
            {
                let part = |number: u32| i8::try_from(number).unwrap_or_default();
                return Some(day.at(part(found / 60), part(found % 60), 0, 0));
            }
            self.day = day.tomorrow().ok();
            self.minute = 0;
        }
    }
}
