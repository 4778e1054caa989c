//! The waiters of a condition: a table with a slot for each.
//!
//! A slot is an owner, the process that waits, and a futex word on which it sleeps:
//!
//! | word | meaning |
//! |---|---|
//! | `IDLE` | nobody waits here |
//! | `WAITING` and a ticket | somebody waits; the lower the ticket, the longer |
//! | `NOTIFIED` | it has been told, and has not come back with its lock yet |
//!
//! A waiter keeps its slot until it has its lock again. So a notification is in the table from when
//! it was given until it has had its effect, and whoever finds it there with a dead owner gives it
//! to another.
//!
//! # Who looks after the dead
//!
//! Each waiter does, at each slice: it goes through the slots behind its own, buries the dead in
//! them, and stops at the first that waits and lives, who looks after those behind itself. So each
//! slot is looked after, by the nearest before it that can, and all of them together do no more
//! work than one who looks at each slot once.
//!
//! To bury is to become the owner of the slot, give its notification to another if it has one, and
//! only then to clear it. A burier that is killed leaves a slot with a dead owner. At worst a
//! notification is given twice, which is a spurious wake-up.

use crate::primitive::{AtomicU32, AtomicU64, Deadline, Identity, LastCpu, Ordering};
use crate::primitive::{futex_wait, futex_wake, spin};
use mp_handle::Shared;

/// How many can wait at the same time.
pub(super) const SLOTS: usize = if cfg!(all(test, shuttle)) { 4 } else { 1000 };

const IDLE: u32 = 0;
const NOTIFIED: u32 = 1;
const WAITING: u32 = 2;
const STATE: u32 = 3;
/// A ticket's unit, above the bits of the state.
const TICKET: u32 = 4;

/// The words in shared memory.
#[repr(C)]
#[cfg_attr(all(test, shuttle), derive(Default))]
pub(super) struct Slots {
    /// The next ticket, times `TICKET`.
    tickets: AtomicU32,
    /// No slot from here on was ever used.
    top: AtomicU32,
    owners: [AtomicU64; SLOTS],
    words: [AtomicU32; SLOTS],
    /// Who notified last: one with an even ticket, and one with an odd one. So two who take turns
    /// do not each see themselves.
    notifier_cpus: [LastCpu; 2],
}

#[allow(unsafe_code)]
// SAFETY: atomics one behind the other, valid with any bits, repr(C).
unsafe impl Shared for Slots {}

/// One who waits.
pub(super) struct Waiter<'a> {
    slots: &'a Slots,
    index: usize,
    /// What its word holds until it is notified.
    waiting: u32,
}

impl Slots {
    /// Takes a slot, to which notifications go from now on; `None` if all are taken.
    pub(super) fn enter(&self) -> Option<Waiter<'_>> {
        let index = self.claim().or_else(|| {
            self.bury_all();
            self.claim()
        })?;
        let waiting = self.tickets.fetch_add(TICKET, Ordering::Relaxed) & !STATE | WAITING;
        self.words[index].store(waiting, Ordering::Release);
        Some(Waiter { slots: self, index, waiting })
    }

    fn claim(&self) -> Option<usize> {
        let me = Identity::current().to_bits();
        let (success, failure) = (Ordering::AcqRel, Ordering::Relaxed);
        let free = |owner: &AtomicU64| {
            owner.load(failure) == 0 && owner.compare_exchange(0, me, success, failure).is_ok()
        };
        let index = self.owners.iter().position(free)?;
        self.top.fetch_max(index as u32 + 1, Ordering::AcqRel);
        Some(index)
    }

    /// Returns the words of all slots that were ever used.
    fn words(&self) -> &[AtomicU32] {
        let top = self.top.load(Ordering::Acquire) as usize;
        &self.words[..top.min(SLOTS)]
    }

    /// Notifies up to `count` waiters, those that have waited longest.
    pub(super) fn notify(&self, count: usize) {
        let mut notified = 0;
        while notified < count.min(SLOTS) && self.notify_one() {
            notified += 1;
        }
    }

    /// Tells whether there was anybody to notify.
    fn notify_one(&self) -> bool {
        // A try that fails has met a waiter who gave up, or another notifier: that is no endless
        // game but with a peer gone mad.
        for _ in 0..SLOTS {
            let Some((word, seen)) = self.longest() else { return false };
            if self.wake(word, seen) {
                return true;
            }
        }
        false
    }

    /// Finds the word of the one that has waited longest, and what it holds.
    fn longest(&self) -> Option<(&AtomicU32, u32)> {
        let now = self.tickets.load(Ordering::Acquire);
        // Negative for those who came after the look at the counter.
        let age = |seen: u32| now.wrapping_sub(seen & !STATE) as i32;
        let seen = self.words().iter().map(|word| (word, word.load(Ordering::Acquire)));
        seen.filter(|&(_, seen)| is_waiting(seen)).max_by_key(|&(_, seen)| age(seen))
    }

    /// Notifies all who wait.
    pub(super) fn notify_all(&self) {
        for word in self.words() {
            let seen = word.load(Ordering::Acquire);
            if is_waiting(seen) {
                self.wake(word, seen);
            }
        }
    }

    /// Notifies the one whose word this is, unless it has changed.
    fn wake(&self, word: &AtomicU32, seen: u32) -> bool {
        self.notifier_cpu(seen).record();
        let (success, failure) = (Ordering::AcqRel, Ordering::Acquire);
        let notified = word.compare_exchange(seen, NOTIFIED, success, failure).is_ok();
        if notified {
            futex_wake(word, 1);
        }
        notified
    }

    fn notifier_cpu(&self, waiting: u32) -> &LastCpu {
        &self.notifier_cpus[(waiting / TICKET) as usize % 2]
    }

    /// Counts those who wait and have not been notified.
    pub(super) fn waiting(&self) -> usize {
        let seen = self.words().iter().map(|word| word.load(Ordering::Relaxed));
        seen.filter(|&seen| is_waiting(seen)).count()
    }

    /// Buries the dead behind the slot, up to the next one who looks after the others.
    fn tend(&self, index: usize) {
        let used = self.words().len();
        for other in (index + 1..used).chain(0..index) {
            let owner = self.owners[other].load(Ordering::Acquire);
            let lives = owner != 0 && !self.bury_if_dead(other, owner);
            if lives && is_waiting(self.words[other].load(Ordering::Relaxed)) {
                return;
            }
        }
    }

    fn bury_all(&self) {
        for (index, owner) in self.owners.iter().enumerate() {
            match owner.load(Ordering::Acquire) {
                0 => {}
                owner => {
                    self.bury_if_dead(index, owner);
                }
            }
        }
    }

    /// Tells whether the owner of the slot, which is one, is dead; then it is cleared.
    fn bury_if_dead(&self, index: usize, owner: u64) -> bool {
        let is_dead = Identity::from_bits(owner).is_dead();
        let me = Identity::current().to_bits();
        let (success, failure) = (Ordering::AcqRel, Ordering::Acquire);
        let slot = &self.owners[index];
        if is_dead && slot.compare_exchange(owner, me, success, failure).is_ok() {
            let word = &self.words[index];
            let seen = word.load(Ordering::Acquire);
            let withdrawn =
                is_waiting(seen) && word.compare_exchange(seen, IDLE, success, failure).is_ok();
            if !withdrawn && word.load(Ordering::Acquire) == NOTIFIED {
                self.notify_one();
                word.store(IDLE, Ordering::Release);
            }
            slot.store(0, Ordering::Release);
        }
        is_dead
    }
}

impl Waiter<'_> {
    /// Waits until it is notified; tells whether that was before the deadline.
    pub(super) fn wait(&self, deadline: Deadline) -> bool {
        let word = &self.slots.words[self.index];
        let notified = || word.load(Ordering::Acquire) != self.waiting;
        if spin(self.slots.notifier_cpu(self.waiting), deadline, notified) {
            return true;
        }
        while word.load(Ordering::Acquire) == self.waiting {
            if deadline.is_expired() {
                let (success, failure) = (Ordering::AcqRel, Ordering::Acquire);
                return word.compare_exchange(self.waiting, IDLE, success, failure).is_err();
            }
            futex_wait(word, self.waiting, deadline);
            if word.load(Ordering::Relaxed) == self.waiting {
                self.slots.tend(self.index);
            }
        }
        true
    }

    /// Gives the slot back: what it was notified of is in the caller's hands now.
    pub(super) fn leave(self) {
        self.slots.words[self.index].store(IDLE, Ordering::Release);
        self.slots.owners[self.index].store(0, Ordering::Release);
    }
}

fn is_waiting(seen: u32) -> bool {
    seen & STATE == WAITING
}
