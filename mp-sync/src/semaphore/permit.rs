//! [`Permit`]: what one has of a semaphore.

use std::fmt;
use std::mem;

use super::table::Table;

/// A permit of a [`Semaphore`](crate::Semaphore) or a
/// [`BoundedSemaphore`](crate::BoundedSemaphore); to drop it gives it back.
#[must_use = "the permit is given back as soon as this is dropped"]
pub struct Permit<'a> {
    table: &'a Table,
    slot: usize,
}

impl<'a> Permit<'a> {
    #[inline]
    pub(super) fn new(table: &'a Table, slot: usize) -> Permit<'a> {
        Permit { table, slot }
    }

    /// Takes the permit out of the semaphore, so that another process may
    /// [release](crate::Semaphore::release) it: Python's way to acquire here and release there.
    ///
    /// Nobody has it then, so it does not come back if a process dies.
    pub fn forget(self) {
        self.table.take_away(self.slot);
        mem::forget(self);
    }
}

impl Drop for Permit<'_> {
    #[inline]
    fn drop(&mut self) {
        self.table.give_back(self.slot);
    }
}

impl fmt::Debug for Permit<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit").finish_non_exhaustive()
    }
}
