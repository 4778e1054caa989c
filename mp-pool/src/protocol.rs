//! What parent and worker share: one region each, with two rings and three words.
//!
//! ```text
//! offset 0         64         128      256        256 + ring
//!        | window  | running  | started | task ring | result ring |
//! ```
//!
//! The parent pushes chunks of tasks into one ring, the worker pushes results, one frame for each
//! item, into the other. What is too large for a ring, or carries descriptors, goes over a socket
//! ([`Post`](mp_handle::Post)) first, and the frame only says so. No lock is shared, so a worker
//! that dies takes none with it. From the words the parent knows what it was at:
//!
//! - **window** says which chunk begins next. The worker claims a chunk by moving it forward, the
//!   parent takes back all that is not claimed by moving the mark behind which frames count; each
//!   is one compare-and-swap of the whole word, so that a chunk is either run or taken back.
//! - **running** is the item that has begun. The worker stores it before it calls the function,
//!   so an item that is neither stored there nor answered has not begun, and may run elsewhere. In
//!   a [column](crate::column) it also says how many values are written.
//!   If items have a deadline, the worker ends an item, and the parent condemns one, by a
//!   compare-and-swap of this word: an item either ended in time or is the one that was stopped.
//! - **started** is when it began, on the monotonic clock, if items have a deadline.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

use mp_handle::{Kind, Region, RegionError, View, ring_size};

/// The capacity of each ring, in bytes.
pub(crate) const RING: usize = 128 << 10;

const WINDOW: usize = 0;
const RUNNING: usize = 64;
const STARTED: usize = 128;
pub(crate) const TASKS: usize = 256;
pub(crate) const RESULTS: usize = TASKS + ring_size(RING);
const SIZE: usize = RESULTS + ring_size(RING);

/// The kind of the region that parent and worker share.
pub(crate) const KIND: Kind = Kind::new(0x10, "pool worker");

/// Makes the region of a new worker.
pub(crate) fn create_region() -> Result<Region, RegionError> {
    Region::create(KIND, 0, SIZE)
}

/// Whether sequence number `a` is before `b`. They wrap.
fn is_before(a: u32, b: u32) -> bool {
    a.wrapping_sub(b) as i32 <= -1
}

/// The three words of a worker's region.
#[derive(Debug)]
pub(crate) struct Words {
    window: View<AtomicU64>,
    running: View<AtomicU64>,
    started: View<AtomicU64>,
}

/// One item of one chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Item {
    pub(crate) seq: u32,
    pub(crate) index: u32,
}

const BEGUN: u64 = 1;
const CONDEMNED: u64 = 2;
const ENDED: u64 = 3;

impl Item {
    /// Stands where no item has its turn.
    pub(crate) const NONE: Self = Self { seq: u32::MAX, index: u32::MAX };

    /// What its result bears if it goes over the socket.
    pub(crate) fn tag(self) -> u64 {
        u64::from(self.seq) << 32 | u64::from(self.index)
    }

    /// An index is below [`MAX_COUNT`](crate::chunk::MAX_COUNT), so there is room for a state.
    fn word(self, state: u64) -> u64 {
        u64::from(self.seq) << 32 | u64::from(self.index) << 2 | state
    }
}

impl Words {
    pub(crate) fn new(region: &Region) -> Result<Self, RegionError> {
        region.expect(KIND, 0)?;
        let word = |offset| View::new(region, offset).map_err(io::Error::other);
        Ok(Self { window: word(WINDOW)?, running: word(RUNNING)?, started: word(STARTED)? })
    }

    /// Worker: claims chunk `seq`; false if the parent has taken it back.
    pub(crate) fn claim(&self, seq: u32) -> bool {
        self.window
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |word| {
                let taken_back = (word >> 32) as u32;
                let next = u64::from(seq.wrapping_add(1));
                // The mark comes along: were it left behind, it would one day seem to be ahead.
                (!is_before(seq, taken_back)).then_some(u64::from(seq) << 32 | next)
            })
            .is_ok()
    }

    /// Parent: takes back all chunks before `end` that are not claimed; returns the first of them.
    pub(crate) fn take_back(&self, end: u32) -> u32 {
        let taken = |word: u64| u64::from(end) << 32 | word & u64::from(u32::MAX);
        let before = self
            .window
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |word| Some(taken(word)))
            .expect("the closure always gives a value");
        before as u32
    }

    /// Parent: whether chunk `seq` has been claimed.
    pub(crate) fn is_claimed(&self, seq: u32) -> bool {
        is_before(seq, self.window.load(Ordering::Acquire) as u32)
    }

    /// Worker: is about to call the function for `item`; `now` if the item has a deadline. If it
    /// writes a [column](crate::column), the values of all items before are written.
    pub(crate) fn begin(&self, item: Item, now: Option<u64>) {
        if let Some(now) = now {
            self.started.store(now, Ordering::Relaxed);
        }
        self.running.store(item.word(BEGUN), Ordering::Release);
    }

    /// Worker: the next item begins at `now`, whether or not it has a deadline.
    pub(crate) fn set_started(&self, now: u64) {
        self.started.store(now, Ordering::Relaxed);
    }

    /// Worker: the function has returned; false if the parent has condemned the item.
    pub(crate) fn end(&self, item: Item) -> bool {
        let ended = item.word(ENDED);
        let swap = self.running.compare_exchange(
            item.word(BEGUN),
            ended,
            Ordering::AcqRel,
            Ordering::Relaxed,
        );
        swap.is_ok()
    }

    /// Parent: the item of chunk `seq` that has begun and not ended, as far as that is known, and
    /// when it began. Only for items with a deadline is the time that of this item.
    pub(crate) fn begun(&self, seq: u32) -> Option<(Item, u64)> {
        let word = self.running.load(Ordering::Acquire);
        let item = Item { seq: (word >> 32) as u32, index: word as u32 >> 2 };
        let has_begun = item.seq == seq && (word & 3 == BEGUN || word & 3 == CONDEMNED);
        has_begun.then(|| (item, self.started.load(Ordering::Relaxed)))
    }

    /// Worker: the item that it is at, or was at last.
    #[cfg(feature = "tracing")]
    pub(crate) fn at(&self) -> Option<Item> {
        let word = self.running.load(Ordering::Relaxed);
        let item = Item { seq: (word >> 32) as u32, index: word as u32 >> 2 };
        (word & 3 != 0).then_some(item)
    }

    /// Parent: whether `item` has begun, and may have ended since without having been told of.
    pub(crate) fn has_begun(&self, item: Item) -> bool {
        let word = self.running.load(Ordering::Acquire);
        [BEGUN, CONDEMNED, ENDED].into_iter().any(|state| word == item.word(state))
    }

    /// Parent: condemns `item`; false if it has ended.
    pub(crate) fn condemn(&self, item: Item) -> bool {
        let swap = self.running.compare_exchange(
            item.word(BEGUN),
            item.word(CONDEMNED),
            Ordering::AcqRel,
            Ordering::Relaxed,
        );
        swap.is_ok()
    }
}

/// What the parcel of a shared value bears. Those of chunks and items bear what is less.
pub(crate) fn context_tag(number: u32) -> u64 {
    1 << 63 | u64::from(number)
}

/// Nanoseconds on the monotonic clock, which is the same in all processes.
pub(crate) fn now() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    now.tv_sec.unsigned_abs() * 1_000_000_000 + now.tv_nsec.unsigned_abs()
}

#[cfg(test)]
mod tests {
    use super::{Item, Words, create_region};

    fn words() -> Words {
        Words::new(&create_region().unwrap()).unwrap()
    }

    #[test]
    fn a_chunk_is_run_or_taken_back_but_not_both() {
        // Also where the sequence numbers wrap.
        for first in [0, u32::MAX - 1] {
            let words = words();
            let seq = |n: u32| first.wrapping_add(n);
            words.take_back(first);
            assert!(words.claim(seq(0)) && words.is_claimed(seq(0)));
            words.take_back(seq(3));
            assert!(words.is_claimed(seq(0)), "begun before");
            for taken in [seq(1), seq(2)] {
                assert!(!words.is_claimed(taken) && !words.claim(taken));
            }
            assert!(words.claim(seq(3)), "given after");
        }
    }

    #[test]
    fn what_was_taken_back_long_ago_does_not_count_when_numbers_wrap() {
        let words = words();
        for seq in (0..=u32::MAX).step_by(1 << 29) {
            assert!(words.claim(seq), "{seq} was never taken back");
        }
        assert!(words.claim(0), "wrapped");
    }

    #[test]
    fn an_item_ends_in_time_or_is_condemned_but_not_both() {
        let words = words();
        let (item, next) = (Item { seq: 7, index: 4095 }, Item { seq: 8, index: 0 });
        assert!(words.begun(7).is_none() && !words.has_begun(item));
        words.begin(item, Some(5));
        assert_eq!((words.begun(7), words.begun(8)), (Some((item, 5)), None));
        assert!(words.end(item));
        assert!(!words.condemn(item), "ended before");
        assert_eq!(words.begun(7), None);
        assert!(words.has_begun(item), "it must not begin again");

        words.begin(next, Some(6));
        assert!(!words.condemn(item), "of another item");
        assert!(words.condemn(next));
        assert!(!words.end(next), "condemned before");
        assert_eq!(words.begun(8), Some((next, 6)));
    }
}
