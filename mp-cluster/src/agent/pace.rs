//! How many chunks an agent holds: as many as its workers run, and as many more as they end in the
//! time that it takes to get new ones.
//!
//! So of tasks that take long it has no more than it runs, and leaves the others to other agents;
//! of short ones so many that no worker waits.

use std::time::{Duration, Instant};

/// The time for which chunks are held ahead.
const AHEAD: Duration = Duration::from_millis(25);
/// The time over which the rate is taken.
const SPAN: Duration = Duration::from_millis(20);
/// The most chunks that are held.
const MOST: usize = 1024;

#[derive(Debug)]
pub(super) struct Pace {
    workers: usize,
    since: Instant,
    ended: u32,
    /// Chunks per second.
    rate: f64,
}

impl Pace {
    pub(super) fn new(workers: usize) -> Self {
        Self { workers, since: Instant::now(), ended: 0, rate: 0.0 }
    }

    /// A chunk has ended.
    pub(super) fn count(&mut self) {
        self.ended += 1;
        let span = self.since.elapsed();
        if span >= SPAN {
            let now = f64::from(self.ended) / span.as_secs_f64();
            self.rate = (self.rate + now) / 2.0;
            (self.since, self.ended) = (Instant::now(), 0);
        }
    }

    /// How many chunks to hold.
    pub(super) fn wanted(&self) -> usize {
        let ahead = self.rate * AHEAD.as_secs_f64();
        (self.workers + ahead as usize).min(MOST.max(self.workers))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{MOST, Pace};

    #[test]
    fn long_tasks_are_not_held_ahead_and_short_ones_are() {
        let mut pace = Pace::new(4);
        assert_eq!(pace.wanted(), 4);
        for _ in 0..100_000 {
            pace.count();
        }
        pace.since -= Duration::from_millis(100);
        pace.count();
        assert_eq!(pace.wanted(), MOST);
        for _ in 0..100 {
            pace.since -= Duration::from_secs(1);
            pace.count();
        }
        assert_eq!(pace.wanted(), 4);
    }
}
