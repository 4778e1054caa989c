//! [`Robust`]: the lock below all others here. Whoever dies with it, the next one gets it.
//!
//! One futex word says who holds it. It has the bits that the kernel knows (`futex(2)`):
//!
//! | bits | meaning |
//! |---|---|
//! | 0..30 | the number of the thread that holds it, 0 if none does |
//! | 30, `OWNER_DIED` | somebody died with it, and nobody has [recovered](Robust::recover) since |
//! | 31, `WAITERS` | somebody sleeps, or did |
//!
//! # Why not a pthread mutex
//!
//! A robust mutex of glibc keeps the links of its list in shared memory, and follows them when it
//! is unlocked: whoever scribbles there makes it crash, or write where it should not. Here nothing
//! is followed that a peer could have written (see `sys::page`). Whatever bytes a peer leaves in
//! the words, it can make us wait, or have the lock at the same time as another process, nothing
//! else: within a process, a second word in private memory, the claim, says which thread has the
//! lock, and it has the last word.
//!
//! The claim is read and written without an atomic exchange, which would cost as much as the lock
//! itself. So a peer that writes *while* two threads of one process race for the lock, within those
//! nanoseconds, can make both believe that they have it, and break the list. Memory with a lock in
//! it is therefore for peers that may be killed, buggy or mad, but not for an attacker.
//!
//! # Who may die where
//!
//! | killed | what becomes of the lock |
//! |---|---|
//! | before its compare-and-swap | nothing: it had not got it |
//! | after it, until the entry is linked | the kernel finds the word by `pending` |
//! | while it holds it | the kernel finds the word by the list |
//! | after the entry is unlinked | the kernel finds the word by `pending` |
//! | after it gave the word back, before it woke a sleeper | the kernel wakes one, by `pending` |
//! | after it was woken, before it took the word | likewise; and sleepers look each slice |
//!
//! In all of them the kernel sets `OWNER_DIED` in the word or leaves it free, and wakes a sleeper
//! if there is one. Should a wake be lost all the same, no sleep is longer than a slice.
#![allow(unsafe_code)]

mod death;

use std::hint;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};

use mp_handle::{Deadline, Region, RegionError, futex_wait, futex_wake};

use crate::outcome::{Refused, Taken};
use crate::sys::{LockPage, Thread, ThreadIdentity, with_thread};

const OWNER: u32 = (1 << 30) - 1;
const OWNER_DIED: u32 = 1 << 30;
const WAITERS: u32 = 1 << 31;

/// Looks at a lock that is held before going to sleep. The pauses between them double: a look takes
/// the cache line away from the holder, and in vain mostly. All take as long as a few short critical
/// sections, and far less than a sleep and a wake.
const LOOKS: u32 = 8;

/// The lock, in the last bytes of a page of a region.
#[derive(Debug)]
pub(crate) struct Robust {
    page: LockPage,
    /// Whether somebody in this process went without its claim.
    abandoned: AtomicBool,
}

impl Robust {
    /// The bytes it takes at the end of its page.
    pub(crate) const SIZE: usize = LockPage::SIZE;

    /// Finds the lock at the end of the page that begins `offset` bytes into the region's file.
    /// Fresh memory, all zero, is a free lock.
    pub(crate) fn map(region: &Region, offset: u64) -> Result<Robust, RegionError> {
        let page = LockPage::map(region, offset)?;
        Ok(Robust { page, abandoned: AtomicBool::new(false) })
    }

    /// Takes the lock if it is free.
    #[inline]
    pub(crate) fn try_lock(&self) -> Result<Option<Taken>, Refused> {
        self.take(Deadline::now)
    }

    /// Takes the lock, waiting for it up to the deadline.
    #[inline]
    pub(crate) fn lock(&self, deadline: Deadline) -> Result<Option<Taken>, Refused> {
        self.take(|| deadline)
    }

    #[inline]
    fn take(&self, deadline: impl FnOnce() -> Deadline) -> Result<Option<Taken>, Refused> {
        let taken = with_thread(|thread| {
            if !thread.can_hold_more() {
                return Err(Refused::TooManyHeld);
            }
            let node = self.page.node();
            // SAFETY: the node lies where the kernel finds the word, by `LockPage::map`, and the
            // page outlives this call.
            unsafe { thread.announce(node) };
            let word = &self.page.words().lock;
            let free = word.compare_exchange(0, thread.id(), Acquire, Relaxed);
            let taken = match free {
                Ok(_) if self.claim(thread) => Ok(true),
                _ => self.take_contended(thread, deadline()),
            };
            if let Ok(true) = taken {
                // SAFETY: as above. This thread has the claim, so nobody else links the node. It
                // stays linked until `unlock`, and until then the page is not unmapped.
                unsafe { thread.link(node) };
            }
            thread.withdraw();
            Ok(if taken? { Some(self.introduce(thread)) } else { None })
        });
        taken.unwrap_or_else(|error| Err(Refused::System(error)))
    }

    /// Claims the lock within this process, once the word is ours.
    ///
    /// It fails if another thread of this process has the lock, which is to say that a peer wrote
    /// over the word; then the word is mended.
    #[inline]
    fn claim(&self, thread: &Thread) -> bool {
        let claim = self.page.claim();
        // Whoever had it gave it back before the word, which we got after that.
        match claim.load(Relaxed) {
            0 => claim.store(thread.identity(), Relaxed),
            owner => return self.claim_again(thread, owner),
        }
        true
    }

    /// The claim was seen to be `owner`'s. It may be given back by now: then that is no death.
    #[cold]
    fn claim_again(&self, thread: &Thread, owner: u64) -> bool {
        let claim = self.page.claim();
        // Of a thread that ended with the lock, or of the parent that this process was forked from.
        let ours = thread.identity();
        let is_stale = owner != ours && ThreadIdentity::from_bits(owner).is_gone();
        if is_stale && claim.compare_exchange(owner, ours, Acquire, Relaxed).is_ok() {
            self.abandoned.store(true, Relaxed);
            return true;
        }
        // If the word is not ours any more, the owner has just given the lock back.
        let mend = |seen: u32| {
            let owner = ThreadIdentity::from_bits(owner).id() & OWNER;
            (seen & OWNER == thread.id()).then_some(seen & OWNER_DIED | owner | WAITERS)
        };
        let _ = self.page.words().lock.fetch_update(Relaxed, Relaxed, mend);
        false
    }

    /// Takes the word from others; tells whether the deadline left time for it.
    #[cold]
    fn take_contended(&self, thread: &Thread, deadline: Deadline) -> Result<bool, Refused> {
        let word = &self.page.words().lock;
        let mut looks = if deadline.is_expired() { LOOKS } else { 0 };
        // Who has slept cannot know whether others still do.
        let mut waiters = 0;
        loop {
            let seen = word.load(Relaxed);
            let owner = seen & OWNER;
            if owner == 0 {
                let ours = thread.id() | seen | waiters;
                let got = word.compare_exchange_weak(seen, ours, Acquire, Relaxed).is_ok();
                if got && self.claim(thread) {
                    return Ok(true);
                }
                // Who keeps writing over the word shall not keep us here.
                if got && deadline.is_expired() {
                    return Ok(false);
                }
            } else if owner == thread.id() {
                return Err(Refused::AlreadyHeld);
            } else if looks < LOOKS && seen & WAITERS == 0 {
                (0..1 << looks).for_each(|_| hint::spin_loop());
                looks += 1;
            } else if deadline.is_expired() {
                if !self.free_if_orphaned(seen) {
                    return Ok(false);
                }
            } else {
                self.sleep(thread, seen, deadline);
                waiters = WAITERS;
            }
        }
    }

    /// Sleeps for a slice, or until another has given the word back.
    fn sleep(&self, thread: &Thread, seen: u32, deadline: Deadline) {
        let word = &self.page.words().lock;
        let expected = seen | WAITERS;
        if seen != expected && word.compare_exchange(seen, expected, Relaxed, Relaxed).is_err() {
            return;
        }
        futex_wait(word, expected, deadline);
        // SAFETY: as in `take`. A signal handler may have used another lock during the sleep.
        unsafe { thread.announce(self.page.node()) };
        if word.load(Relaxed) == expected {
            self.free_if_orphaned(expected);
        }
    }

    /// Writes down who holds the lock now, and finds out who died with it.
    #[inline]
    fn introduce(&self, thread: &Thread) -> Taken {
        let words = self.page.words();
        let taken = if words.lock.load(Relaxed) & OWNER_DIED == 0 {
            Taken::Clean
        } else {
            self.post_mortem()
        };
        words.holder.store(thread.process(), Relaxed);
        taken
    }

    /// Gives the lock back. Does nothing if this thread does not have it, as in a forked child.
    #[inline]
    pub(crate) fn unlock(&self) {
        let _ = with_thread(|thread| {
            let claim = self.page.claim();
            if claim.load(Relaxed) != thread.identity() {
                return;
            }
            let words = self.page.words();
            let node = self.page.node();
            words.holder.store(0, Relaxed);
            // SAFETY: as in `take`, which linked the node in this thread, for it has the claim.
            unsafe {
                thread.announce(node);
                thread.unlink(node);
            }
            claim.store(0, Relaxed);
            // Nobody else changes `OWNER_DIED` while we are the owner.
            let died = words.lock.load(Relaxed) & OWNER_DIED;
            if words.lock.swap(died, Release) & WAITERS != 0 {
                futex_wake(&words.lock, 1);
            }
            thread.withdraw();
        });
    }

    /// Tells whether anybody holds the lock at this moment, or whether whoever takes it from now on
    /// sees what the caller has written before, if both are sequentially consistent.
    #[inline]
    pub(crate) fn is_locked(&self) -> bool {
        self.page.words().lock.load(SeqCst) & OWNER != 0
    }

    /// Tells whether a guard in this process was leaked by a thread that has ended, or was copied
    /// by a fork: then there may be references still to what the lock protects. Whoever has got
    /// the lock since knows.
    #[inline]
    pub(crate) fn is_abandoned(&self) -> bool {
        self.abandoned.load(Relaxed)
    }

    /// Tells whether this thread holds the lock, by this mapping.
    pub(crate) fn is_ours(&self) -> bool {
        let claim = self.page.claim().load(Relaxed);
        with_thread(|thread| thread.identity() == claim).unwrap_or(false)
    }

    /// Returns the process of the thread that holds the lock, if it has written it down.
    pub(crate) fn holder(&self) -> Option<u32> {
        Some(self.page.words().holder.load(Relaxed)).filter(|&holder| holder != 0)
    }
}
