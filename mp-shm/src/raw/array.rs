//! [`RawArray`]: elements in shared memory, without a lock.
#![allow(unsafe_code)]

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use mp_handle::{Kind, Name, Region, RegionError};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Atomic, AtomicInteger, copy};
use crate::cells::{Cells, Shape};
use crate::data::Plain;
use crate::error::AccessError;

/// A fixed number of elements that several processes read and write, without a lock.
///
/// Elements of [`Atomic`] types are used as std's atomics are; others can only be copied in and
/// out, and a copy made while another process writes may be half old and half new.
///
/// # Examples
///
/// ```
/// use std::sync::atomic::Ordering;
/// use mp_shm::RawArray;
///
/// let votes = RawArray::from_slice(&[0_u32; 3])?;
/// votes.fetch_add(1, 2, Ordering::Relaxed)?;
/// votes.set(0, 7)?;
/// assert_eq!(votes.to_vec(), [7, 2, 0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Source: CPython's `multiprocessing.RawArray`.
pub struct RawArray<T> {
    cells: Arc<Cells<T>>,
}

impl<T: Plain> RawArray<T> {
    const SHAPE: Shape = Shape { kind: Kind::new(0x33, "raw array"), extra: 0, lock: false };

    /// Creates an array with these elements.
    ///
    /// # Errors
    ///
    /// Fails if the memory, a descriptor or the mapping is not to be had.
    pub fn from_slice(elements: &[T]) -> Result<RawArray<T>, RegionError> {
        let array = RawArray::zeroed(elements.len())?;
        array.cells.fill(elements);
        Ok(array)
    }

    /// Creates an array of `len` elements, all zero.
    ///
    /// # Errors
    ///
    /// Those of [`from_slice`](Self::from_slice).
    pub fn zeroed(len: usize) -> Result<RawArray<T>, RegionError> {
        Ok(RawArray { cells: Arc::new(Cells::create(Self::SHAPE, len)?) })
    }

    /// Creates an array with a name, for programs that share nothing else. It lives until it is
    /// [unlinked](Self::unlink).
    ///
    /// # Errors
    ///
    /// [`Exists`](RegionError::Exists) if the name is taken, and those of
    /// [`from_slice`](Self::from_slice).
    pub fn create(name: impl Into<Name>, elements: &[T]) -> Result<RawArray<T>, RegionError> {
        let (name, fill) = (name.into(), |cells: &Cells<T>| cells.fill(elements));
        let cells = Cells::create_named(&name, Self::SHAPE, elements.len(), fill)?;
        Ok(RawArray { cells: Arc::new(cells) })
    }

    /// Opens the array that has the name.
    ///
    /// # Errors
    ///
    /// [`NotFound`](RegionError::NotFound) if nothing has it, and an error that names both sides
    /// if it is something else.
    pub fn open(name: impl Into<Name>) -> Result<RawArray<T>, RegionError> {
        Ok(RawArray { cells: Arc::new(Cells::open(&name.into(), Self::SHAPE)?) })
    }

    /// Takes the name away; who has the array keeps it.
    ///
    /// # Errors
    ///
    /// [`NotFound`](RegionError::NotFound) if nothing has it.
    pub fn unlink(name: impl Into<Name>) -> Result<(), RegionError> {
        Region::unlink(name)
    }

    /// Returns the number of elements.
    #[must_use]
    pub fn len(&self) -> usize {
        self.cells.count()
    }

    /// Tells whether there are no elements.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns where the first element lies in this process.
    ///
    /// It is good for [`len`](Self::len) elements as long as the array or a clone of it lives.
    /// Other processes write there: make references only when you know that they do not.
    #[must_use]
    pub fn as_ptr(&self) -> *mut T {
        self.cells.elements()
    }

    /// Copies an element out.
    ///
    /// # Errors
    ///
    /// Fails if there is none of that index.
    pub fn get(&self, index: usize) -> Result<T, AccessError> {
        // SAFETY: the place is that of an element; all accesses of this crate are atomic ones.
        Ok(unsafe { copy::load(self.cells.place(index)?) })
    }

    /// Copies an element in.
    ///
    /// # Errors
    ///
    /// Fails if there is none of that index.
    pub fn set(&self, index: usize, value: T) -> Result<(), AccessError> {
        // SAFETY: as in `get`.
        unsafe { copy::store(self.cells.place(index)?, value) };
        Ok(())
    }

    /// Copies all elements out, one after the other.
    #[must_use]
    pub fn to_vec(&self) -> Vec<T> {
        // SAFETY: as in `get`; so many elements there are.
        (0..self.len()).map(|at| unsafe { copy::load(self.as_ptr().add(at)) }).collect()
    }
}

impl<T: Atomic> RawArray<T> {
    /// Reads an element.
    ///
    /// # Errors
    ///
    /// Fails if there is none of that index.
    ///
    /// # Panics
    ///
    /// Panics if `order` is `Release` or `AcqRel`, as std's atomics do.
    pub fn load(&self, index: usize, order: Ordering) -> Result<T, AccessError> {
        // SAFETY: the place is that of an element; all accesses of this crate are atomic ones.
        Ok(unsafe { T::load(self.cells.place(index)?, order) })
    }

    /// Writes an element.
    ///
    /// # Errors
    ///
    /// Fails if there is none of that index.
    ///
    /// # Panics
    ///
    /// Panics if `order` is `Acquire` or `AcqRel`, as std's atomics do.
    pub fn store(&self, index: usize, value: T, order: Ordering) -> Result<(), AccessError> {
        // SAFETY: as in `load`.
        unsafe { T::store(self.cells.place(index)?, value, order) };
        Ok(())
    }

    /// Writes an element and returns the one before.
    ///
    /// # Errors
    ///
    /// Fails if there is none of that index.
    pub fn swap(&self, index: usize, value: T, order: Ordering) -> Result<T, AccessError> {
        // SAFETY: as in `load`.
        Ok(unsafe { T::swap(self.cells.place(index)?, value, order) })
    }

    /// Writes `new` if the element is `current`, bit for bit; returns what it was, as `Err` if
    /// that was something else.
    ///
    /// # Errors
    ///
    /// Fails if there is none of that index.
    ///
    /// # Panics
    ///
    /// Panics if `failure` is `Release` or `AcqRel`, as std's atomics do.
    pub fn compare_exchange(
        &self,
        index: usize,
        current: T,
        new: T,
        success: Ordering,
        failure: Ordering,
    ) -> Result<Result<T, T>, AccessError> {
        let place = self.cells.place(index)?;
        // SAFETY: as in `load`.
        Ok(unsafe { T::compare_exchange(place, current, new, success, failure) })
    }
}

impl<T: AtomicInteger> RawArray<T> {
    /// Adds to an element, wrapping around, and returns what it was.
    ///
    /// # Errors
    ///
    /// Fails if there is none of that index.
    pub fn fetch_add(&self, index: usize, value: T, order: Ordering) -> Result<T, AccessError> {
        // SAFETY: the place is that of an element; all accesses of this crate are atomic ones.
        Ok(unsafe { T::fetch_add(self.cells.place(index)?, value, order) })
    }

    /// Subtracts from an element, wrapping around, and returns what it was.
    ///
    /// # Errors
    ///
    /// Fails if there is none of that index.
    pub fn fetch_sub(&self, index: usize, value: T, order: Ordering) -> Result<T, AccessError> {
        // SAFETY: as in `fetch_add`.
        Ok(unsafe { T::fetch_sub(self.cells.place(index)?, value, order) })
    }
}

impl<T> Clone for RawArray<T> {
    fn clone(&self) -> Self {
        RawArray { cells: Arc::clone(&self.cells) }
    }
}

impl<T: Plain> Serialize for RawArray<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.cells.region().serialize(serializer)
    }
}

impl<'de, T: Plain> Deserialize<'de> for RawArray<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let cells = Cells::attach(Self::SHAPE, Region::deserialize(deserializer)?);
        let cells = cells.map_err(serde::de::Error::custom)?;
        Ok(RawArray { cells: Arc::new(cells) })
    }
}

impl<T: Plain> fmt::Debug for RawArray<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = std::any::type_name::<T>();
        f.debug_struct("RawArray").field("type", &name).field("len", &self.len()).finish()
    }
}
