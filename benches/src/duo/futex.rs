//! The kernel's futex, and a gate of one word above it.

use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::Result;
use mp_handle::Region;
use rustix::thread::futex::{self, Flags};

/// Sleeps while the word is as expected; may return too early.
pub(crate) fn wait(word: &AtomicU32, expected: u32) {
    // An error says that the word has changed, or that a signal came: the caller looks again.
    futex::wait(word, Flags::empty(), expected, None).ok();
}

pub(crate) fn wake(word: &AtomicU32) {
    // It cannot fail on a word that is mapped and aligned.
    futex::wake(word, Flags::empty(), 1).ok();
}

/// A word that lets one through each time that it is opened.
#[derive(Debug)]
pub(crate) struct Gate {
    memory: Region,
    offset: usize,
}

impl Gate {
    /// The gate at `offset` in the memory; all zero, it is closed.
    pub(crate) fn new(memory: Region, offset: usize) -> Self {
        Self { memory, offset }
    }

    pub(crate) fn open(&self) -> Result<()> {
        let word = self.memory.atomic_u32(self.offset)?;
        word.store(1, Ordering::Release);
        wake(word);
        Ok(())
    }

    pub(crate) fn pass(&self) -> Result<()> {
        let word = self.memory.atomic_u32(self.offset)?;
        while word.swap(0, Ordering::Acquire) == 0 {
            wait(word, 0);
        }
        Ok(())
    }
}
