//! [`Block`]: cells, and the lock that guards them.
//!
//! The lock is the cells' own, or another object's: several may share one.
#![allow(unsafe_code)]

use std::time::Duration;

use mp_handle::{Deadline, Kind, Name, Region, RegionError};
use mp_sync::{Lock, LockError, LockGuard};
use rustix::param::page_size;
use serde::{Deserialize, Serialize};

use crate::cells::{Cells, HEADER, Shape};
use crate::data::{Data, Plain};

pub(crate) const VALUE: Kind = Kind::new(0x30, "value");
pub(crate) const ARRAY: Kind = Kind::new(0x31, "array");
pub(crate) const SHARED_ARRAY: Kind = Kind::new(0x34, "shared array");
/// A lock in a region of its own, as mp-sync makes it.
const LOCK: Kind = Kind::new(0x20, "lock");

/// What taking the lock gives.
pub(crate) type Taken<'a> = Result<Option<LockGuard<'a>>, LockError<LockGuard<'a>>>;

/// What of a block travels.
#[derive(Serialize)]
pub(crate) struct Parts {
    region: Region,
    /// If it is not the block's own. It travels as the region that it lies in.
    lock: Option<Lock>,
}

/// What of a block arrives.
#[derive(Deserialize)]
pub(crate) struct Arrived {
    region: Region,
    lock: Option<Region>,
}

/// Elements of one type in shared memory, and their lock.
pub(crate) struct Block<T> {
    cells: Cells<T>,
    lock: Lock,
    owns_lock: bool,
}

impl<T: Data> Block<T> {
    /// Creates `count` elements, all bytes zero; with a lock of its own if none is given.
    pub(crate) fn create(
        shape: Shape,
        count: usize,
        lock: Option<Lock>,
    ) -> Result<Block<T>, RegionError> {
        Block::new(Cells::create(shape, count)?, lock)
    }

    /// Creates `count` elements with a name; `fill` gets them before anybody else.
    pub(crate) fn create_named(
        name: &Name,
        shape: Shape,
        count: usize,
        fill: impl FnOnce(&Cells<T>),
    ) -> Result<Block<T>, RegionError> {
        let block = Block::new(Cells::create_named(name, shape, count, fill)?, None);
        if block.is_err() {
            // Nobody was told of the name; what was not to be had for us would leave it behind.
            let _ = Region::unlink(name.clone());
        }
        block
    }

    /// Opens the block that has the name.
    pub(crate) fn open(name: &Name, shape: Shape) -> Result<Block<T>, RegionError> {
        Block::new(Cells::open(name, shape)?, None)
    }

    /// Makes a block of what arrived.
    pub(crate) fn attach(shape: Shape, parts: Arrived) -> Result<Block<T>, RegionError> {
        let lock = parts.lock.as_ref().map(foreign_lock).transpose()?;
        Block::new(Cells::attach(shape, parts.region)?, lock)
    }

    fn new(cells: Cells<T>, lock: Option<Lock>) -> Result<Block<T>, RegionError> {
        let owns_lock = lock.is_none();
        let lock = match lock {
            Some(lock) => lock,
            None => last_lock(cells.region())?,
        };
        Ok(Block { cells, lock, owns_lock })
    }

    pub(crate) fn parts(&self) -> Parts {
        let lock = (!self.owns_lock).then(|| self.lock.clone());
        Parts { region: self.cells.region().clone(), lock }
    }

    pub(crate) fn lock(&self) -> &Lock {
        &self.lock
    }

    /// Takes the lock, waiting up to the deadline for it, if its holder may be given references.
    #[inline]
    pub(crate) fn acquire(&self, deadline: Deadline) -> Taken<'_> {
        let taken = match deadline.remaining() {
            None => self.lock.lock().map(Some),
            Some(Duration::ZERO) => self.lock.try_lock(),
            Some(left) => self.lock.lock_timeout(left),
        };
        if self.lock.is_abandoned() { Err(LockError::Abandoned) } else { taken }
    }

    /// Takes the lock if there is nothing more to it: nobody holds it, and nobody died with it.
    #[inline]
    pub(crate) fn acquire_fast(&self) -> Option<LockGuard<'_>> {
        match self.lock.try_lock() {
            Ok(Some(guard)) if !self.lock.is_abandoned() => Some(guard),
            _ => None,
        }
    }

    pub(crate) fn cells(&self) -> &Cells<T> {
        &self.cells
    }

    /// Gives access to all elements in place, to whoever shows that it holds the lock; `None` if
    /// the guard is that of another lock.
    pub(crate) fn slice<'a>(&'a self, guard: &'a LockGuard<'_>) -> Option<&'a [T]>
    where
        T: Plain,
    {
        // SAFETY: they exist, and the caller holds the lock that all who have the block take
        // before they write; a peer that ignores it is outside of what this crate promises.
        self.is_for(guard).then(|| unsafe { self.cells.slice(0, self.cells.count()) })
    }

    /// Gives access to all elements in place, to the only one who holds the lock.
    pub(crate) fn slice_mut<'a>(&'a self, guard: &'a mut LockGuard<'_>) -> Option<&'a mut [T]>
    where
        T: Plain,
    {
        // SAFETY: as in `slice`; the guard is borrowed for writing, and there is but one.
        self.is_for(guard).then(|| unsafe { self.cells.slice_mut(0, self.cells.count()) })
    }

    /// Tells whether the guard is that of this lock, and there is no leaked one beside it.
    fn is_for(&self, guard: &LockGuard<'_>) -> bool {
        self.lock.is_held_by(guard) && !self.lock.is_abandoned()
    }
}

/// Finds the lock at the end of a region's last page.
fn last_lock(region: &Region) -> Result<Lock, RegionError> {
    let page = (region.len() + HEADER).checked_sub(page_size());
    let page = page.ok_or(RegionError::Truncated { size: region.len() as u64 })?;
    Lock::in_region(region, page)
}

/// Finds the lock that a block shares with others, in the region that arrived for it: that of a
/// lock alone or of another block. In all of these it lies at the end.
fn foreign_lock(region: &Region) -> Result<Lock, RegionError> {
    let is = |kind| matches!(region.expect(kind, 0), Ok(()) | Err(RegionError::Fingerprint { .. }));
    if ![VALUE, ARRAY, SHARED_ARRAY].into_iter().any(is) {
        region.expect(LOCK, 0)?;
    }
    last_lock(region)
}
