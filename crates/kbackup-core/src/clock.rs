//! Time as a port: the only place of this crate that asks what time it is, or waits.

use std::fmt::Debug;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

/// Where the engines read the time and wait.
///
/// An engine never sleeps on its own: whoever embeds it decides what a second is, and a test makes an hour pass at once.
#[async_trait]
pub trait Clock: Debug + Send + Sync + 'static {
    /// The current instant, in UTC.
    fn now(&self) -> Timestamp;

    /// Returns after `duration`. Dropping the future cancels the wait.
    async fn sleep(&self, duration: Duration);
}

/// The clock of the machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

#[async_trait]
#[expect(clippy::disallowed_methods, reason = "this is the one place that asks the machine for the time, and waits")]
impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

/// A clock that moves only when it is told to, or when somebody sleeps on it: a sleep returns at once and moves the
/// clock on by its length.
///
/// ```
/// use kbackup_core::clock::{Clock, ManualClock};
/// use std::time::Duration;
///
/// let clock = ManualClock::at("2026-11-23T00:00:00Z".parse().unwrap());
/// clock.advance(Duration::from_secs(90));
/// assert_eq!(clock.now().to_string(), "2026-11-23T00:01:30Z");
/// ```
#[derive(Debug)]
pub struct ManualClock {
    now: Mutex<Timestamp>,
}

impl ManualClock {
    /// A clock that stands at `now`.
    #[must_use]
    pub fn at(now: Timestamp) -> Self {
        Self { now: Mutex::new(now) }
    }

    /// Moves the clock on. It stops at the largest timestamp that can be told.
    pub fn advance(&self, by: Duration) {
        let mut now = self.now.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *now = now.saturating_add(by).unwrap_or(Timestamp::MAX);
    }
}

#[async_trait]
impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.now.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    async fn sleep(&self, duration: Duration) {
        self.advance(duration);
        tokio::task::yield_now().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn sleeping_moves_a_manual_clock() {
        let clock = ManualClock::at(Timestamp::UNIX_EPOCH);
        clock.sleep(Duration::from_secs(3_600)).await;
        assert_eq!(clock.now().as_second(), 3_600);
        clock.advance(Duration::MAX);
        assert_eq!(clock.now(), Timestamp::MAX, "it stops at the end of the calendar");
    }

    #[tokio::test(start_paused = true)]
    async fn the_clock_of_the_machine_sleeps_on_the_runtime() {
        let before = tokio::time::Instant::now();
        SystemClock.sleep(Duration::from_secs(60)).await;
        assert!(before.elapsed() >= Duration::from_secs(60));
    }
}
