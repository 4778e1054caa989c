//! Taking the lock of an [`Array`]: at a moment when no part is in use.

use std::ops::Range;
use std::time::Duration;

use mp_handle::Deadline;
use mp_sync::{LockError, LockGuard, OwnerDied};

use super::{Array, ArrayGuard, Inner};
use crate::data::Data;

/// What taking the lock of an array gives.
type Locked<'a, T> = Result<Option<ArrayGuard<'a, T>>, LockError<ArrayGuard<'a, T>>>;

impl<T: Data> Array<T> {
    /// Locks the whole array, waiting for the lock and for all [parts](Self::split) in use.
    ///
    /// # Errors
    ///
    /// [`OwnerDied`](LockError::OwnerDied) if a process died while it held the lock or a part,
    /// with the guard inside; [`AlreadyHeld`](LockError::AlreadyHeld) if this thread holds the
    /// lock; [`Abandoned`](LockError::Abandoned) if a thread of this process ended and leaked its
    /// guard.
    pub fn lock(&self) -> Result<ArrayGuard<'_, T>, LockError<ArrayGuard<'_, T>>> {
        loop {
            if let Some(guard) = self.lock_until(Deadline::NEVER)? {
                return Ok(guard);
            }
        }
    }

    /// Locks the whole array if nobody uses it; `None` if somebody does.
    ///
    /// # Errors
    ///
    /// Those of [`lock`](Self::lock); that this thread holds the lock is none.
    pub fn try_lock(&self) -> Locked<'_, T> {
        match self.lock_until(Deadline::now()) {
            Err(LockError::AlreadyHeld) => Ok(None),
            locked => locked,
        }
    }

    /// Locks the whole array, waiting up to `timeout`; `None` if that was not long enough.
    ///
    /// # Errors
    ///
    /// Those of [`lock`](Self::lock).
    pub fn lock_timeout(&self, timeout: Duration) -> Locked<'_, T> {
        self.lock_until(Deadline::after(timeout))
    }

    fn lock_until(&self, deadline: Deadline) -> Locked<'_, T> {
        let wrap = |guard| ArrayGuard::new(&self.inner.block, guard);
        match self.when_free(0..self.len(), deadline) {
            Ok(guard) => Ok(guard.map(wrap)),
            Err(error) => Err(error.map(wrap)),
        }
    }

    /// Takes the lock at a moment when nobody has a claim on the range.
    #[inline]
    pub(super) fn when_free(
        &self,
        range: Range<usize>,
        deadline: Deadline,
    ) -> Result<Option<LockGuard<'_>>, LockError<LockGuard<'_>>> {
        let Inner { block, claims } = &*self.inner;
        if let Some(guard) = block.acquire_fast()
            && claims.are_none()
        {
            return Ok(Some(guard));
        }
        // What else came of it will come of it again.
        self.when_free_slow(&range, deadline)
    }

    #[cold]
    fn when_free_slow(
        &self,
        range: &Range<usize>,
        deadline: Deadline,
    ) -> Result<Option<LockGuard<'_>>, LockError<LockGuard<'_>>> {
        let Inner { block, claims } = &*self.inner;
        loop {
            let changes = claims.changes();
            // That somebody died with the lock is told once the range is free.
            let (mut guard, mut died) = match block.acquire(deadline) {
                Ok(None) => return Ok(None),
                Ok(Some(guard)) => (guard, None),
                Err(LockError::OwnerDied(died)) => {
                    let process = died.process();
                    (died.into_inner(), Some(process))
                }
                Err(error) => return Err(error),
            };
            if let Some(dead) = claims.bury(range) {
                guard.poison(Some(dead));
                died = Some(Some(dead));
            }
            if claims.is_free(range) {
                return match died {
                    Some(process) => Err(LockError::OwnerDied(OwnerDied::new(guard, process))),
                    None => Ok(Some(guard)),
                };
            }
            drop(guard);
            if deadline.is_expired() {
                return Ok(None);
            }
            claims.wait_change(changes, deadline);
        }
    }
}
