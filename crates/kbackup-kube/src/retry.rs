//! Whether to ask again, and when: the one place of this port that decides it. Pure.

use std::time::Duration;

use crate::CallLimits;

/// What went wrong with one attempt, as far as asking again is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// No connection could be opened: the server has not seen the request.
    NotSent,
    /// The server refused to take the request now (429), before it did anything with it.
    Throttled,
    /// The server, or something before it, is not up to it now (502, 503, 504), or the connection broke: what became of
    /// the request is not known.
    Unknown,
    /// Asking again gives the same answer, or would take too long.
    Final,
}

/// Whether a request may be sent again when it is not known what became of the first one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// The second one changes nothing that the first one did not.
    Safe,
    /// The second one may fail because of the first one.
    OnlyIfNotDone,
}

/// The attempts that one call has made so far.
#[derive(Debug, Default)]
pub(crate) struct Attempts {
    failed: u32,
    waited: Duration,
}

impl Attempts {
    /// How long to wait before the next attempt; `None` where there should be no other. `retry_after` is what the server
    /// asked for, `jitter` any number: writers that were sent away together should not come back together.
    pub(crate) fn next(
        &mut self,
        fault: Fault,
        repeat: Repeat,
        retry_after: Option<Duration>,
        limits: &CallLimits,
        jitter: u64,
    ) -> Option<Duration> {
        let may_repeat = match fault {
            Fault::Final => false,
            // Being sent away costs the server nothing, so time is the bound and not the number of attempts.
            Fault::Throttled => true,
            Fault::NotSent => self.failed + 1 < limits.tries_max,
            Fault::Unknown => repeat == Repeat::Safe && self.failed + 1 < limits.tries_max,
        };
        let wait = jittered(retry_after.unwrap_or_else(|| backoff(self.failed)), jitter);
        if !may_repeat || self.waited + wait > limits.retry_wait_max {
            return None;
        }
        self.failed += 1;
        self.waited += wait;
        Some(wait)
    }
}

/// 0.2 s, doubling, at most 5 s.
fn backoff(failed: u32) -> Duration {
    Duration::from_millis(200 << failed.min(5)).min(Duration::from_secs(5))
}

/// Up to a quarter more than `wait`.
fn jittered(wait: Duration, jitter: u64) -> Duration {
    wait + wait.mul_f64((jitter % 1024) as f64 / 4096.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: CallLimits =
        CallLimits { tries_max: 4, retry_wait_max: Duration::from_secs(10), ..CallLimits::DEFAULT };

    /// The waits, in milliseconds, until a call that always fails in the same way gives up.
    fn waits(fault: Fault, repeat: Repeat, retry_after: Option<Duration>) -> Vec<u128> {
        let mut attempts = Attempts::default();
        std::iter::from_fn(|| attempts.next(fault, repeat, retry_after, &LIMITS, 0))
            .map(|wait| wait.as_millis())
            .collect()
    }

    #[test]
    fn faults_decide() {
        let check =
            |fault, repeat, expect: &[u128]| assert_eq!(waits(fault, repeat, None), expect, "{fault:?} {repeat:?}");
        check(Fault::Final, Repeat::Safe, &[]);
        check(Fault::Unknown, Repeat::Safe, &[200, 400, 800]);
        check(Fault::Unknown, Repeat::OnlyIfNotDone, &[]);
        check(Fault::NotSent, Repeat::OnlyIfNotDone, &[200, 400, 800]);
        check(Fault::Throttled, Repeat::OnlyIfNotDone, &[200, 400, 800, 1600, 3200]);
    }

    #[test]
    fn the_server_may_say_when_within_the_bound() {
        let check = |after: u64, expect: &[u128]| {
            assert_eq!(waits(Fault::Throttled, Repeat::Safe, Some(Duration::from_secs(after))), expect);
        };
        check(3, &[3000, 3000, 3000]);
        check(11, &[]);
    }

    #[test]
    fn jitter_only_adds() {
        let wait = Duration::from_secs(4);
        for jitter in [0, 1, 1023, 1024, u64::MAX] {
            let got = jittered(wait, jitter);
            assert!(got >= wait && got < wait + Duration::from_secs(1), "{got:?}");
        }
    }
}
