//! How much a worker is given ahead.
//!
//! A worker that waits for each chunk idles while the parent is being woken; one that has too many
//! keeps them from others. So it gets as many items ahead as it answers in about a millisecond,
//! measured as it goes, and never less than one chunk ahead. What it does not come to may be taken
//! back.

use crate::protocol::now;

/// The time's worth of items ahead, in nanoseconds.
const AHEAD: u64 = 1_000_000;
/// The most items ahead. What has no room in a ring waits as well.
const MOST: u64 = 16 << 10;

/// The measured speed of a worker.
#[derive(Debug)]
pub(crate) struct Pace {
    /// Nanoseconds an item, smoothed; 0 if not known yet.
    item: u64,
    /// When it was last seen to answer, or to begin after it was idle.
    last: u64,
}

impl Pace {
    /// Of a worker that is being started.
    pub(crate) fn new() -> Self {
        Self { item: 0, last: now() }
    }

    /// When it was last seen to answer, or to begin after it was idle.
    pub(crate) fn last(&self) -> u64 {
        self.last
    }

    /// It was idle, and begins now.
    pub(crate) fn begin(&mut self) {
        self.last = now();
    }

    /// It has answered `items` items since it was last seen.
    pub(crate) fn advance(&mut self, items: usize) {
        if items == 0 {
            return;
        }
        let now = now();
        let item = now.saturating_sub(self.last) / items as u64;
        self.item = if self.item == 0 { item } else { (3 * self.item + item) / 4 }.max(1);
        self.last = now;
    }

    /// How many items it may have unanswered before it gets another chunk.
    pub(crate) fn ahead(&self) -> u64 {
        match self.item {
            0 => 2,
            item => (AHEAD / item).clamp(2, MOST),
        }
    }
}
