//! The peer raw_sync: the C library's primitives, boxed.
#![allow(unsafe_code)]

use std::ptr;

use anyhow::{Result, anyhow};
use mp_handle::Region;
use raw_sync::Timeout;
use raw_sync::events::{Event, EventImpl, EventInit, EventState};
use raw_sync::locks::{LockImpl, LockInit, Mutex, RwLock};

use super::SharedLock;

/// Its errors may not pass from thread to thread.
fn said(error: impl ToString) -> anyhow::Error {
    anyhow!(error.to_string())
}

/// Its mutex.
pub(super) struct RawMutex {
    lock: Box<dyn LockImpl>,
    _memory: Region,
}

impl SharedLock for RawMutex {
    fn create(memory: &Region) -> Result<()> {
        // SAFETY: the region has room for it at its beginning, and nobody else uses it yet.
        unsafe { Mutex::new(memory.as_ptr(), ptr::null_mut()) }.map(drop).map_err(said)
    }

    fn open(memory: Region) -> Result<Self> {
        // SAFETY: `create` has made it there; the region is kept, so that it stays.
        let made = unsafe { Mutex::from_existing(memory.as_ptr(), ptr::null_mut()) };
        Ok(Self { lock: made.map_err(said)?.0, _memory: memory })
    }

    #[inline]
    fn with(&self, body: impl FnOnce()) -> Result<()> {
        let _guard = self.lock.lock().map_err(said)?;
        body();
        Ok(())
    }
}

/// The reading side of its lock for readers and writers.
pub(super) struct RawRead {
    lock: Box<dyn LockImpl>,
    _memory: Region,
}

impl SharedLock for RawRead {
    fn create(memory: &Region) -> Result<()> {
        // SAFETY: the region has room for it at its beginning, and nobody else uses it yet.
        unsafe { RwLock::new(memory.as_ptr(), ptr::null_mut()) }.map(drop).map_err(said)
    }

    fn open(memory: Region) -> Result<Self> {
        // SAFETY: `create` has made it there; the region is kept, so that it stays.
        let made = unsafe { RwLock::from_existing(memory.as_ptr(), ptr::null_mut()) };
        Ok(Self { lock: made.map_err(said)?.0, _memory: memory })
    }

    #[inline]
    fn with(&self, body: impl FnOnce()) -> Result<()> {
        let _guard = self.lock.rlock().map_err(said)?;
        body();
        Ok(())
    }
}

/// Its event, which resets itself when one has waited for it.
pub(super) struct RawEvent {
    event: Box<dyn EventImpl>,
    _memory: Region,
}

impl RawEvent {
    pub(super) fn create(memory: &Region) -> Result<()> {
        // SAFETY: the region has room for it at its beginning, and nobody else uses it yet.
        unsafe { Event::new(memory.as_ptr(), true) }.map(drop).map_err(said)
    }

    pub(super) fn open(memory: Region) -> Result<Self> {
        // SAFETY: `create` has made it there; the region is kept, so that it stays.
        let made = unsafe { Event::from_existing(memory.as_ptr()) };
        Ok(Self { event: made.map_err(said)?.0, _memory: memory })
    }

    pub(super) fn set(&self) -> Result<()> {
        self.event.set(EventState::Signaled).map_err(said)
    }

    pub(super) fn wait(&self) -> Result<()> {
        self.event.wait(Timeout::Infinite).map_err(said)
    }
}
