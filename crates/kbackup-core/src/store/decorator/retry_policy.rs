//! When, and how often, a failed operation is tried again.

use std::time::Duration;

use crate::limits::Limits;

/// How a [`RetryStore`](super::RetryStore) tries again. Everything is bounded: an operation that fails each time ends
/// after `attempts_max` attempts, and the waits between them are at most `delay_max`, or `retry_after_max` where the
/// store itself asks for longer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryPolicy {
    /// How often an operation is tried in all. One: never again.
    pub attempts_max: u32,
    /// The wait after the first failure. It doubles with every further one.
    pub delay_first: Duration,
    /// The longest wait of our own choice.
    pub delay_max: Duration,
    /// The longest wait that is granted to a store that says when it wants to be asked again.
    pub retry_after_max: Duration,
    /// Where the jitter begins: the same seed gives the same waits. Clients that could fail together need different
    /// ones, so that they do not come back together.
    pub jitter_seed: u64,
}

impl Default for RetryPolicy {
    /// Six attempts within about half a minute, and at most a minute at the store's own wish.
    fn default() -> Self {
        Self {
            attempts_max: 6,
            delay_first: Duration::from_millis(500),
            delay_max: Duration::from_secs(15),
            retry_after_max: Duration::from_secs(60),
            jitter_seed: 0,
        }
    }
}

impl RetryPolicy {
    /// The policy of these limits, with a jitter that begins at `jitter_seed`.
    #[must_use]
    pub fn of(limits: &Limits, jitter_seed: u64) -> Self {
        Self { attempts_max: limits.store_attempts_max, jitter_seed, ..Self::default() }
    }

    /// How long to wait after failure number `failure` (from 1): between half of the doubled delay and all of it, as
    /// `draw` decides, but not less than the store asked for.
    #[must_use]
    pub fn delay(&self, failure: u32, retry_after: Option<Duration>, draw: u64) -> Duration {
        let doubled = 2_u32.saturating_pow(failure.saturating_sub(1));
        let full = self.delay_first.saturating_mul(doubled).min(self.delay_max);
        let half = full / 2;
        // 2^16 steps between half and full are fine enough, and keep the arithmetic exact.
        let own = half + (half / (1 << 16)) * u32::from(draw as u16);
        own.max(retry_after.unwrap_or_default().min(self.retry_after_max))
    }

    /// The n-th number of the jitter, spread evenly (SplitMix64, <https://doi.org/10.1145/2714064.2660195>).
    pub(super) fn draw(&self, n: u64) -> u64 {
        let mut z = self.jitter_seed.wrapping_add(n.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn policy() -> RetryPolicy {
        RetryPolicy {
            delay_first: Duration::from_secs(1),
            delay_max: Duration::from_secs(10),
            ..RetryPolicy::default()
        }
    }

    #[test]
    fn delays_double_up_to_a_bound_and_respect_the_store() {
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        for (failure, retry_after, least, most) in [
            (1, None, 0.5, 1.0),
            (2, None, 1.0, 2.0),
            (4, None, 4.0, 8.0),
            (5, None, 5.0, 10.0),
            (u32::MAX, None, 5.0, 10.0),
            (1, seconds(7), 7.0, 7.0),
            (1, seconds(3_600), 60.0, 60.0),
            (5, seconds(1), 5.0, 10.0),
        ] {
            for draw in [0, 1, 0x7fff, 0xffff, u64::MAX] {
                let delay = policy().delay(failure, retry_after, draw).as_secs_f64();
                assert!((least..=most).contains(&delay), "failure {failure}, {retry_after:?}, draw {draw}: {delay}");
            }
        }
    }

    #[test]
    fn jitter_is_deterministic_and_spread() {
        let draws = |seed| {
            let policy = RetryPolicy { jitter_seed: seed, ..policy() };
            (0..1_000).map(|n| policy.delay(1, None, policy.draw(n))).collect::<Vec<_>>()
        };
        assert_eq!(draws(1), draws(1));
        assert_ne!(draws(1), draws(2));
        let mean = draws(1).iter().sum::<Duration>().as_secs_f64() / 1_000.0;
        assert!((0.73..0.77).contains(&mean), "{mean} is not the middle between half and full");
    }

    proptest! {
        #[test]
        fn no_delay_is_longer_than_the_bounds(failure: u32, after in proptest::option::of(any::<Duration>()), draw: u64) {
            let policy = policy();
            let delay = policy.delay(failure, after, draw);
            prop_assert!(delay <= policy.delay_max.max(policy.retry_after_max));
            prop_assert!(after.is_none_or(|after| delay >= after.min(policy.retry_after_max)));
        }
    }
}
