use proptest::prelude::*;

use super::*;

const NOW: i64 = 1_764_000_000;

fn at(text: &str) -> Timestamp {
    text.parse().expect(text)
}

fn record(name: &str, started: &str, outcome: Outcome) -> Record {
    Record {
        name: name.parse().expect(name),
        schedule: Some("nightly".to_owned()),
        started_at: at(started),
        expires_at: at("2000-01-01T00:00:00Z"),
        outcome,
    }
}

fn kept_names(records: &[Record], retention: Retention, zone: TimeZone) -> Vec<String> {
    let policies = Policies::default().schedule("nightly", Policy { retention, zone });
    let verdicts = judge(records.to_vec(), &policies, Timestamp::from_second(NOW).expect("a time"));
    verdicts.iter().filter(|verdict| verdict.keeps()).map(|verdict| verdict.record.name.to_string()).collect()
}

#[test]
fn each_rule_keeps_the_newest_of_its_periods() {
    use Outcome::Completed;
    let records = [
        record("a", "2025-11-24T21:10:00Z", Completed),
        record("b", "2025-11-24T21:00:00Z", Completed),
        record("c", "2025-11-24T02:00:00Z", Completed),
        record("d", "2025-11-23T23:30:00Z", Completed),
        record("e", "2025-11-20T02:00:00Z", Completed),
        record("f", "2025-10-31T02:00:00Z", Completed),
        record("g", "2024-12-30T02:00:00Z", Completed),
        record("h", "2024-01-05T02:00:00Z", Completed),
    ];
    let none = Retention::default();
    for (retention, expect) in [
        (none, ""),
        (Retention { keep_last: 3, ..none }, "abc"),
        (Retention { keep_hourly: 3, ..none }, "acd"),
        (Retention { keep_daily: 3, ..none }, "ade"),
        // The week of 24 November begins on a Monday; d and e are of the one before.
        (Retention { keep_weekly: 4, ..none }, "adfg"),
        (Retention { keep_monthly: 3, ..none }, "afg"),
        (Retention { keep_yearly: 9, ..none }, "ag"),
        (Retention { keep_last: 1, keep_yearly: 1, ..none }, "a"),
        (Retention { keep_last: 2, keep_monthly: 2, keep_yearly: 2, ..none }, "abfg"),
        (Retention { keep_last: 99, ..none }, "abcdefgh"),
    ] {
        assert_eq!(kept_names(&records, retention, TimeZone::UTC).concat(), expect, "{retention:?}");
    }
    let tokyo = TimeZone::fixed(jiff::tz::offset(9));
    // There, c and d are of one day, and a and b of the next.
    assert_eq!(kept_names(&records, Retention { keep_daily: 3, ..none }, tokyo).concat(), "ace");
}

#[test]
fn the_last_complete_ones_outlive_newer_failures() {
    let records = [
        record("d", "2025-11-24T02:00:00Z", Outcome::PartiallyFailed),
        record("c", "2025-11-23T02:00:00Z", Outcome::PartiallyFailed),
        record("b", "2025-11-22T02:00:00Z", Outcome::Completed),
        record("a", "2025-11-21T02:00:00Z", Outcome::Completed),
    ];
    let keep = |keep_last| Retention { keep_last, ..Retention::default() };
    assert_eq!(kept_names(&records, keep(1), TimeZone::UTC), ["d", "b"]);
    assert_eq!(kept_names(&records, keep(2), TimeZone::UTC), ["d", "c", "b", "a"]);
}

#[test]
fn what_either_keeps_stays_and_schedules_are_apart() {
    let alive = Record {
        expires_at: at("2100-01-01T00:00:00Z"),
        ..record("alive", "2020-01-01T00:00:00Z", Outcome::Completed)
    };
    let by_hand = Record { schedule: None, ..record("by-hand", "2025-11-24T03:00:00Z", Outcome::Completed) };
    let weekly =
        Record { schedule: Some("weekly".to_owned()), ..record("weekly", "2025-11-24T01:00:00Z", Outcome::Completed) };
    let nightly = record("nightly", "2025-11-24T02:00:00Z", Outcome::Completed);
    let policies =
        Policies::default().schedule("nightly", Policy::new(Retention { keep_last: 1, ..Retention::default() }));
    let records = vec![alive, by_hand, weekly, nightly];
    let told: Vec<String> = judge(records, &policies, Timestamp::from_second(NOW).expect("a time"))
        .iter()
        .map(|verdict| format!("{}: {verdict}", verdict.record.name))
        .collect();
    assert_eq!(
        told,
        [
            "by-hand: expired 2000-01-01T00:00:00Z, and no rule keeps it",
            "nightly: keepLast 1",
            "alive: not expired",
            "weekly: expired 2000-01-01T00:00:00Z, and no rule keeps it",
        ]
    );
}

fn records() -> impl Strategy<Value = Vec<Record>> {
    let one = (0..400 * 86_400_i64, -100_000..100_000_i64, any::<bool>(), 0..3_u8);
    proptest::collection::vec(one, 0..60).prop_map(|rows| {
        let record = |(number, (age, left, complete, schedule)): (usize, (i64, i64, bool, u8))| Record {
            name: format!("b-{number}").parse().expect("a name"),
            schedule: (schedule > 0).then(|| format!("s-{schedule}")),
            started_at: Timestamp::from_second(NOW - age).expect("a time"),
            expires_at: Timestamp::from_second(NOW + left).expect("a time"),
            outcome: if complete { Outcome::Completed } else { Outcome::PartiallyFailed },
        };
        rows.into_iter().enumerate().map(record).collect()
    })
}

fn retention() -> impl Strategy<Value = Retention> {
    (0..5_u32, 0..5_u32, 0..5_u32, 0..5_u32, 0..5_u32, 0..3_u32).prop_map(
        |(last, hourly, daily, weekly, monthly, yearly)| Retention {
            keep_last: last,
            keep_hourly: hourly,
            keep_daily: daily,
            keep_weekly: weekly,
            keep_monthly: monthly,
            keep_yearly: yearly,
        },
    )
}

fn kept_by(records: &[Record], retention: Retention) -> BTreeSet<String> {
    let policies = Policies { default: Policy::new(retention), ..Policies::default() };
    let verdicts = judge(records.to_vec(), &policies, Timestamp::from_second(NOW).expect("a time"));
    assert_eq!(verdicts.len(), records.len(), "each is judged once");
    verdicts.into_iter().filter(Verdict::keeps).map(|verdict| verdict.record.name.to_string()).collect()
}

fn periods<'a>(records: impl Iterator<Item = &'a Record>, rule: Rule) -> BTreeSet<String> {
    let of = |record: &Record| match rule {
        Rule::Last => record.name.to_string(),
        rule => rule.period(&record.started_at.to_zoned(TimeZone::UTC)),
    };
    records.map(of).collect()
}

proptest! {
    #[test]
    fn never_less_is_kept_than_was_asked_for(records in records(), retention in retention()) {
        let kept = kept_by(&records, retention);
        let schedules: BTreeSet<_> = records.iter().map(|record| record.schedule.clone()).collect();
        for schedule in schedules {
            let own: Vec<&Record> = records.iter().filter(|record| record.schedule == schedule).collect();
            for (rule, count) in rules(&retention) {
                for complete in [false, true] {
                    let counted = || own.iter().copied().filter(|it| !complete || it.outcome == Outcome::Completed);
                    let there = periods(counted(), rule);
                    let left = periods(counted().filter(|it| kept.contains(it.name.as_str())), rule);
                    prop_assert!(left.len() >= there.len().min(count as usize), "{rule} {count}: {left:?} of {there:?}");
                }
            }
            // Never the newest complete one, where any rule counts.
            let newest = own.iter().filter(|it| it.outcome == Outcome::Completed).max_by_key(|it| (it.started_at, &it.name));
            if let (Some(newest), false) = (newest, retention.is_empty()) {
                prop_assert!(kept.contains(newest.name.as_str()));
            }
        }
        for record in records.iter().filter(|record| record.expires_at.as_second() > NOW) {
            prop_assert!(kept.contains(record.name.as_str()), "{} is not expired", record.name);
        }
    }

    #[test]
    fn who_asks_for_more_keeps_no_less(records in records(), a in retention(), b in retention()) {
        let both = Retention {
            keep_last: a.keep_last.max(b.keep_last),
            keep_hourly: a.keep_hourly.max(b.keep_hourly),
            keep_daily: a.keep_daily.max(b.keep_daily),
            keep_weekly: a.keep_weekly.max(b.keep_weekly),
            keep_monthly: a.keep_monthly.max(b.keep_monthly),
            keep_yearly: a.keep_yearly.max(b.keep_yearly),
        };
        let (a, b, both) = (kept_by(&records, a), kept_by(&records, b), kept_by(&records, both));
        prop_assert!(a.union(&b).all(|name| both.contains(name)));
    }

    #[test]
    fn the_order_makes_no_difference(
        (records, shuffled) in records().prop_flat_map(|records| (Just(records.clone()), Just(records).prop_shuffle())),
        retention in retention(),
    ) {
        let policies = Policies { default: Policy::new(retention), ..Policies::default() };
        let now = Timestamp::from_second(NOW).expect("a time");
        prop_assert_eq!(judge(records, &policies, now), judge(shuffled, &policies, now));
    }

    /// What was pruned once leaves nothing that a second look at the same moment would prune.
    #[test]
    fn pruning_twice_is_pruning_once(records in records(), retention in retention()) {
        let kept = kept_by(&records, retention);
        let left: Vec<Record> = records.into_iter().filter(|record| kept.contains(record.name.as_str())).collect();
        prop_assert_eq!(kept_by(&left, retention), kept);
    }
}
