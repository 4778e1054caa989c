//! The guards of an [`RwLock`](super::RwLock).

use std::fmt;
use std::marker::PhantomData;
use std::sync::MutexGuard;

use super::Inner;
use crate::guard::Recover;

/// Reads with others; to drop it makes room for a writer.
///
/// A guard that is forgotten keeps writers out until its process ends.
#[must_use = "the lock is given back as soon as the guard is dropped"]
pub struct ReadGuard<'a> {
    inner: &'a Inner,
    /// The slot that is ours.
    index: usize,
    not_send: PhantomData<MutexGuard<'a, ()>>,
}

/// Writes alone; to drop it lets the others in.
///
/// A guard that is forgotten keeps all others out until its thread ends.
#[must_use = "the lock is given back as soon as the guard is dropped"]
pub struct WriteGuard<'a> {
    inner: &'a Inner,
    /// The kernel knows the lock as this thread's.
    not_send: PhantomData<MutexGuard<'a, ()>>,
}

impl<'a> ReadGuard<'a> {
    pub(super) fn new(inner: &'a Inner, index: usize) -> Self {
        ReadGuard { inner, index, not_send: PhantomData }
    }
}

impl<'a> WriteGuard<'a> {
    pub(super) fn new(inner: &'a Inner) -> Self {
        WriteGuard { inner, not_send: PhantomData }
    }
}

impl Drop for ReadGuard<'_> {
    #[inline]
    fn drop(&mut self) {
        self.inner.slots().leave(self.index);
    }
}

impl Drop for WriteGuard<'_> {
    #[inline]
    fn drop(&mut self) {
        self.inner.slots().end_write();
    }
}

impl Recover for WriteGuard<'_> {
    fn recover(&mut self) {
        self.inner.lock.recover();
    }
}

impl fmt::Debug for ReadGuard<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReadGuard")
    }
}

impl fmt::Debug for WriteGuard<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WriteGuard")
    }
}
