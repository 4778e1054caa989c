//! Who has taken messages and not yet said that it is done with them.
//!
//! A slot for each process that gets from the store. What is unfinished is not counted anywhere:
//! it is what the slots say, and what is still in the store. So no count can go wrong.
//!
//! | word | meaning |
//! |---|---|
//! | `owner` | the [`Identity`] of the process, 0 if the slot is free |
//! | `taken` | in the upper half how many messages it took, in the lower the number of the last |
//! | `done` | how many of them are done |
//!
//! A message is noted before the head is published, both under the consumers' lock. A consumer
//! killed between the two has noted one that it did not take: its number is that of the head. The
//! next one learns from the lock that somebody died and [takes the note back](Tasks::repair).

use std::sync::atomic::Ordering::{Relaxed, SeqCst};

use mp_handle::{OutOfRegion, Region, Shared, View};
use mp_sync::Identity;

use crate::primitive::{AtomicU32, AtomicU64, futex_wake};

/// How many processes can get from one store, the dead that nobody has buried included.
pub(super) const SLOTS: usize = 1024;

/// The bytes of the table.
pub(super) const SIZE: usize = size_of::<Table>();

#[repr(C)]
struct Slot {
    owner: AtomicU64,
    taken: AtomicU64,
    done: AtomicU32,
    gap: [AtomicU32; 3],
}

#[repr(C)]
struct Table {
    /// 1 if somebody waits until all is done; the futex.
    joiners: AtomicU32,
    /// No slot from here on was ever used.
    top: AtomicU32,
    gap: [AtomicU64; 7],
    slots: [Slot; SLOTS],
}

#[allow(unsafe_code)]
// SAFETY: atomics only, each valid with any bits, repr(C); there is no padding.
unsafe impl Shared for Table {}

/// The table of a store, and this process's place in it.
#[derive(Debug)]
pub(super) struct Tasks {
    table: View<Table>,
    /// The owner that was last written into a slot by this process, and the slot's number.
    own: AtomicU64,
    index: AtomicU32,
}

/// A process that died with messages it had not done.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lost {
    pub(crate) process: u32,
    pub(crate) count: u32,
}

impl Slot {
    fn unfinished(&self) -> u32 {
        // `done` first: it never overtakes `taken`.
        let done = self.done.load(SeqCst);
        count(self.taken.load(SeqCst)).wrapping_sub(done)
    }

    /// Counts one more as done, if one is left.
    fn finish_one(&self) -> bool {
        let next =
            |done: u32| (count(self.taken.load(SeqCst)) != done).then_some(done.wrapping_add(1));
        self.done.fetch_update(SeqCst, SeqCst, next).is_ok()
    }
}

fn count(taken: u64) -> u32 {
    (taken >> 32) as u32
}

fn pack(count: u32, number: u32) -> u64 {
    u64::from(count) << 32 | u64::from(number)
}

impl Tasks {
    pub(super) fn find(region: &Region, offset: usize) -> Result<Tasks, OutOfRegion> {
        let table = View::new(region, offset)?;
        Ok(Tasks { table, own: AtomicU64::default(), index: AtomicU32::default() })
    }

    /// Returns the slots that were ever used.
    fn slots(&self) -> &[Slot] {
        let top = self.table.top.load(SeqCst) as usize;
        &self.table.slots[..top.min(SLOTS)]
    }

    /// Returns the slot of this process; for the holder of the consumers' lock.
    fn own_slot(&self) -> Option<&Slot> {
        let me = Identity::current().to_bits();
        let index = self.index.load(Relaxed) as usize;
        let known = self.table.slots.get(index)?;
        if self.own.load(Relaxed) == me && known.owner.load(Relaxed) == me {
            return Some(known);
        }
        let index = self.claim(me)?;
        self.own.store(me, Relaxed);
        self.index.store(index as u32, Relaxed);
        self.table.slots.get(index)
    }

    #[cold]
    fn claim(&self, me: u64) -> Option<usize> {
        let is_own = |slot: &Slot| slot.owner.load(SeqCst) == me;
        if let Some(index) = self.slots().iter().position(is_own) {
            return Some(index);
        }
        let free = || self.table.slots.iter().position(|slot| slot.owner.load(SeqCst) == 0);
        let index = free().or_else(|| {
            self.bury_finished();
            free()
        })?;
        let slot = &self.table.slots[index];
        // Both sides of the count are the same, in whatever order a killed process left them.
        slot.done.store(count(slot.taken.load(SeqCst)), SeqCst);
        slot.owner.store(me, SeqCst);
        self.table.top.fetch_max(index as u32 + 1, SeqCst);
        Some(index)
    }

    /// Frees the slots of the dead that had finished.
    fn bury_finished(&self) {
        for slot in self.slots().iter().filter(|slot| slot.unfinished() == 0) {
            let owner = slot.owner.load(SeqCst);
            if owner != 0 && Identity::from_bits(owner).is_dead() {
                let _ = slot.owner.compare_exchange(owner, 0, SeqCst, SeqCst);
            }
        }
    }

    /// Tells whether this process has a slot or can have one; for the holder of the consumers'
    /// lock.
    pub(super) fn has_slot(&self) -> bool {
        self.own_slot().is_some()
    }

    /// Notes that this process takes a message; for the holder of the consumers' lock.
    #[inline]
    pub(super) fn note_taken(&self, number: u32) {
        if let Some(slot) = self.own_slot() {
            let taken = count(slot.taken.load(Relaxed)).wrapping_add(1);
            slot.taken.store(pack(taken, number), SeqCst);
        }
    }

    /// Takes back the note of one that was killed before it took the message numbered `head`; for
    /// the holder of the consumers' lock, after it was told of a death.
    #[cold]
    pub(super) fn repair(&self, head: u32) {
        for slot in self.slots() {
            let taken = slot.taken.load(SeqCst);
            if taken as u32 == head && slot.unfinished() != 0 {
                slot.taken.store(pack(count(taken).wrapping_sub(1), head.wrapping_sub(1)), SeqCst);
            }
        }
    }

    /// Counts one of this process's messages as done, or else one of another's, for whom it may
    /// have worked; tells whether there was any.
    pub(super) fn finish_one(&self) -> bool {
        let me = Identity::current().to_bits();
        let own = |slot: &&Slot| slot.owner.load(SeqCst) == me;
        self.slots().iter().filter(own).any(Slot::finish_one)
            || self.slots().iter().any(|slot| slot.owner.load(SeqCst) != 0 && slot.finish_one())
    }

    /// Counts the messages that were taken and are not done.
    pub(super) fn unfinished(&self) -> u64 {
        let used = self.slots().iter().filter(|slot| slot.owner.load(SeqCst) != 0);
        used.map(|slot| u64::from(slot.unfinished())).sum()
    }

    /// Tells whether a process has died with messages that it had not done, or noted.
    pub(super) fn has_dead(&self) -> bool {
        let is_dead = |owner: u64| owner != 0 && Identity::from_bits(owner).is_dead();
        self.slots().iter().any(|slot| slot.unfinished() != 0 && is_dead(slot.owner.load(SeqCst)))
    }

    /// Finds a process that died with unfinished messages, and counts them as done; for the holder
    /// of the consumers' lock.
    pub(super) fn bury_one(&self) -> Option<Lost> {
        self.slots().iter().find_map(|slot| {
            let owner = slot.owner.load(SeqCst);
            let done = slot.done.load(SeqCst);
            let taken = count(slot.taken.load(SeqCst));
            if owner == 0 || taken == done || !Identity::from_bits(owner).is_dead() {
                return None;
            }
            // Another may have buried it, and the slot be somebody else's by now.
            slot.done.compare_exchange(done, taken, SeqCst, SeqCst).ok()?;
            let lost = taken.wrapping_sub(done);
            let _ = slot.owner.compare_exchange(owner, 0, SeqCst, SeqCst);
            Some(Lost { process: Identity::from_bits(owner).pid(), count: lost })
        })
    }

    /// Announces that somebody waits until all is done, and returns the futex and its value.
    pub(super) fn announce_joiner(&self) -> (&AtomicU32, u32) {
        self.table.joiners.store(1, SeqCst);
        (&self.table.joiners, 1)
    }

    pub(super) fn has_joiner(&self) -> bool {
        self.table.joiners.load(SeqCst) != 0
    }

    /// Wakes all who wait until all is done.
    #[cold]
    pub(super) fn wake_joiners(&self) {
        if self.table.joiners.swap(0, SeqCst) != 0 {
            futex_wake(&self.table.joiners, u32::MAX);
        }
    }
}

#[cfg(test)]
mod tests {
    use mp_handle::Kind;

    use super::*;

    fn table() -> Tasks {
        let region = Region::create(Kind::new(1000, "tasks"), 0, SIZE).unwrap();
        Tasks::find(&region, 0).unwrap()
    }

    #[test]
    fn a_note_without_its_message_is_taken_back_once() {
        let tasks = table();
        tasks.note_taken(0);
        tasks.note_taken(1);
        tasks.repair(2);
        assert_eq!(tasks.unfinished(), 2);
        // As if the process had been killed before it published that it took the second.
        tasks.repair(1);
        tasks.repair(1);
        assert_eq!(tasks.unfinished(), 1);
        assert!(tasks.finish_one());
        assert!(!tasks.finish_one());
    }

    #[test]
    fn the_living_are_not_buried_and_the_dead_once() {
        let tasks = table();
        tasks.note_taken(0);
        assert!(tasks.bury_one().is_none());
        // A number that no process has.
        let dead = u64::from(i32::MAX as u32) << 32 | 1;
        tasks.table.slots[0].owner.store(dead, SeqCst);
        let lost = tasks.bury_one().unwrap();
        assert_eq!((lost.process, lost.count), (i32::MAX as u32, 1));
        assert!(tasks.bury_one().is_none());
        assert_eq!(tasks.unfinished(), 0);
    }
}
