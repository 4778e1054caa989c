//! The life of one worker, as it is kept: when it began, what it did, how it ended.

use std::sync::Arc;

use crate::protocol::now;

/// The most bars of a living worker, and of one that has ended.
const MOST: usize = 2048;
const MOST_OF_THE_DEAD: usize = 256;
/// How many of the slowest tasks are kept.
pub(crate) const SLOWEST: usize = 5;

/// Tasks that a worker ran one after the other, or nearly so. Times are nanoseconds on the
/// monotonic clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bar {
    pub(crate) start: u64,
    pub(crate) end: u64,
    /// The place of the first task among the inputs of its call.
    pub(crate) index: usize,
    pub(crate) tasks: u64,
    pub(crate) failed: u64,
    /// It worked for so long of the time.
    pub(crate) busy: u64,
}

/// How the life of a worker ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// It was told to exit.
    Left,
    /// It died; how, and which task of which place it was at.
    Died(String, Option<usize>),
}

/// A task that took long: its place among the inputs of its call, and how long, in nanoseconds.
pub(crate) type Slow = (usize, u64);

/// The life of one worker.
#[derive(Clone, Debug)]
pub(crate) struct Track {
    pub(crate) id: usize,
    pub(crate) pid: u32,
    /// Its machine, if that may be another.
    pub(crate) host: Option<Arc<str>>,
    pub(crate) started: u64,
    pub(crate) ready: Option<u64>,
    pub(crate) ended: Option<(u64, Ending)>,
    /// Items that it has answered, and of these the failures.
    pub(crate) tasks: u64,
    pub(crate) failed: u64,
    pub(crate) busy: u64,
    pub(crate) slowest: Vec<Slow>,
    pub(crate) bars: Vec<Bar>,
    /// Bars within so many nanoseconds are one.
    grain: u64,
}

impl Track {
    /// A worker was started.
    pub(crate) fn new(id: usize, pid: u32, started: u64) -> Self {
        Self {
            id,
            pid,
            host: None,
            started,
            ready: None,
            ended: None,
            tasks: 0,
            failed: 0,
            busy: 0,
            slowest: Vec::new(),
            bars: Vec::new(),
            grain: 1,
        }
    }

    /// Which worker it is, for people.
    pub(crate) fn name(&self) -> String {
        match &self.host {
            Some(host) => format!("{host} {}", self.pid),
            None => format!("worker {}", self.id),
        }
    }

    /// The same by another clock; its end is by that one already.
    pub(crate) fn by_clock(mut self, convert: impl Fn(u64) -> u64) -> Self {
        self.started = convert(self.started);
        self.ready = self.ready.map(&convert);
        for bar in &mut self.bars {
            (bar.start, bar.end) = (convert(bar.start), convert(bar.end));
        }
        self
    }

    /// How long it has waited for tasks until `now`, as far as it has told.
    pub(crate) fn waiting(&self, now: u64) -> u64 {
        let end = self.ended.as_ref().map_or(now, |(end, _)| *end);
        let ready = self.ready.unwrap_or(end);
        end.saturating_sub(ready).saturating_sub(self.busy)
    }

    /// Adds tasks that it has run, the slowest of them, and how long it has worked in all. These
    /// are the worker's words: whatever they are, they make no more than a wrong picture.
    pub(crate) fn add(&mut self, mut bar: Bar, slow: Slow, busy: u64) {
        bar.start = bar.start.max(self.started);
        bar.end = bar.end.max(bar.start);
        bar.busy = bar.busy.min(bar.end - bar.start);
        self.busy = self.busy.max(busy);
        note_slow(&mut self.slowest, slow, |&(_, took)| took);
        push(&mut self.bars, bar, self.grain);
        self.shrink(MOST);
    }

    /// It has ended: what is kept of it is little.
    pub(crate) fn end(&mut self, ending: Ending) {
        self.ended = Some((now(), ending));
        self.shrink(MOST_OF_THE_DEAD);
        self.bars.shrink_to_fit();
    }

    /// Merges bars until there are not too many, and half of that for a while to come.
    fn shrink(&mut self, most: usize) {
        if self.bars.len() <= most {
            return;
        }
        while self.bars.len() > most / 2 {
            self.grain *= 2;
            let mut merged = Vec::with_capacity(self.bars.len());
            for &bar in &self.bars {
                push(&mut merged, bar, self.grain);
            }
            self.bars = merged;
        }
    }
}

/// Adds a bar, to the last one if both lie within `grain`.
fn push(bars: &mut Vec<Bar>, bar: Bar, grain: u64) {
    match bars.last_mut() {
        Some(last) if bar.end.saturating_sub(last.start) <= grain => {
            last.end = last.end.max(bar.end);
            last.tasks = last.tasks.saturating_add(bar.tasks);
            last.failed = last.failed.saturating_add(bar.failed);
            last.busy = last.busy.saturating_add(bar.busy);
        }
        _ => bars.push(bar),
    }
}

/// Keeps `slow` if it is one of the slowest, in order.
pub(crate) fn note_slow<T, K: Ord>(slowest: &mut Vec<T>, slow: T, took: impl Fn(&T) -> K) {
    let at = slowest.partition_point(|other| took(other) >= took(&slow));
    if at < SLOWEST {
        slowest.insert(at, slow);
        slowest.truncate(SLOWEST);
    }
}

#[cfg(test)]
mod tests {
    use super::{Bar, MOST, MOST_OF_THE_DEAD, Track};
    use crate::insight::Ending;

    fn bar(n: u64) -> Bar {
        let start = n * 1000;
        Bar { start, end: start + 500, index: n as usize, tasks: 1, failed: n % 2, busy: 500 }
    }

    #[test]
    fn a_long_run_needs_bounded_memory_and_loses_no_task() {
        let mut track = Track::new(0, 1, 0);
        for n in 0..1_000_000 {
            track.add(bar(n), (n as usize, n % 1000), 500 * n);
            assert!(track.bars.len() <= MOST);
        }
        assert_eq!(track.bars.iter().map(|bar| bar.tasks).sum::<u64>(), 1_000_000);
        assert_eq!(track.bars.iter().map(|bar| bar.failed).sum::<u64>(), 500_000);
        assert!(track.bars.windows(2).all(|pair| pair[0].end <= pair[1].start));
        assert_eq!(track.slowest.iter().map(|slow| slow.1).collect::<Vec<_>>(), [999; 5]);
        track.end(Ending::Left);
        assert!(track.bars.len() <= MOST_OF_THE_DEAD);
    }

    #[test]
    fn the_slowest_tasks_are_in_order() {
        let mut track = Track::new(0, 1, 0);
        for n in [3, 9, 1, 4, 7, 8, 2] {
            track.add(bar(n), (n as usize, n), 0);
        }
        assert_eq!(track.slowest, [(9, 9), (8, 8), (7, 7), (4, 4), (3, 3)]);
    }
}
