//! What a [`Robust`] lock knows of holders that died.

use std::sync::atomic::Ordering::Relaxed;

use super::{OWNER, OWNER_DIED, Robust, Taken, WAITERS};
use crate::sys;

impl Robust {
    /// Frees a word that names nobody; tells whether it did.
    ///
    /// The kernel tells of every thread that is gone, before its number is free. So a peer gone mad
    /// wrote it, or a thread held the lock that was not its process's first, and called `execve`:
    /// by the time the kernel walks the list of such a thread, it has another number.
    pub(super) fn free_if_orphaned(&self, seen: u32) -> bool {
        let word = &self.page.words().lock;
        let free = OWNER_DIED | seen & WAITERS;
        !sys::thread_exists(seen & OWNER)
            && word.compare_exchange(seen, free, Relaxed, Relaxed).is_ok()
    }

    /// Finds out who died with the lock; the caller has just got it.
    #[cold]
    pub(super) fn post_mortem(&self) -> Taken {
        let words = self.page.words();
        // 0 if the last holder gave the lock back without recovering it, or had no time to write.
        match words.holder.load(Relaxed) {
            0 => {}
            holder => words.dead.store(holder, Relaxed),
        }
        Taken::OwnerDied(Some(words.dead.load(Relaxed)).filter(|&dead| dead != 0))
    }

    /// Finds out who died with the lock, for those who do not take it.
    #[inline]
    pub(crate) fn look(&self) -> Taken {
        let words = self.page.words();
        let seen = words.lock.load(Relaxed);
        if seen & OWNER_DIED == 0 {
            return Taken::Clean;
        }
        let (holder, dead) = (words.holder.load(Relaxed), words.dead.load(Relaxed));
        // While nobody holds the lock, a holder is one who died and was not replaced yet.
        let died = if seen & OWNER == 0 && holder != 0 { holder } else { dead };
        Taken::OwnerDied(Some(died).filter(|&died| died != 0))
    }

    /// Frees the word if it names nobody, for those who wait for that without taking the lock.
    pub(crate) fn mend(&self) {
        let seen = self.page.words().lock.load(Relaxed);
        if seen & OWNER != 0 {
            self.free_if_orphaned(seen);
        }
    }

    /// Says that what the lock protects is in order again; the caller holds the lock.
    pub(crate) fn recover(&self) {
        let words = self.page.words();
        words.dead.store(0, Relaxed);
        words.lock.fetch_and(!OWNER_DIED, Relaxed);
    }

    /// Says that what the lock protects is not in order; the caller holds the lock.
    pub(crate) fn poison(&self, process: Option<u32>) {
        let words = self.page.words();
        words.dead.store(process.unwrap_or(0), Relaxed);
        words.lock.fetch_or(OWNER_DIED, Relaxed);
    }
}
