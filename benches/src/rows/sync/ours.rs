//! Ours, where a row asks every lock the same.

use anyhow::{Result, anyhow};
use mp_handle::Region;
use mp_sync::{Lock, LockError, Recover};

use super::SharedLock;

impl SharedLock for Lock {
    /// Fresh memory is a free lock.
    fn create(_: &Region) -> Result<()> {
        Ok(())
    }

    fn open(memory: Region) -> Result<Self> {
        Ok(Lock::in_region(&memory, 0)?)
    }

    #[inline]
    fn with(&self, body: impl FnOnce()) -> Result<()> {
        let _guard = guard(self.lock())?;
        body();
        Ok(())
    }
}

/// Returns the guard, even if somebody died with the lock: what it protects is nothing here.
#[inline]
pub(super) fn guard<G: Recover>(taken: Result<G, LockError<G>>) -> Result<G> {
    taken.or_else(recover)
}

#[cold]
fn recover<G: Recover>(error: LockError<G>) -> Result<G> {
    error.recover().map_err(said)
}

/// Keeps the text of an error that borrows from a lock, so that it can leave the function.
#[cold]
pub(super) fn said<G>(error: LockError<G>) -> anyhow::Error {
    anyhow!(error.to_string())
}
