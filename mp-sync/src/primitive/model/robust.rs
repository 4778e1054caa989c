//! Double of the lock that survives its holder. Who looks at the word sees that its owner is dead,
//! as if the kernel had written it down at once.

use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;

use mp_handle::{Region, RegionError};

use super::doubles::{AtomicU32, Deadline, is_dead, number};
use super::futex::{futex_wait, futex_wake};
use crate::outcome::{Refused, Taken};

const OWNER_DIED: u32 = 1 << 30;
const OWNER: u32 = OWNER_DIED - 1;

/// The lock; its clones are the same one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Robust {
    word: Arc<AtomicU32>,
    /// Who died with it, until somebody recovers it.
    dead: Arc<AtomicU32>,
}

impl Robust {
    pub(crate) const SIZE: usize = size_of::<u32>();

    /// Makes a lock, free. A model has no memory to map.
    pub(crate) fn map(_: &Region, _: u64) -> Result<Robust, RegionError> {
        Ok(Robust::default())
    }

    pub(crate) fn try_lock(&self) -> Result<Option<Taken>, Refused> {
        self.lock(Deadline::now())
    }

    pub(crate) fn lock(&self, deadline: Deadline) -> Result<Option<Taken>, Refused> {
        loop {
            let seen = self.word.load(SeqCst);
            let owner = seen & OWNER;
            if owner == me() {
                return Err(Refused::AlreadyHeld);
            }
            let died = owner != 0 && is_dead(owner);
            if owner == 0 || died {
                let flag = if died { OWNER_DIED } else { seen & OWNER_DIED };
                if self.word.compare_exchange(seen, me() | flag, SeqCst, SeqCst).is_ok() {
                    return Ok(Some(self.post_mortem(flag, owner)));
                }
            } else if deadline.is_expired() {
                return Ok(None);
            } else {
                futex_wait(&self.word, seen, deadline);
            }
        }
    }

    fn post_mortem(&self, flag: u32, died: u32) -> Taken {
        if flag == 0 {
            return Taken::Clean;
        }
        if died != 0 {
            self.dead.store(died, SeqCst);
        }
        Taken::OwnerDied(Some(self.dead.load(SeqCst)).filter(|&dead| dead != 0))
    }

    pub(crate) fn recover(&self) {
        self.dead.store(0, SeqCst);
        self.word.fetch_and(!OWNER_DIED, SeqCst);
    }

    pub(crate) fn poison(&self, process: Option<u32>) {
        self.dead.store(process.unwrap_or(0), SeqCst);
        self.word.fetch_or(OWNER_DIED, SeqCst);
    }

    pub(crate) fn unlock(&self) {
        if self.is_ours() {
            self.word.fetch_and(OWNER_DIED, SeqCst);
            futex_wake(&self.word, 1);
        }
    }

    pub(crate) fn is_locked(&self) -> bool {
        let owner = self.word.load(SeqCst) & OWNER;
        owner != 0 && !is_dead(owner)
    }

    pub(crate) fn look(&self) -> Taken {
        let seen = self.word.load(SeqCst);
        let owner = seen & OWNER;
        if owner != 0 && is_dead(owner) {
            return Taken::OwnerDied(Some(owner));
        }
        let dead = || Some(self.dead.load(SeqCst)).filter(|&dead| dead != 0);
        if seen & OWNER_DIED == 0 { Taken::Clean } else { Taken::OwnerDied(dead()) }
    }

    /// No word here ever names nobody.
    pub(crate) fn mend(&self) {}

    /// Guards are not leaked here.
    pub(crate) fn is_abandoned(&self) -> bool {
        false
    }

    pub(crate) fn is_ours(&self) -> bool {
        self.word.load(SeqCst) & OWNER == me()
    }

    pub(crate) fn holder(&self) -> Option<u32> {
        Some(self.word.load(SeqCst) & OWNER).filter(|&owner| owner != 0)
    }
}

fn me() -> u32 {
    number() as u32
}
