//! How many objects are written at the same time: as many as the server bears. Pure.

use std::time::Duration;

/// Writers at the beginning.
const BEGIN: usize = 8;
/// How much longer than at its quickest an answer may take, on average, while more writers are tried.
const SLACK: Duration = Duration::from_millis(100);
/// How much longer it may take before there are to be fewer.
const STRAIN: Duration = Duration::from_millis(1_000);

/// Decides how many writers there are. It grows by half while the server answers about as fast as it can, holds when it
/// begins to take its time, shrinks by a quarter when it is slow, and halves when it asks to slow down.
#[derive(Debug, Clone)]
pub(super) struct Pace {
    limit: usize,
    max: usize,
    /// The mean of the quickest window so far.
    quickest: Option<Duration>,
    /// Answers in this window, and how long they took in all. A window is as many answers as there are writers.
    answers: usize,
    took: Duration,
    /// Answers to requests that were on their way when the limit was halved: they say nothing new.
    stale: usize,
}

impl Pace {
    /// At most `max` writers.
    pub(super) fn new(max: usize) -> Self {
        let max = max.max(1);
        let limit = BEGIN.min(max);
        Self { limit, max, quickest: None, answers: 0, took: Duration::ZERO, stale: 0 }
    }

    /// How many may be on their way now.
    pub(super) fn limit(&self) -> usize {
        self.limit
    }

    /// An answer came, after `took`.
    pub(super) fn answered(&mut self, took: Duration) {
        self.stale = self.stale.saturating_sub(1);
        self.answers += 1;
        self.took += took;
        if self.answers < self.limit {
            return;
        }
        let mean = self.took / u32::try_from(self.answers).unwrap_or(u32::MAX);
        let quickest = self.quickest.map_or(mean, |quickest| quickest.min(mean));
        self.quickest = Some(quickest);
        self.restart();
        if self.stale > 0 {
            return;
        }
        if mean <= quickest + SLACK {
            self.limit = (self.limit + self.limit.div_ceil(2)).min(self.max);
        } else if mean > quickest + STRAIN {
            self.limit = (self.limit - self.limit / 4).max(1);
        }
    }

    /// The server asked to slow down.
    pub(super) fn throttled(&mut self) {
        if self.stale == 0 {
            self.stale = self.limit;
            self.limit = (self.limit / 2).max(1);
            self.restart();
        }
    }

    fn restart(&mut self) {
        (self.answers, self.took) = (0, Duration::ZERO);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the limit becomes, answer by answer: a number of milliseconds, or 429.
    fn limits(max: usize, answers: &[(usize, Option<u64>)]) -> Vec<usize> {
        let mut pace = Pace::new(max);
        let mut limits = Vec::new();
        for (times, answer) in answers {
            for _ in 0..*times {
                match answer {
                    Some(millis) => pace.answered(Duration::from_millis(*millis)),
                    None => pace.throttled(),
                }
            }
            limits.push(pace.limit());
        }
        limits
    }

    #[test]
    fn it_follows_the_server() {
        for (max, answers, expect) in [
            // Quick answers: more, up to the most there may be.
            (
                64,
                vec![(8, Some(2)), (12, Some(2)), (18, Some(3)), (27, Some(3)), (41, Some(5))],
                vec![12, 18, 27, 41, 62],
            ),
            (64, vec![(8 + 12 + 18 + 27 + 41 + 62, Some(2)), (64, Some(40))], vec![64, 64]),
            // A window is not over before every writer has had an answer.
            (64, vec![(7, Some(2)), (1, Some(2))], vec![8, 12]),
            // Slower: it holds; slow: fewer.
            (64, vec![(8, Some(2)), (12, Some(150)), (12, Some(3_000)), (9, Some(3_000))], vec![12, 12, 9, 7]),
            // A far server is not a slow one.
            (64, vec![(8, Some(900)), (12, Some(950))], vec![12, 18]),
            // Asked to slow down: half, once for all that was on its way.
            (64, vec![(8, Some(2)), (1, None), (5, None), (12, Some(2)), (1, None)], vec![12, 6, 6, 9, 4]),
            (1, vec![(5, Some(1)), (3, None), (9, Some(9_000))], vec![1, 1, 1]),
            (0, vec![(1, Some(1))], vec![1]),
        ] {
            assert_eq!(limits(max, &answers), expect, "{max} {answers:?}");
        }
    }

    #[test]
    fn it_recovers_after_a_storm() {
        let mut pace = Pace::new(32);
        for _ in 0..100 {
            pace.throttled();
            (0..pace.limit() * 2).for_each(|_| pace.answered(Duration::from_millis(5)));
        }
        assert!((1..=32).contains(&pace.limit()));
        (0..500).for_each(|_| pace.answered(Duration::from_millis(5)));
        assert_eq!(pace.limit(), 32);
    }
}
