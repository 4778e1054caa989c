//! [`ArrayPart`]: a range of an array, for one process at a time, beside others on theirs.
#![allow(unsafe_code)]

use std::fmt;
use std::ops::{Deref, DerefMut, Range};
use std::time::Duration;

use mp_handle::Deadline;
use mp_sync::{LockError, OwnerDied};
use serde::{Deserialize, Serialize};

use super::Array;
use crate::data::{Data, Plain};

/// A range of an [`Array`], as a handle.
///
/// It comes from [`Array::split`] or [`Array::part`], and is used by [`claim`](Self::claim).
#[derive(Deserialize, Serialize)]
#[serde(bound = "T: Data")]
pub struct ArrayPart<T> {
    array: Array<T>,
    range: Range<usize>,
}

/// What claiming a part gives.
type Claimed<'a, T> = Result<Option<PartGuard<'a, T>>, LockError<PartGuard<'a, T>>>;

impl<T: Data> ArrayPart<T> {
    pub(super) fn new(array: Array<T>, range: Range<usize>) -> Self {
        ArrayPart { array, range }
    }

    /// Returns the array.
    #[must_use]
    pub fn array(&self) -> &Array<T> {
        &self.array
    }

    /// Returns the indices of the part's elements in the array.
    #[must_use]
    pub fn range(&self) -> Range<usize> {
        // It travels, and may come from a peer gone mad.
        let end = self.range.end.min(self.array.len());
        self.range.start.min(end)..end
    }
}

impl<T: Plain> ArrayPart<T> {
    /// Claims the part for this process, waiting until nobody else has any of it, nor the array's
    /// lock.
    ///
    /// # Errors
    ///
    /// [`OwnerDied`](LockError::OwnerDied) if a process died while it had some of the part or the
    /// array's lock: the guard is inside. The error comes again until somebody
    /// [locks](Array::lock) the whole array and recovers.
    /// [`TooManyUsers`](LockError::TooManyUsers) if 80 parts of the array are in use.
    pub fn claim(&self) -> Result<PartGuard<'_, T>, LockError<PartGuard<'_, T>>> {
        loop {
            if let Some(guard) = self.claim_until(Deadline::NEVER)? {
                return Ok(guard);
            }
        }
    }

    /// Claims the part if nobody has any of it; `None` if somebody does.
    ///
    /// # Errors
    ///
    /// Those of [`claim`](Self::claim).
    pub fn try_claim(&self) -> Claimed<'_, T> {
        self.claim_until(Deadline::now())
    }

    /// Claims the part, waiting up to `timeout`; `None` if that was not long enough.
    ///
    /// # Errors
    ///
    /// Those of [`claim`](Self::claim).
    pub fn claim_timeout(&self, timeout: Duration) -> Claimed<'_, T> {
        self.claim_until(Deadline::after(timeout))
    }

    fn claim_until(&self, deadline: Deadline) -> Claimed<'_, T> {
        let range = self.range();
        let (mut lock, died) = match self.array.when_free(range.clone(), deadline) {
            Ok(None) => return Ok(None),
            Ok(Some(lock)) => (lock, None),
            Err(LockError::OwnerDied(died)) => {
                let process = died.process();
                (died.into_inner(), Some(process))
            }
            Err(LockError::AlreadyHeld) => return Err(LockError::AlreadyHeld),
            Err(LockError::Abandoned) => return Err(LockError::Abandoned),
            Err(LockError::System(error)) => return Err(LockError::System(error)),
            Err(_) => return Err(LockError::TooManyHeld),
        };
        let claims = &self.array.inner.claims;
        let place = claims.claim(&range).or_else(|| {
            // Who wants the range of a dead one has to be told, though this one does not.
            if let Some(dead) = claims.bury(&(0..usize::MAX)) {
                lock.poison(Some(dead));
            }
            claims.claim(&range)
        });
        let place = place.ok_or(LockError::TooManyUsers)?;
        let guard = PartGuard { part: self, range, place };
        match died {
            Some(process) => Err(LockError::OwnerDied(OwnerDied::new(guard, process))),
            None => Ok(Some(guard)),
        }
    }
}

impl<T> Clone for ArrayPart<T> {
    fn clone(&self) -> Self {
        ArrayPart { array: self.array.clone(), range: self.range.clone() }
    }
}

impl<T: Data> fmt::Debug for ArrayPart<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ArrayPart").field("range", &self.range()).finish_non_exhaustive()
    }
}

/// The elements of a part, for the process that has claimed it.
#[must_use = "the part is given back as soon as the guard is dropped"]
pub struct PartGuard<'a, T: Data> {
    part: &'a ArrayPart<T>,
    range: Range<usize>,
    place: usize,
}

impl<T: Plain> Deref for PartGuard<'_, T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        let cells = self.part.array.inner.block.cells();
        // SAFETY: the range is inside the array, and claimed: no other part that overlaps is
        // given out, and nobody gets the whole array.
        unsafe { cells.slice(self.range.start, self.range.len()) }
    }
}

impl<T: Plain> DerefMut for PartGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut [T] {
        let cells = self.part.array.inner.block.cells();
        // SAFETY: as above; the guard is borrowed for writing, and the claim is its own.
        unsafe { cells.slice_mut(self.range.start, self.range.len()) }
    }
}

impl<T: Data> Drop for PartGuard<'_, T> {
    fn drop(&mut self) {
        self.part.array.inner.claims.release(self.place);
    }
}

impl<T: Plain + fmt::Debug> fmt::Debug for PartGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&**self).finish()
    }
}
