//! [`RawValue`]: one value in shared memory, without a lock.
#![allow(unsafe_code)]

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use mp_handle::{Kind, Name, Region, RegionError};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Atomic, AtomicInteger, copy};
use crate::cells::{Cells, Shape};
use crate::data::Plain;

/// A value that several processes read and write, without a lock.
///
/// [`Atomic`] types are used as std's atomics are; others can only be copied in and out, and a copy
/// made while another process writes may be half old and half new.
///
/// # Examples
///
/// ```
/// use std::sync::atomic::Ordering;
/// use mp_process::spawn;
/// use mp_shm::RawValue;
///
/// fn count(hits: RawValue<u64>) {
///     hits.fetch_add(5, Ordering::Relaxed);
/// }
///
/// mp_process::init();
/// let hits = RawValue::new(1)?;
/// spawn(count, (hits.clone(),))?.join()?;
/// assert_eq!(hits.load(Ordering::Relaxed), 6);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Source: CPython's `multiprocessing.RawValue`.
pub struct RawValue<T> {
    /// Exactly one.
    cells: Arc<Cells<T>>,
}

impl<T: Plain> RawValue<T> {
    const SHAPE: Shape = Shape { kind: Kind::new(0x32, "raw value"), extra: 0, lock: false };

    /// Creates a value.
    ///
    /// # Errors
    ///
    /// Fails if the memory, a descriptor or the mapping is not to be had.
    pub fn new(value: T) -> Result<RawValue<T>, RegionError> {
        let cells = Cells::create(Self::SHAPE, 1)?;
        cells.fill(&[value]);
        RawValue::of(cells)
    }

    /// Creates a value with a name, for programs that share nothing else. It lives until it is
    /// [unlinked](Self::unlink).
    ///
    /// # Errors
    ///
    /// [`Exists`](RegionError::Exists) if the name is taken, and those of [`new`](Self::new).
    pub fn create(name: impl Into<Name>, value: T) -> Result<RawValue<T>, RegionError> {
        let fill = |cells: &Cells<T>| cells.fill(&[value]);
        RawValue::of(Cells::create_named(&name.into(), Self::SHAPE, 1, fill)?)
    }

    /// Opens the value that has the name.
    ///
    /// # Errors
    ///
    /// [`NotFound`](RegionError::NotFound) if nothing has it, and an error that names both sides
    /// if it is something else.
    pub fn open(name: impl Into<Name>) -> Result<RawValue<T>, RegionError> {
        RawValue::of(Cells::open(&name.into(), Self::SHAPE)?)
    }

    /// Takes the name away; who has the value keeps it.
    ///
    /// # Errors
    ///
    /// [`NotFound`](RegionError::NotFound) if nothing has it.
    pub fn unlink(name: impl Into<Name>) -> Result<(), RegionError> {
        Region::unlink(name)
    }

    fn of(cells: Cells<T>) -> Result<RawValue<T>, RegionError> {
        if cells.count() != 1 {
            let (stated, size) = (cells.count() as u64, cells.region().len() as u64);
            return Err(RegionError::Length { stated, size });
        }
        Ok(RawValue { cells: Arc::new(cells) })
    }

    /// Returns where the value lies in this process.
    ///
    /// It is good as long as the value or a clone of it lives. Other processes write there: make
    /// references only when you know that they do not.
    #[must_use]
    pub fn as_ptr(&self) -> *mut T {
        self.cells.elements()
    }

    /// Copies the value out.
    #[must_use]
    pub fn get(&self) -> T {
        // SAFETY: there is one value; all accesses of this crate are atomic ones.
        unsafe { copy::load(self.as_ptr()) }
    }

    /// Copies a value in.
    pub fn set(&self, value: T) {
        // SAFETY: as in `get`.
        unsafe { copy::store(self.as_ptr(), value) };
    }
}

impl<T: Atomic> RawValue<T> {
    /// Reads the value.
    ///
    /// # Panics
    ///
    /// Panics if `order` is `Release` or `AcqRel`, as std's atomics do.
    #[must_use]
    pub fn load(&self, order: Ordering) -> T {
        // SAFETY: there is one value; all accesses of this crate are atomic ones.
        unsafe { T::load(self.as_ptr(), order) }
    }

    /// Writes the value.
    ///
    /// # Panics
    ///
    /// Panics if `order` is `Acquire` or `AcqRel`, as std's atomics do.
    pub fn store(&self, value: T, order: Ordering) {
        // SAFETY: as in `load`.
        unsafe { T::store(self.as_ptr(), value, order) };
    }

    /// Writes the value and returns the one before.
    pub fn swap(&self, value: T, order: Ordering) -> T {
        // SAFETY: as in `load`.
        unsafe { T::swap(self.as_ptr(), value, order) }
    }

    /// Writes `new` if the value is `current`, bit for bit; returns what it was.
    ///
    /// # Errors
    ///
    /// Returns the value if it was another.
    ///
    /// # Panics
    ///
    /// Panics if `failure` is `Release` or `AcqRel`, as std's atomics do.
    pub fn compare_exchange(
        &self,
        current: T,
        new: T,
        success: Ordering,
        failure: Ordering,
    ) -> Result<T, T> {
        // SAFETY: as in `load`.
        unsafe { T::compare_exchange(self.as_ptr(), current, new, success, failure) }
    }
}

impl<T: AtomicInteger> RawValue<T> {
    /// Adds to the value, wrapping around, and returns what it was.
    pub fn fetch_add(&self, value: T, order: Ordering) -> T {
        // SAFETY: there is one value; all accesses of this crate are atomic ones.
        unsafe { T::fetch_add(self.as_ptr(), value, order) }
    }

    /// Subtracts from the value, wrapping around, and returns what it was.
    pub fn fetch_sub(&self, value: T, order: Ordering) -> T {
        // SAFETY: as in `fetch_add`.
        unsafe { T::fetch_sub(self.as_ptr(), value, order) }
    }

    /// Makes the value `value` if that is greater, and returns what it was.
    pub fn fetch_max(&self, value: T, order: Ordering) -> T {
        // SAFETY: as in `fetch_add`.
        unsafe { T::fetch_max(self.as_ptr(), value, order) }
    }

    /// Makes the value `value` if that is less, and returns what it was.
    pub fn fetch_min(&self, value: T, order: Ordering) -> T {
        // SAFETY: as in `fetch_add`.
        unsafe { T::fetch_min(self.as_ptr(), value, order) }
    }
}

impl<T> Clone for RawValue<T> {
    fn clone(&self) -> Self {
        RawValue { cells: Arc::clone(&self.cells) }
    }
}

impl<T: Plain> Serialize for RawValue<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.cells.region().serialize(serializer)
    }
}

impl<'de, T: Plain> Deserialize<'de> for RawValue<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let cells = Cells::attach(Self::SHAPE, Region::deserialize(deserializer)?);
        cells.and_then(RawValue::of).map_err(serde::de::Error::custom)
    }
}

impl<T: Plain + fmt::Debug> fmt::Debug for RawValue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RawValue").field(&self.get()).finish()
    }
}
