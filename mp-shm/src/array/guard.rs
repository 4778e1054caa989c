//! [`ArrayGuard`]: the whole of an array, for one.

use std::fmt;
use std::ops::{Deref, DerefMut};

use mp_sync::{LockGuard, Recover};

use crate::block::Block;
use crate::data::{Data, Plain};
use crate::error::AccessError;

/// Holds the lock of an [`Array`](super::Array); an array of [`Plain`] elements is used as a slice
/// through it.
///
/// It cannot wait for a [`Condition`](mp_sync::Condition): parts could be claimed meanwhile. Wait
/// with the guard of [`get_lock`](super::Array::get_lock), and
/// [`borrow`](super::Array::borrow) the elements.
#[must_use = "the lock is given back as soon as the guard is dropped"]
pub struct ArrayGuard<'a, T> {
    block: &'a Block<T>,
    guard: LockGuard<'a>,
}

impl<'a, T: Data> ArrayGuard<'a, T> {
    pub(super) fn new(block: &'a Block<T>, guard: LockGuard<'a>) -> Self {
        ArrayGuard { block, guard }
    }

    /// Returns a copy of an element.
    ///
    /// # Errors
    ///
    /// [`AccessError::OutOfBounds`] if there is none of that index, and
    /// [`AccessError::Invalid`] if its bytes are none; never the latter for [`Plain`] types.
    pub fn get(&self, index: usize) -> Result<T, AccessError> {
        self.block.cells().read(index)
    }

    /// Replaces an element.
    ///
    /// # Errors
    ///
    /// [`AccessError::OutOfBounds`] if there is none of that index.
    pub fn set(&mut self, index: usize, value: T) -> Result<(), AccessError> {
        self.block.cells().write(index, value)
    }
}

impl<T: Plain> Deref for ArrayGuard<'_, T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        self.block.slice(&self.guard).expect("the guard is that of this lock")
    }
}

impl<T: Plain> DerefMut for ArrayGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut [T] {
        self.block.slice_mut(&mut self.guard).expect("the guard is that of this lock")
    }
}

impl<T> Recover for ArrayGuard<'_, T> {
    fn recover(&mut self) {
        self.guard.recover();
    }
}

impl<T: Plain + PartialEq, const N: usize> PartialEq<[T; N]> for ArrayGuard<'_, T> {
    fn eq(&self, other: &[T; N]) -> bool {
        **self == other[..]
    }
}

impl<T: Plain + fmt::Debug> fmt::Debug for ArrayGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&**self).finish()
    }
}
