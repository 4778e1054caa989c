//! [`ValueGuard`]: a value, for one.

use std::fmt;
use std::ops::{Deref, DerefMut};

use mp_sync::{Guard, Held, LockGuard};

use crate::block::Block;
use crate::data::{Data, Plain};
use crate::error::AccessError;

/// Holds the lock of a [`Value`](super::Value); [`Plain`] values are used in place through it.
#[must_use = "the lock is given back as soon as the guard is dropped"]
pub struct ValueGuard<'a, T> {
    block: &'a Block<T>,
    guard: LockGuard<'a>,
}

impl<'a, T: Data> ValueGuard<'a, T> {
    pub(super) fn new(block: &'a Block<T>, guard: LockGuard<'a>) -> Self {
        ValueGuard { block, guard }
    }

    /// Returns a copy of the value.
    ///
    /// # Errors
    ///
    /// [`AccessError::Invalid`] if the bytes are no value of the type; never for [`Plain`] types.
    pub fn get(&self) -> Result<T, AccessError> {
        self.block.cells().read(0)
    }

    /// Replaces the value.
    pub fn set(&mut self, value: T) {
        self.block.cells().fill(&[value]);
    }
}

impl<T: Plain> Deref for ValueGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.block.slice(&self.guard).expect("the guard is that of this lock")[0]
    }
}

impl<T: Plain> DerefMut for ValueGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.block.slice_mut(&mut self.guard).expect("the guard is that of this lock")[0]
    }
}

impl<T> Guard for ValueGuard<'_, T> {
    fn held(&mut self) -> Held<'_> {
        self.guard.held()
    }
}

impl<T: Plain + fmt::Debug> fmt::Debug for ValueGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ValueGuard").field(&**self).finish()
    }
}
