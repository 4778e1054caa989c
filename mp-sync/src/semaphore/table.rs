//! The table of permits: one slot each, and no other state.
//!
//! | slot | meaning |
//! |---|---|
//! | `ABSENT` | no permit is here |
//! | `FREE` | a permit that anybody may take |
//! | an [`Identity`] | a permit that this process has |
//!
//! Each change is one compare-and-swap of one slot, so whoever is killed leaves nothing half done.
//! A permit of a process that is dead is as good as free: whoever finds nothing else, or is about
//! to sleep, sets it free. There is no count that could go wrong.
//!
//! # Who wakes whom
//!
//! A word says whether somebody sleeps. It is set before the last look at the slots, and a slot is
//! freed before the word is read, all in one order (`SeqCst`): either the look finds the permit, or
//! the releaser finds the word set. It clears the word and wakes one.
//!
//! That alone would strand sleepers. While a wake is under way the word is clear though others
//! sleep, and a second permit that is freed meanwhile wakes nobody. And who comes anew and sets the
//! word lets others fall asleep whose looks are older than the last two releases. Hence
//! [`pass_on`](Table::pass_on): who has set the word and got a permit looks whether there is another
//! one, and wakes the next. Should it be killed before, the others look each slice. Who gives up
//! has looked after it set the word, and found nothing: that is left to the next releaser.
#![allow(unsafe_code)]

use std::collections::HashMap;

use mp_handle::{OutOfRegion, Region, RegionError, Shared, View};

use crate::primitive::Ordering::{Relaxed, SeqCst};
use crate::primitive::{
    AtomicU32, AtomicU64, Deadline, Identity, LastCpu, futex_wait, futex_wake, spin,
};

const ABSENT: u64 = 0;
const FREE: u64 = 1;

/// The slots that are mapped as one.
const BLOCK: usize = 64;

/// Where the slots begin in the region: on a cache line of their own.
const SLOTS: usize = 64;

/// The words before the slots.
#[repr(C)]
struct Words {
    /// How many slots there are; never changed.
    limit: AtomicU32,
    /// No slot from here on has ever had a permit. It is raised before the slot is filled.
    top: AtomicU32,
    /// Where a permit was last seen free.
    hint: AtomicU32,
    /// `ASLEEP` if somebody sleeps, or did.
    sleepers: AtomicU32,
    releaser_cpu: LastCpu,
}

const AWAKE: u32 = 0;
const ASLEEP: u32 = 1;

// SAFETY: atomics one behind the other, valid with any bits, repr(C).
unsafe impl Shared for Words {}

/// The permits of a semaphore, in a region.
pub(super) struct Table {
    words: View<Words>,
    blocks: Vec<View<[AtomicU64; BLOCK]>>,
    /// The number of slots, read once and checked: they all lie in `blocks`.
    limit: usize,
}

impl Table {
    /// Returns the bytes of a region that has room for `limit` permits.
    pub(super) fn size(limit: u32) -> usize {
        SLOTS + (limit as usize).next_multiple_of(BLOCK) * size_of::<AtomicU64>()
    }

    /// Finds the table in a region.
    pub(super) fn map(region: &Region) -> Result<Table, RegionError> {
        let words: View<Words> = View::new(region, 0)?;
        let limit = words.limit.load(Relaxed);
        if region.len() < Table::size(limit) {
            return Err(RegionError::Truncated { size: region.len() as u64 });
        }
        let block = |number| View::new(region, SLOTS + number * BLOCK * size_of::<AtomicU64>());
        let count = (limit as usize).div_ceil(BLOCK);
        let blocks = (0..count).map(block).collect::<Result<_, OutOfRegion>>()?;
        Ok(Table { words, blocks, limit: limit as usize })
    }

    /// Writes the first contents of a region of [`size`](Self::size) that nobody else has yet.
    pub(super) fn fill(region: &Region, permits: u32, limit: u32) {
        const ROOM: &str = "the region has the size of a table";
        let words: View<Words> = View::new(region, 0).expect(ROOM);
        words.limit.store(limit, Relaxed);
        words.top.store(permits, Relaxed);
        let table = Table::map(region).expect(ROOM);
        (0..permits as usize).for_each(|slot| table.slot(slot).store(FREE, Relaxed));
    }

    pub(super) fn region(&self) -> &Region {
        self.words.region()
    }

    pub(super) fn limit(&self) -> usize {
        self.limit
    }

    /// Counts the permits that are free.
    pub(super) fn available(&self) -> usize {
        (0..self.top()).filter(|&slot| self.slot(slot).load(SeqCst) == FREE).count()
    }

    #[inline]
    fn slot(&self, number: usize) -> &AtomicU64 {
        &self.blocks[number / BLOCK][number % BLOCK]
    }

    fn top(&self) -> usize {
        self.limit.min(self.words.top.load(SeqCst) as usize)
    }

    #[inline]
    fn hint(&self) -> usize {
        self.words.hint.load(Relaxed) as usize
    }

    /// Notes where to look next, without dirtying the cache line for no news.
    #[inline]
    fn set_hint(&self, slot: usize) {
        if self.hint() != slot {
            self.words.hint.store(slot as u32, Relaxed);
        }
    }

    /// Takes a permit that is free, and returns its slot.
    #[inline]
    pub(super) fn take_free(&self) -> Option<usize> {
        let hint = self.hint();
        if hint < self.limit && self.change(hint, FREE, Identity::current().to_bits()) {
            return Some(hint);
        }
        self.search(FREE, Identity::current().to_bits(), self.top())
    }

    /// Takes a permit that is free, or that of a process that died.
    #[cold]
    pub(super) fn take_dead(&self) -> Option<usize> {
        self.reclaim();
        self.take_free()
    }

    /// Waits for a permit up to the deadline.
    #[cold]
    pub(super) fn wait(&self, deadline: Deadline) -> Option<usize> {
        let mut taken = None;
        let look = || {
            taken = self.take_free();
            taken.is_some()
        };
        if spin(&self.words.releaser_cpu, deadline, look) {
            return taken;
        }
        loop {
            self.words.sleepers.store(ASLEEP, SeqCst);
            let taken = self.take_free().or_else(|| self.take_dead());
            if taken.is_some() {
                self.pass_on();
            }
            if taken.is_some() || deadline.is_expired() {
                return taken;
            }
            futex_wait(&self.words.sleepers, ASLEEP, deadline);
        }
    }

    /// Frees the permit that this process has in the slot.
    #[inline]
    pub(super) fn give_back(&self, slot: usize) {
        // In a forked child it is not ours, and nothing happens.
        if self.change(slot, Identity::current().to_bits(), FREE) {
            self.freed(slot);
        }
    }

    /// Removes the permit that this process has in the slot.
    pub(super) fn take_away(&self, slot: usize) {
        self.change(slot, Identity::current().to_bits(), ABSENT);
    }

    /// Adds a permit, free; tells whether there was room.
    pub(super) fn add(&self) -> bool {
        let slot = self.search(ABSENT, FREE, self.limit);
        slot.is_some_and(|slot| {
            self.freed(slot);
            true
        })
    }

    /// Sees to it that somebody gets the permit that was freed in the slot.
    #[inline]
    fn freed(&self, slot: usize) {
        self.set_hint(slot);
        self.words.releaser_cpu.record();
        if self.words.sleepers.load(SeqCst) != AWAKE {
            self.wake_one();
        }
    }

    #[cold]
    fn wake_one(&self) {
        if self.words.sleepers.swap(AWAKE, SeqCst) != AWAKE {
            futex_wake(&self.words.sleepers, 1);
        }
    }

    /// Wakes the next, if there is another permit, by one who has set the word and goes.
    fn pass_on(&self) {
        if self.available() > 0 {
            self.wake_one();
        }
    }

    /// Frees the permits of all processes that are dead.
    fn reclaim(&self) {
        let me = Identity::current();
        let mut known = HashMap::new();
        for slot in 0..self.top() {
            let holder = self.slot(slot).load(SeqCst);
            if matches!(holder, ABSENT | FREE) || holder == me.to_bits() {
                continue;
            }
            let is_dead = || Identity::from_bits(holder).is_dead();
            if *known.entry(holder).or_insert_with(is_dead) && self.change(slot, holder, FREE) {
                self.freed(slot);
            }
        }
    }

    /// Changes a slot below `end` from one state to another, beginning with the hint; returns it.
    fn search(&self, from: u64, to: u64, end: usize) -> Option<usize> {
        let start = self.hint().min(end);
        let slot = (start..end).chain(0..start).find(|&slot| {
            self.slot(slot).load(SeqCst) == from && {
                self.raise_top(slot);
                self.change(slot, from, to)
            }
        })?;
        self.set_hint(slot);
        Some(slot)
    }

    fn raise_top(&self, slot: usize) {
        if self.top() <= slot {
            self.words.top.fetch_max(slot as u32 + 1, SeqCst);
        }
    }

    #[inline]
    fn change(&self, slot: usize, from: u64, to: u64) -> bool {
        self.slot(slot).compare_exchange(from, to, SeqCst, SeqCst).is_ok()
    }
}
