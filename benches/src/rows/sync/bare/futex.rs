//! A lock and a barrier of one word each, and the kernel's futex under it.

use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::Result;
use mp_handle::Region;

use super::super::SharedLock;
use crate::duo::futex::{wait, wake};

const UNLOCKED: u32 = 0;
const LOCKED: u32 = 1;
/// Locked, and somebody may sleep.
const CONTENDED: u32 = 2;

/// A lock of one word. Who dies with it, leaves it locked.
pub(crate) struct Futex {
    memory: Region,
}

impl SharedLock for Futex {
    fn create(_: &Region) -> Result<()> {
        Ok(())
    }

    fn open(memory: Region) -> Result<Self> {
        Ok(Self { memory })
    }

    #[inline]
    fn with(&self, body: impl FnOnce()) -> Result<()> {
        let word = self.memory.atomic_u32(0)?;
        let free = word.compare_exchange(UNLOCKED, LOCKED, Ordering::Acquire, Ordering::Relaxed);
        if free.is_err() {
            lock_contended(word);
        }
        body();
        if word.swap(UNLOCKED, Ordering::Release) == CONTENDED {
            wake(word);
        }
        Ok(())
    }
}

#[cold]
fn lock_contended(word: &AtomicU32) {
    while word.swap(CONTENDED, Ordering::Acquire) != UNLOCKED {
        wait(word, CONTENDED);
    }
}

/// A barrier for two.
pub(crate) struct Meeting {
    memory: Region,
}

impl Meeting {
    pub(crate) fn new(memory: Region) -> Self {
        Self { memory }
    }

    /// Waits for the other. The word counts arrivals: an odd one is the first of a meeting.
    pub(crate) fn wait(&self) -> Result<()> {
        let word = self.memory.atomic_u32(0)?;
        let before = word.fetch_add(1, Ordering::AcqRel);
        let first = before.wrapping_add(1);
        if before % 2 == 1 {
            wake(word);
        } else {
            while word.load(Ordering::Acquire) == first {
                wait(word, first);
            }
        }
        Ok(())
    }
}
