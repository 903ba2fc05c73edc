use std::str::FromStr;

use jiff::tz::TimeZoneDatabase;
use jiff::{SignedDuration, ToSpan};
use proptest::prelude::*;

use super::*;

fn zone(name: &str) -> TimeZone {
    TimeZoneDatabase::bundled().get(name).expect("a zone")
}

fn cron(text: &str) -> Cron {
    text.parse().expect(text)
}

fn at(text: &str) -> Timestamp {
    text.parse().expect(text)
}

/// The table that `tests/cron` has made with robfig/cron v3.0.1: for each expression and zone, what follows each moment.
#[test]
fn expressions_mean_what_they_mean_to_robfig_cron() {
    let mut rows = include_str!("robfig.tsv").lines();
    let moments: Vec<Timestamp> = rows.next().expect("a header").split('\t').skip(2).map(at).collect();
    let mut compared = 0;
    for row in rows {
        let (text, rest) = row.split_once('\t').expect("two columns at least");
        let parsed = Cron::from_str(text);
        // An empty element of a list is the one thing that is refused here and not there.
        if rest == "error" || text.split([',', ' ']).any(str::is_empty) && !text.starts_with("TZ=UTC ") {
            // Zones are looked up by whoever knows a database of them.
            assert!(parsed.is_err() || text.contains("Nowhere/City"), "{text}");
            continue;
        }
        let parsed = parsed.unwrap_or_else(|error| panic!("{error}"));
        let mut columns = rest.split('\t');
        let given = zone(columns.next().expect("a zone"));
        let own = parsed.zone().map_or(given, zone);
        for (moment, expected) in moments.iter().zip(columns) {
            let next = parsed.next(*moment, &own).map_or("never".to_owned(), |next| next.to_string());
            assert_eq!(next, expected, "{text} after {moment} in {own:?}");
            compared += 1;
        }
    }
    assert!(compared > 2_000, "the table has {compared} times");
}

#[test]
fn what_is_wrong_is_said() {
    for (text, why) in [
        ("0 0 * *", "4 fields"),
        ("0 0 * * * *", "6 fields"),
        ("60 * * * *", "the minute \"60\" is out of range: it goes from 0 to 59"),
        ("* * 0 * *", "day of the month"),
        ("* * * * 7", "from 0 to 6"),
        ("5-1 * * * *", "begins behind its end"),
        ("*/0 * * * *", "step of zero"),
        ("* * * foo *", "jan, feb"),
        ("a * * * *", "not a number"),
        ("1,,2 * * * *", "minute \"\""),
        ("@dayly", "@daily"),
        ("@every soon", "not an interval"),
        ("@every 0s", "longer than zero"),
        ("CRON_TZ=UTC", "nothing follows"),
        ("", "0 fields"),
    ] {
        let error = Cron::from_str(text).expect_err(text).to_string();
        assert!(error.contains(why), "{text}: {error}");
    }
}

#[test]
fn clocks_that_are_put_forward_or_back_are_followed() {
    let berlin = zone("Europe/Berlin");
    let times = |text: &str, from: &str, count: usize| -> Vec<String> {
        let cron = cron(text);
        let follow = |at: &Timestamp| cron.next(*at, &berlin);
        std::iter::successors(follow(&at(from)), follow).take(count).map(|at| at.to_string()).collect()
    };
    // 02:30 does not exist on the last Sunday of March, and comes twice on the last of October.
    assert_eq!(times("30 2 * * *", "2026-03-28T00:00:00Z", 2), ["2026-03-28T01:30:00Z", "2026-03-30T00:30:00Z"]);
    assert_eq!(
        times("30 2 * * *", "2026-10-24T12:00:00Z", 3),
        ["2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z", "2026-10-26T01:30:00Z"]
    );
    // Each hour that passes is one.
    assert_eq!(
        times("0 * * * *", "2026-10-24T23:30:00Z", 3),
        ["2026-10-25T00:00:00Z", "2026-10-25T01:00:00Z", "2026-10-25T02:00:00Z"]
    );
    assert_eq!(times("0 0 29 2 *", "2026-01-01T00:00:00Z", 2), ["2028-02-28T23:00:00Z", "2032-02-28T23:00:00Z"]);
    assert_eq!(cron("0 0 29 2 *").next(at("2096-03-01T00:00:00Z"), &TimeZone::UTC), None, "2100 is no leap year");
}

#[test]
fn the_latest_time_is_found_in_few_steps() {
    let utc = TimeZone::UTC;
    let now = at("2026-11-25T02:20:42Z");
    for (text, after, latest) in [
        ("* * * * *", "1999-01-01T00:00:00Z", Some("2026-11-25T02:20:00Z")),
        ("0 2 * * *", "2026-01-01T00:00:00Z", Some("2026-11-25T02:00:00Z")),
        ("0 0 29 2 *", "1999-01-01T00:00:00Z", Some("2024-02-29T00:00:00Z")),
        ("0 2 * * *", "2026-11-25T02:00:00Z", None),
        ("@every 7h", "2026-11-24T00:00:00Z", Some("2026-11-24T21:00:00Z")),
        ("@every 7h", "2026-11-25T00:00:00Z", None),
        ("0 0 30 2 *", "1999-01-01T00:00:00Z", None),
    ] {
        assert_eq!(cron(text).latest(at(after), now, &utc), latest.map(at), "{text}");
    }
}

/// Elements of a field that both dialects have: croner knows no `5/15`, and takes 7 for Sunday.
fn field(min: u32, max: u32) -> impl Strategy<Value = String> {
    let number = (min..=max).prop_map(|number| number.to_string());
    let range = (min..=max, 0..=max).prop_map(move |(low, more)| format!("{low}-{}", (low + more).min(max)));
    let step = (min..=max, 0..=max, 1..7_u32)
        .prop_map(move |(low, more, step)| format!("{low}-{}/{step}", (low + more).min(max)));
    let some = proptest::collection::vec(prop_oneof![number, range, step], 1..4).prop_map(|list| list.join(","));
    prop_oneof![2 => Just("*".to_owned()), 3 => some]
}

fn expression() -> impl Strategy<Value = String> {
    (field(0, 59), field(0, 23), field(1, 31), field(1, 12), field(0, 6))
        .prop_map(|(minute, hour, day, month, weekday)| format!("{minute} {hour} {day} {month} {weekday}"))
}

proptest! {
    #[test]
    fn croner_finds_the_same_times(text in expression(), second in 1_700_000_000_i64..1_900_000_000) {
        let after = Timestamp::from_second(second).expect("a moment");
        let ours = cron(&text).next(after, &TimeZone::UTC);
        let other = croner::Cron::from_str(&text).expect("croner reads it");
        let theirs = other.find_next_occurrence(&after.to_zoned(TimeZone::UTC), false);
        // Beyond the five years there are answers that we do not look for.
        if let Some(ours) = ours {
            prop_assert_eq!(theirs.expect("there is one").timestamp(), ours, "{} after {}", text, after);
        }
    }

    /// Against a clock that is looked at every minute, around both changes of the year.
    #[test]
    fn no_minute_is_missed_and_none_is_invented(
        text in expression(),
        (name, change) in prop_oneof![
            Just(("Europe/Berlin", "2026-03-29T01:00:00Z")),
            Just(("Europe/Berlin", "2026-10-25T01:00:00Z")),
            Just(("America/St_Johns", "2006-10-29T02:31:00Z")),
            Just(("Australia/Lord_Howe", "2026-04-04T15:00:00Z")),
            Just(("America/Havana", "2026-03-08T05:00:00Z")),
            Just(("Pacific/Apia", "2011-12-30T10:00:00Z")),
        ],
        minutes in -600_i64..600,
    ) {
        let zone = zone(name);
        let after = at(change) + SignedDuration::from_mins(minutes);
        let parsed = cron(&text);
        let When::Fields(fields) = &parsed.when else { panic!("it has fields") };
        let shows = |at: &Timestamp| {
            let shown = zone.to_datetime(*at);
            let bit = |set: u64, value: i8| set & (1 << value) != 0;
            fields.take_day(shown.date()) && bit(fields.hours, shown.hour()) && bit(fields.minutes, shown.minute())
        };
        let within = (1..=2_880_i64).map(|minute| after + minute.minutes()).find(shows);
        match within {
            Some(expected) => prop_assert_eq!(parsed.next(after, &zone), Some(expected)),
            None => prop_assert!(parsed.next(after, &zone).is_none_or(|next| next > after + 2_880_i64.minutes())),
        }
    }

    #[test]
    fn reading_never_fails_otherwise(text in "\\PC{0,20}|[0-9*/,@a-z -]{0,20}") {
        if let Ok(parsed) = Cron::from_str(&text) {
            prop_assert_eq!(parsed.to_string(), text);
        }
    }
}
