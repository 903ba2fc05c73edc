use proptest::prelude::*;

use super::*;

fn at(text: &str) -> Timestamp {
    format!("2026-11-{text}Z").parse().expect(text)
}

fn nightly() -> ScheduleSpec {
    ScheduleSpec::new("0 2 * * *".parse().expect("an expression"))
}

fn history(last_run: Option<&str>) -> History {
    History { created_at: at("20T12:00:00"), last_run: last_run.map(at), running: false }
}

fn check(spec: &ScheduleSpec, history: History, now: &str, expect: Decision) {
    assert_eq!(decide("nightly", spec, &TimeZone::UTC, &history, at(now)), expect, "{spec:?} {history:?} at {now}");
}

fn wait(until: &str) -> Decision {
    Decision::Wait { until: at(until), missed: None }
}

fn run(due: &str) -> Decision {
    Decision::Run { due: at(due) }
}

#[test]
fn the_first_backup_is_made_at_once_unless_it_is_skipped() {
    check(&nightly(), history(None), "20T12:00:00", run("20T12:00:00"));
    let skip = ScheduleSpec { skip_immediately: true, ..nightly() };
    check(&skip, history(None), "20T12:00:00", wait("21T02:00:00"));
    check(&skip, history(None), "21T02:00:00", run("21T02:00:00"));
    check(&skip, history(None), "23T09:00:00", run("23T02:00:00"));
}

#[test]
fn later_ones_follow_the_schedule_and_one_makes_up_for_all_that_were_missed() {
    check(&nightly(), history(Some("21T02:00:03")), "21T02:00:04", wait("22T02:00:00"));
    check(&nightly(), history(Some("21T02:00:03")), "22T01:59:59", wait("22T02:00:00"));
    check(&nightly(), history(Some("21T02:00:03")), "22T02:00:00", run("22T02:00:00"));
    check(&nightly(), history(Some("21T02:00:03")), "25T11:00:00", run("25T02:00:00"));
    check(&nightly(), history(Some("25T02:00:00")), "25T11:00:00", wait("26T02:00:00"));
    check(&nightly(), history(Some("26T02:00:00")), "25T11:00:00", wait("27T02:00:00"));
}

#[test]
fn what_is_too_late_is_left_out_and_told() {
    let strict = ScheduleSpec { starting_deadline: Some("1h".parse().expect("a duration")), ..nightly() };
    check(&strict, history(Some("21T02:00:03")), "22T03:00:00", run("22T02:00:00"));
    let missed = Decision::Wait { until: at("23T02:00:00"), missed: Some(at("22T02:00:00")) };
    check(&strict, history(Some("21T02:00:03")), "22T03:00:01", missed);
}

#[test]
fn one_at_a_time_unless_more_are_allowed() {
    let busy = History { running: true, ..history(Some("21T02:00:03")) };
    check(&nightly(), busy, "22T02:00:00", Decision::Busy { due: at("22T02:00:00") });
    check(&nightly(), busy, "21T12:00:00", wait("22T02:00:00"));
    let allow = ScheduleSpec { concurrency: Concurrency::Allow, ..nightly() };
    check(&allow, busy, "22T02:00:00", run("22T02:00:00"));
}

#[test]
fn paused_and_impossible_schedules_do_nothing() {
    check(&ScheduleSpec { paused: true, ..nightly() }, history(None), "22T02:00:00", Decision::Paused);
    let never = ScheduleSpec::new("0 0 30 2 *".parse().expect("an expression"));
    check(&never, history(Some("21T00:00:00")), "22T02:00:00", Decision::Never);
}

#[test]
fn jitter_is_the_same_for_the_same_time_and_starves_nobody() {
    let spec = ScheduleSpec { jitter: Some("30m".parse().expect("a duration")), ..nightly() };
    let times = |name| Times { name, spec: &spec, zone: &TimeZone::UTC }.begin(at("22T02:00:00"));
    assert_eq!(times("a"), times("a"));
    assert!(["a", "b", "c", "d"].map(times).windows(2).any(|pair| pair[0] != pair[1]), "others begin at other times");
    let begin = times("nightly");
    let decided = |now| decide("nightly", &spec, &TimeZone::UTC, &history(Some("21T02:20:00")), now);
    let just_before = begin - SignedDuration::from_secs(1);
    assert_eq!(decided(just_before), Decision::Wait { until: begin, missed: None });
    assert_eq!(decided(begin), run("22T02:00:00"));
    // Longer than the time between two backups: each still comes.
    let often = ScheduleSpec { schedule: "* * * * *".parse().expect("an expression"), ..spec.clone() };
    let late = decide("nightly", &often, &TimeZone::UTC, &history(Some("21T02:00:00")), at("21T03:00:00"));
    assert!(matches!(late, Decision::Run { due } if due > at("21T02:29:00")), "{late:?}");
}

#[test]
fn what_has_happened_is_read_from_the_names_and_labels_of_a_store() {
    for (backup, expect) in [
        ("nightly-20261121020000", true),
        ("nightly-2026112102000", false),
        ("nightly-x-20261121020000", false),
        ("nightly", false),
        ("weekly-20261121020000", false),
    ] {
        assert_eq!(made_by("nightly", &backup.parse().expect("a name")), expect, "{backup}");
    }
    let now = at("21T02:00:30");
    let unfinished = crate::catalog::Unfinished {
        name: "nightly-20261121020000".parse().expect("a name"),
        claim: Some(crate::format::Claim {
            run_id: uuid::Uuid::nil(),
            started_at: at("21T02:00:01"),
            heartbeat_at: now,
        }),
        last_sign: Some(now),
        deleting: false,
    };
    let survey = Survey { backups: Vec::new(), unfinished: vec![unfinished] };
    let made = at("20T12:00:00");
    let expect = History { created_at: made, last_run: Some(at("21T02:00:01")), running: true };
    assert_eq!(History::of("nightly", &survey, made, now), expect);
    let dead = History { created_at: made, last_run: None, running: false };
    assert_eq!(History::of("nightly", &survey, made, at("21T03:00:00")), dead);
    assert_eq!(History::of("night", &survey, made, now), dead);
}

proptest! {
    /// Whoever follows the decisions makes each backup once, in order, and none that was not due.
    #[test]
    fn following_the_decisions_makes_each_backup_once(minutes in 1..240_i64, jitter in 0..90_u64, looks in 1..40_usize) {
        let mut spec = ScheduleSpec::new("7/13 */3 * * *".parse().expect("an expression"));
        spec.jitter = format!("{jitter}m").parse().ok();
        let mut history = history(Some("20T12:00:00"));
        let mut now = at("20T12:00:00");
        for _ in 0..looks {
            now += SignedDuration::from_mins(minutes);
            match decide("s", &spec, &TimeZone::UTC, &history, now) {
                Decision::Run { due } => {
                    prop_assert!(Some(due) > history.last_run, "{due} was made before");
                    prop_assert!(due <= now);
                    history.last_run = Some(due);
                }
                Decision::Wait { until, .. } => prop_assert!(until > now),
                other => prop_assert!(false, "{other:?}"),
            }
        }
    }
}
