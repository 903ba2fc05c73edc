//! How long ago, in as few letters as kubectl uses.

use jiff::Timestamp;

/// The time from `since` to `now` as kubectl tells it: `45s`, `3m20s`, `5h`, `2d3h`, `400d`, `3y20d`.
pub(crate) fn age(since: Timestamp, now: Timestamp) -> String {
    let seconds = now.as_second() - since.as_second();
    if seconds < -1 {
        return "<invalid>".to_owned();
    }
    duration(seconds.max(0))
}

/// So many seconds, as kubectl tells them. Large units hide small ones more and more.
pub(crate) fn duration(seconds: i64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match () {
        () if seconds < 120 => format!("{seconds}s"),
        () if minutes < 10 => two(minutes, "m", seconds % 60, "s"),
        () if minutes < 180 => format!("{minutes}m"),
        () if hours < 8 => two(hours, "h", minutes % 60, "m"),
        () if hours < 48 => format!("{hours}h"),
        () if days < 8 => two(days, "d", hours % 24, "h"),
        () if days < 730 => format!("{days}d"),
        () if days < 2920 => two(days / 365, "y", days % 365, "d"),
        () => format!("{}y", days / 365),
    }
}

fn two(large: i64, large_unit: &str, small: i64, small_unit: &str) -> String {
    if small == 0 { format!("{large}{large_unit}") } else { format!("{large}{large_unit}{small}{small_unit}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for (seconds, expect) in [
            (0, "0s"),
            (119, "119s"),
            (120, "2m"),
            (200, "3m20s"),
            (660, "11m"),
            (3 * 3600, "3h"),
            (3 * 3600 + 60, "3h1m"),
            (9 * 3600 + 60, "9h"),
            (51 * 3600, "2d3h"),
            (400 * 86_400, "400d"),
            (1115 * 86_400, "3y20d"),
            (3650 * 86_400, "10y"),
        ] {
            assert_eq!(duration(seconds), expect, "{seconds}");
        }
    }

    #[test]
    fn ages() {
        let now: Timestamp = "2026-11-23T00:01:00Z".parse().expect("a time");
        for (since, expect) in
            [("2026-11-23T00:00:00Z", "60s"), ("2026-11-23T00:01:01Z", "0s"), ("2026-11-23T01:00:00Z", "<invalid>")]
        {
            assert_eq!(age(since.parse().expect("a time"), now), expect, "{since}");
        }
    }
}
