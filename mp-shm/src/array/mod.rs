//! [`Array`]: elements in shared memory, and their lock.

mod claims;
mod guard;
mod locking;
mod part;

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use mp_handle::{Name, Region, RegionError};
use mp_sync::{Lock, LockGuard};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::block::{ARRAY, Arrived, Block};
use crate::cells::{Cells, Shape};
use crate::data::{Data, Plain};
use crate::error::AccessError;
use claims::Claims;
pub use guard::ArrayGuard;
pub use part::{ArrayPart, PartGuard};

/// A fixed number of elements that several processes read and write.
///
/// The array is a handle: clones and copies in other processes are the same memory, which is freed
/// with the last of them. It has one lock, and can be [split](Self::split) into parts on which
/// several processes work at the same time.
///
/// # Examples
///
/// ```
/// use mp_process::spawn;
/// use mp_shm::Array;
///
/// fn set(array: Array<f64>, index: usize) {
///     array.set(index, index as f64 * 1.5).unwrap();
/// }
///
/// mp_process::init();
/// let array = Array::zeroed(3)?;
/// for index in 0..array.len() {
///     spawn(set, (array.clone(), index))?.join()?;
/// }
/// assert_eq!(*array.lock().unwrap(), [0.0, 1.5, 3.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Source: CPython's `multiprocessing.Array`.
#[doc(alias = "SynchronizedArray")]
pub struct Array<T> {
    inner: Arc<Inner<T>>,
}

struct Inner<T> {
    block: Block<T>,
    claims: Claims,
}

impl<T: Data> Array<T> {
    const SHAPE: Shape = Shape { kind: ARRAY, extra: Claims::SIZE, lock: true };

    /// Creates an array with these elements.
    ///
    /// # Errors
    ///
    /// Fails if the memory, a descriptor or the mapping is not to be had.
    pub fn from_slice(elements: &[T]) -> Result<Array<T>, RegionError> {
        Array::filled(elements, None)
    }

    /// Creates an array with these elements that shares a given lock, with other arrays or
    /// whatever else it guards.
    ///
    /// # Errors
    ///
    /// Those of [`from_slice`](Self::from_slice).
    pub fn with_lock(elements: &[T], lock: &Lock) -> Result<Array<T>, RegionError> {
        Array::filled(elements, Some(lock.clone()))
    }

    fn filled(elements: &[T], lock: Option<Lock>) -> Result<Array<T>, RegionError> {
        let array = Array::build(Block::create(Self::SHAPE, elements.len(), lock)?)?;
        array.inner.block.cells().fill(elements);
        Ok(array)
    }

    /// Creates an array of `len` elements, all zero.
    ///
    /// # Errors
    ///
    /// Those of [`from_slice`](Self::from_slice).
    pub fn zeroed(len: usize) -> Result<Array<T>, RegionError>
    where
        T: Plain,
    {
        Array::build(Block::create(Self::SHAPE, len, None)?)
    }

    /// Creates an array of `len` elements, all zero, that shares a given lock.
    ///
    /// # Errors
    ///
    /// Those of [`from_slice`](Self::from_slice).
    pub fn zeroed_with_lock(len: usize, lock: &Lock) -> Result<Array<T>, RegionError>
    where
        T: Plain,
    {
        Array::build(Block::create(Self::SHAPE, len, Some(lock.clone()))?)
    }

    /// Creates an array with a name, for programs that share nothing else. It lives until it is
    /// [unlinked](Self::unlink).
    ///
    /// # Errors
    ///
    /// [`Exists`](RegionError::Exists) if the name is taken, and those of
    /// [`from_slice`](Self::from_slice).
    pub fn create(name: impl Into<Name>, elements: &[T]) -> Result<Array<T>, RegionError> {
        let (name, len) = (name.into(), elements.len());
        let fill = |cells: &Cells<T>| cells.fill(elements);
        Array::build(Block::create_named(&name, Self::SHAPE, len, fill)?)
    }

    /// Opens the array that has the name.
    ///
    /// # Errors
    ///
    /// [`NotFound`](RegionError::NotFound) if nothing has it, and
    /// [`Kind`](RegionError::Kind) or [`Fingerprint`](RegionError::Fingerprint) if it is
    /// something else, or has elements of another type.
    pub fn open(name: impl Into<Name>) -> Result<Array<T>, RegionError> {
        Array::build(Block::open(&name.into(), Self::SHAPE)?)
    }

    /// Takes the name away; who has the array keeps it.
    ///
    /// # Errors
    ///
    /// [`NotFound`](RegionError::NotFound) if nothing has it.
    pub fn unlink(name: impl Into<Name>) -> Result<(), RegionError> {
        Region::unlink(name)
    }

    fn build(block: Block<T>) -> Result<Array<T>, RegionError> {
        let claims = Claims::find(block.cells().region())?;
        Ok(Array { inner: Arc::new(Inner { block, claims }) })
    }

    /// Returns the number of elements.
    #[must_use]
    pub fn len(&self) -> usize {
        self.inner.block.cells().count()
    }

    /// Tells whether there are no elements.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the lock, to share it with others. It travels with the array, not by itself.
    #[must_use]
    pub fn get_lock(&self) -> &Lock {
        self.inner.block.lock()
    }

    /// Returns a copy of an element, taken under the lock.
    ///
    /// # Errors
    ///
    /// Fails if there is no such element, if its bytes are none, or if the lock cannot be had.
    pub fn get(&self, index: usize) -> Result<T, AccessError> {
        self.lock()?.get(index)
    }

    /// Replaces an element, under the lock.
    ///
    /// # Errors
    ///
    /// Fails if there is no such element, or if the lock cannot be had.
    pub fn set(&self, index: usize, value: T) -> Result<(), AccessError> {
        self.lock()?.set(index, value)
    }

    /// Returns a copy of all elements, taken under the lock.
    ///
    /// # Errors
    ///
    /// Those of [`get`](Self::get).
    pub fn to_vec(&self) -> Result<Vec<T>, AccessError> {
        let guard = self.lock()?;
        (0..self.len()).map(|index| guard.get(index)).collect()
    }

    /// Gives access to the elements to the holder of the lock that the array shares with others;
    /// `None` if the guard is that of another lock, or while a part is in use.
    #[must_use]
    pub fn borrow<'a>(&'a self, guard: &'a LockGuard<'_>) -> Option<&'a [T]>
    where
        T: Plain,
    {
        self.inner.claims.is_free(&(0..self.len())).then_some(())?;
        self.inner.block.slice(guard)
    }

    /// Gives access to change the elements, as [`borrow`](Self::borrow) does to read them.
    #[must_use]
    pub fn borrow_mut<'a>(&'a self, guard: &'a mut LockGuard<'_>) -> Option<&'a mut [T]>
    where
        T: Plain,
    {
        self.inner.claims.is_free(&(0..self.len())).then_some(())?;
        self.inner.block.slice_mut(guard)
    }

    /// Splits the array into `parts` of nearly the same length, for as many processes.
    ///
    /// A part is a handle. Who [claims](ArrayPart::claim) it has its elements alone, without the
    /// lock, while others have theirs.
    ///
    /// # Examples
    ///
    /// ```
    /// use mp_process::spawn;
    /// use mp_shm::{Array, ArrayPart};
    ///
    /// fn square(part: ArrayPart<u64>) {
    ///     let first = part.range().start;
    ///     for (at, element) in part.claim().unwrap().iter_mut().enumerate() {
    ///         *element = ((first + at) as u64).pow(2);
    ///     }
    /// }
    ///
    /// mp_process::init();
    /// let array = Array::zeroed(5)?;
    /// let children: Result<Vec<_>, _> =
    ///     array.split(2).into_iter().map(|part| spawn(square, (part,))).collect();
    /// for child in children? {
    ///     child.join()?;
    /// }
    /// assert_eq!(*array.lock().unwrap(), [0, 1, 4, 9, 16]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn split(&self, parts: usize) -> Vec<ArrayPart<T>> {
        let edge = |part: usize| (self.len() as u128 * part as u128 / parts as u128) as usize;
        (0..parts).map(|part| self.part(edge(part)..edge(part + 1))).collect()
    }

    /// Returns a part of the array; what of the range is beyond the end is left out.
    #[must_use]
    pub fn part(&self, range: Range<usize>) -> ArrayPart<T> {
        let end = range.end.min(self.len());
        ArrayPart::new(self.clone(), range.start.min(end)..end)
    }
}

impl<T> Clone for Array<T> {
    fn clone(&self) -> Self {
        Array { inner: Arc::clone(&self.inner) }
    }
}

impl<T: Data> Serialize for Array<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.inner.block.parts().serialize(serializer)
    }
}

impl<'de, T: Data> Deserialize<'de> for Array<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let block = Block::attach(Self::SHAPE, Arrived::deserialize(deserializer)?);
        block.and_then(Array::build).map_err(serde::de::Error::custom)
    }
}

impl<T: Data> fmt::Debug for Array<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = std::any::type_name::<T>();
        f.debug_struct("Array").field("type", &name).field("len", &self.len()).finish()
    }
}
