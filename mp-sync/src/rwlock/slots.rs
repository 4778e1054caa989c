//! Who reads, and how readers and a writer keep out of each other's way.
//!
//! Each reader has a slot with its identity in it. The writer has a [`Robust`]: whoever wants to
//! write takes that first, which keeps new readers out, and then waits until all slots are empty.
//!
//! ```text
//! reader:  slot := me;  lock held?  ---no--> it reads
//!                         `---yes---------> slot := 0, tells the writer, waits at the gate
//! writer:  lock := me;  all slots empty? --> it writes
//!                         `---no----------> waits for the drain
//! ```
//!
//! A writer looks only at lines of slots that were ever used. A reader marks its line as such before
//! it fills its slot, so whoever would see the slot sees the mark, which stays for good.
//!
//! Each side writes first and looks afterwards, and the looks are sequentially consistent with the
//! writes of the other side: so at least one of the two sees the other. The same holds when a
//! reader leaves: either it sees the lock held and wakes the writer, or the writer sees it gone.
//!
//! | killed | what becomes of it |
//! |---|---|
//! | with its name in a slot | the next writer finds that it is dead, and empties the slot |
//! | after it emptied the slot, before it woke the writer | the writer looks at each slice |
//! | with the lock | the kernel frees it and tells the next; those at the gate look each slice |
//! | after it gave the lock back, before it woke the gate | readers look at each slice |

use std::iter;
use std::sync::atomic::fence;

use mp_handle::Shared;

use crate::outcome::{Refused, Taken};
use crate::primitive::{AtomicU32, AtomicU64, Deadline, Identity, Ordering, Robust};
use crate::primitive::{futex_wait, futex_wake};

/// How many can read at the same time.
pub(super) const READERS: usize = if cfg!(all(test, shuttle)) { 3 } else { 400 };

/// How many slots share a cache line. Processes begin on different ones.
pub(super) const LINE: usize = if cfg!(all(test, shuttle)) { 2 } else { 8 };

/// Somebody sleeps at the gate, or did.
const SLEEPERS: u32 = 1;
/// One more write has ended.
const WRITE: u32 = 2;

/// The words in shared memory.
#[repr(C)]
#[cfg_attr(all(test, shuttle), derive(Default))]
pub(super) struct Words {
    /// Where readers sleep while somebody writes.
    gate: AtomicU32,
    /// Where a writer sleeps; counts the readers that left meanwhile.
    drain: AtomicU32,
    /// A bit for each line of slots that was ever used: a writer looks at no others.
    used: AtomicU64,
    /// So that the slots begin with a cache line.
    reserved: [AtomicU64; 6],
    readers: [AtomicU64; READERS],
}

#[allow(unsafe_code)]
// SAFETY: atomics one behind the other without a gap, valid with any bits, repr(C).
unsafe impl Shared for Words {}

/// All slots have a reader.
#[derive(Debug)]
pub(super) struct Full;

/// A lock at work.
pub(super) struct Slots<'a> {
    pub(super) words: &'a Words,
    pub(super) lock: &'a Robust,
}

impl Slots<'_> {
    /// Takes a slot for reading, the first that is free from `hint` on; `None` if somebody writes,
    /// up to the deadline.
    pub(super) fn read(&self, hint: usize, deadline: Deadline) -> Result<Option<usize>, Full> {
        loop {
            let gate = self.words.gate.load(Ordering::Acquire);
            if let Some(index) = self.try_read(hint)? {
                return Ok(Some(index));
            }
            if deadline.is_expired() {
                return Ok(None);
            }
            self.sleep_at_gate(gate, deadline);
        }
    }

    /// As [`read`](Self::read), without waiting.
    #[inline]
    pub(super) fn try_read(&self, hint: usize) -> Result<Option<usize>, Full> {
        if self.lock.is_locked() {
            return Ok(None);
        }
        let index = self.claim(hint).or_else(|| self.claim_of_dead()).ok_or(Full)?;
        if self.lock.is_locked() {
            self.leave(index);
            return Ok(None);
        }
        Ok(Some(index))
    }

    #[inline]
    fn claim(&self, hint: usize) -> Option<usize> {
        let me = Identity::current().to_bits();
        let (first, last) = (hint % READERS..READERS, 0..hint % READERS);
        let (success, failure) = (Ordering::SeqCst, Ordering::Relaxed);
        first.chain(last).find(|&index| {
            let slot = &self.words.readers[index];
            slot.load(failure) == 0 && {
                self.mark(index / LINE);
                slot.compare_exchange(0, me, success, failure).is_ok()
            }
        })
    }

    /// Marks a line of slots as used.
    #[inline]
    fn mark(&self, line: usize) {
        let used = &self.words.used;
        if used.load(Ordering::SeqCst) & 1 << line == 0 {
            used.fetch_or(1 << line, Ordering::SeqCst);
        }
    }

    /// Returns the slots of all lines that were ever used.
    #[inline]
    fn used_slots(&self) -> impl Iterator<Item = &AtomicU64> {
        let mut used = self.words.used.load(Ordering::SeqCst);
        let lines = iter::from_fn(move || {
            let line = used.trailing_zeros();
            used &= used.wrapping_sub(1);
            (line < u64::BITS).then_some(line as usize)
        });
        // A peer gone mad may have marked lines that there are not.
        lines.filter_map(|line| self.words.readers.chunks(LINE).nth(line)).flatten()
    }

    /// Makes room where readers have died.
    #[cold]
    fn claim_of_dead(&self) -> Option<usize> {
        self.empty_dead();
        self.claim(0)
    }

    fn empty_dead(&self) {
        for slot in self.used_slots() {
            empty_if_dead(slot);
        }
    }

    /// Sleeps until a write has ended since the gate was `seen`.
    fn sleep_at_gate(&self, seen: u32, deadline: Deadline) {
        let gate = &self.words.gate;
        let asleep = seen | SLEEPERS;
        let (success, failure) = (Ordering::AcqRel, Ordering::Relaxed);
        if seen == asleep || gate.compare_exchange(seen, asleep, success, failure).is_ok() {
            futex_wait(gate, asleep, deadline);
            self.lock.mend();
        }
    }

    /// Gives the slot back, if it is this process's, as it is not in a forked child.
    #[inline]
    pub(super) fn leave(&self, index: usize) {
        let me = Identity::current().to_bits();
        let (success, failure) = (Ordering::SeqCst, Ordering::Relaxed);
        let left = self.words.readers[index].compare_exchange(me, 0, success, failure);
        if left.is_ok() && self.lock.is_locked() {
            self.words.drain.fetch_add(1, Ordering::Release);
            futex_wake(&self.words.drain, 1);
        }
    }

    /// Takes the lock for writing; `None` if that was not to be had before the deadline.
    pub(super) fn write(&self, deadline: Deadline) -> Result<Option<Taken>, Refused> {
        let Some(taken) = self.lock.lock(deadline)? else { return Ok(None) };
        self.wait_for_readers(taken, deadline)
    }

    /// Takes the lock for writing, if nobody has it.
    pub(super) fn try_write(&self) -> Result<Option<Taken>, Refused> {
        let Some(taken) = self.lock.try_lock()? else { return Ok(None) };
        self.wait_for_readers(taken, Deadline::now())
    }

    fn wait_for_readers(&self, taken: Taken, deadline: Deadline) -> Result<Option<Taken>, Refused> {
        fence(Ordering::SeqCst);
        // Nobody comes who stays: a slot once seen empty remains so.
        if self.used_slots().all(|slot| self.is_left(slot, deadline)) {
            return Ok(Some(taken));
        }
        self.end_write();
        Ok(None)
    }

    /// Waits until the slot is empty; tells whether it was before the deadline.
    #[inline]
    fn is_left(&self, slot: &AtomicU64, deadline: Deadline) -> bool {
        slot.load(Ordering::Acquire) == 0 || self.drain(slot, deadline)
    }

    #[cold]
    fn drain(&self, slot: &AtomicU64, deadline: Deadline) -> bool {
        let drain = &self.words.drain;
        loop {
            let seen = drain.load(Ordering::Acquire);
            if slot.load(Ordering::Acquire) == 0 {
                return true;
            }
            if deadline.is_expired() {
                return empty_if_dead(slot);
            }
            futex_wait(drain, seen, deadline);
            if drain.load(Ordering::Relaxed) == seen {
                // All of them, lest each costs a slice.
                self.empty_dead();
            }
        }
    }

    /// Gives the lock back after writing, and lets those at the gate in.
    pub(super) fn end_write(&self) {
        self.lock.unlock();
        let gate = &self.words.gate;
        let next = |seen: u32| Some((seen & !SLEEPERS).wrapping_add(WRITE));
        let before = gate.fetch_update(Ordering::AcqRel, Ordering::Relaxed, next);
        if before.is_ok_and(|before| before & SLEEPERS != 0) {
            futex_wake(gate, u32::MAX);
        }
    }
}

/// Empties the slot if its reader is dead; tells whether it is empty now.
fn empty_if_dead(slot: &AtomicU64) -> bool {
    let owner = slot.load(Ordering::Acquire);
    let (success, failure) = (Ordering::AcqRel, Ordering::Relaxed);
    owner == 0
        || Identity::from_bits(owner).is_dead()
            && slot.compare_exchange(owner, 0, success, failure).is_ok()
}
