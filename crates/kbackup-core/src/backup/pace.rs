//! How fast a backup may read: a cap on bytes a second, kept by all lists together.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

/// Says how long to wait after what was read, so that it stays below a rate.
#[derive(Debug)]
pub(super) struct Pace {
    bytes_per_second: Option<u64>,
    /// When all that was read so far may have been read.
    due: Mutex<Option<Timestamp>>,
}

impl Pace {
    pub(super) fn new(bytes_per_second: Option<u64>) -> Self {
        Self { bytes_per_second: bytes_per_second.map(|rate| rate.max(1)), due: Mutex::default() }
    }

    /// How long to wait, where `bytes` were read by now. What was not used in a pause is not made up for.
    pub(super) fn after(&self, bytes: u64, now: Timestamp) -> Duration {
        let Some(rate) = self.bytes_per_second else { return Duration::ZERO };
        let mut due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        let from = due.map_or(now, |due| due.max(now));
        let nanos = u128::from(bytes) * 1_000_000_000 / u128::from(rate);
        let takes = Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
        let until = from.saturating_add(takes).unwrap_or(Timestamp::MAX);
        *due = Some(until);
        Duration::try_from(until.duration_since(now)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_takes_its_time() {
        let second = |second: i64| Timestamp::from_second(second).expect("a time");
        let pace = Pace::new(Some(1_000));
        for (at, bytes, wait_ms) in [
            (0, 500, 500),
            // Another list has read meanwhile: the two keep the rate together.
            (0, 500, 1_000),
            (1, 0, 0),
            // A pause is no credit.
            (60, 2_000, 2_000),
            (61, 1_000, 2_000),
        ] {
            assert_eq!(pace.after(bytes, second(at)), Duration::from_millis(wait_ms), "{bytes} bytes at {at}");
        }
        assert_eq!(Pace::new(None).after(u64::MAX, second(0)), Duration::ZERO);
        assert_eq!(Pace::new(Some(0)).after(2, second(0)), Duration::from_secs(2), "no rate is infinitely slow");
    }
}
