//! [`SharedArray`]: an n-dimensional array that brings its shape along.
//!
//! Number of dimensions, their lengths and the order of the elements stand in the extra of the
//! cells, so that a receiver needs no other information. They are read once, and checked against
//! the number of elements.

mod shape;

use std::any::type_name;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use mp_handle::{Deadline, Name, Region, RegionError};
use mp_sync::{Guard, Held, Lock, LockError, LockGuard};
use ndarray::ShapeBuilder;
use ndarray::{ArrayBase, ArrayView, ArrayViewMut, Data as Storage, Dimension, Shape as NdShape};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::block::{Arrived, Block, SHARED_ARRAY};
use crate::cells::{Cells, Shape};
use crate::data::Plain;

/// An array of any dimension in shared memory, used as ndarray's views without a copy.
///
/// The array is a handle: clones and copies in other processes are the same memory.
///
/// # Examples
///
/// ```
/// use mp_process::spawn;
/// use mp_shm::SharedArray;
/// use ndarray::{Ix2, array};
///
/// fn double(matrix: SharedArray<f64, Ix2>) {
///     *matrix.lock().unwrap().view_mut() *= 2.0;
/// }
///
/// mp_process::init();
/// let matrix = SharedArray::from_array(&array![[1.0, 2.0], [3.0, 4.0]])?;
/// spawn(double, (matrix.clone(),))?.join()?;
/// assert_eq!(matrix.lock().unwrap().view(), array![[2.0, 4.0], [6.0, 8.0]]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct SharedArray<T, D> {
    block: Arc<Block<T>>,
    shape: NdShape<D>,
}

/// What taking the lock of an array gives.
type Locked<'a, T, D> =
    Result<Option<SharedArrayGuard<'a, T, D>>, LockError<SharedArrayGuard<'a, T, D>>>;

impl<T: Plain, D: Dimension> SharedArray<T, D> {
    const SHAPE: Shape = Shape { kind: SHARED_ARRAY, extra: shape::SIZE, lock: true };

    /// Creates an array, all zero, of a shape such as `(3, 4)`, or `(3, 4).f()` for columns first.
    ///
    /// # Errors
    ///
    /// Fails if the memory, a descriptor or the mapping is not to be had, or if there are more
    /// than 14 dimensions.
    pub fn zeros(shape: impl ShapeBuilder<Dim = D>) -> Result<Self, RegionError> {
        let shape = shape.into_shape_with_order();
        let block = Block::create(Self::SHAPE, shape::count::<T, D>(&shape)?, None)?;
        shape::write(block.cells().region(), &shape)?;
        Ok(SharedArray { block: Arc::new(block), shape })
    }

    /// Creates an array with the elements of another.
    ///
    /// # Errors
    ///
    /// Those of [`zeros`](Self::zeros).
    pub fn from_array<S: Storage<Elem = T>>(array: &ArrayBase<S, D>) -> Result<Self, RegionError> {
        let shared = SharedArray::zeros(array.raw_dim())?;
        shared.block.cells().fill(&array.iter().copied().collect::<Vec<T>>());
        Ok(shared)
    }

    /// Creates an array with a name, all zero, for programs that share nothing else. It lives
    /// until it is [unlinked](Self::unlink).
    ///
    /// # Errors
    ///
    /// [`Exists`](RegionError::Exists) if the name is taken, and those of [`zeros`](Self::zeros).
    pub fn create(
        name: impl Into<Name>,
        shape: impl ShapeBuilder<Dim = D>,
    ) -> Result<Self, RegionError> {
        let shape = shape.into_shape_with_order();
        let fill = |cells: &Cells<T>| {
            // There is room: `count` has checked the number of dimensions.
            let _ = shape::write(cells.region(), &shape);
        };
        let block =
            Block::create_named(&name.into(), Self::SHAPE, shape::count::<T, D>(&shape)?, fill)?;
        Ok(SharedArray { block: Arc::new(block), shape })
    }

    /// Opens the array that has the name.
    ///
    /// # Errors
    ///
    /// [`NotFound`](RegionError::NotFound) if nothing has it, and an error that names both sides
    /// if it is something else, or of another type or number of dimensions.
    pub fn open(name: impl Into<Name>) -> Result<Self, RegionError> {
        SharedArray::of(Block::open(&name.into(), Self::SHAPE)?)
    }

    /// Takes the name away; who has the array keeps it.
    ///
    /// # Errors
    ///
    /// [`NotFound`](RegionError::NotFound) if nothing has it.
    pub fn unlink(name: impl Into<Name>) -> Result<(), RegionError> {
        Region::unlink(name)
    }

    fn of(block: Block<T>) -> Result<Self, RegionError> {
        let shape = shape::read::<T, D>(block.cells().region(), block.cells().count())?;
        Ok(SharedArray { block: Arc::new(block), shape })
    }

    /// Returns the lengths of the dimensions.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        self.shape.raw_dim().slice()
    }

    /// Returns the lock, to share it with others. It travels with the array, not by itself.
    #[must_use]
    pub fn get_lock(&self) -> &Lock {
        self.block.lock()
    }

    /// Locks the array, waiting as long as it takes.
    ///
    /// # Errors
    ///
    /// [`OwnerDied`](LockError::OwnerDied) if a process died while it held the lock, with the
    /// guard inside; [`AlreadyHeld`](LockError::AlreadyHeld) if this thread holds it;
    /// [`Abandoned`](LockError::Abandoned) if a thread of this process ended and leaked its guard.
    pub fn lock(
        &self,
    ) -> Result<SharedArrayGuard<'_, T, D>, LockError<SharedArrayGuard<'_, T, D>>> {
        loop {
            if let Some(guard) = self.lock_until(Deadline::NEVER)? {
                return Ok(guard);
            }
        }
    }

    /// Locks the array if nobody holds the lock; `None` if somebody does.
    ///
    /// # Errors
    ///
    /// Those of [`lock`](Self::lock); that this thread holds the lock is none.
    pub fn try_lock(&self) -> Locked<'_, T, D> {
        match self.lock_until(Deadline::now()) {
            Err(LockError::AlreadyHeld) => Ok(None),
            locked => locked,
        }
    }

    /// Locks the array, waiting up to `timeout`; `None` if that was not long enough.
    ///
    /// # Errors
    ///
    /// Those of [`lock`](Self::lock).
    pub fn lock_timeout(&self, timeout: Duration) -> Locked<'_, T, D> {
        self.lock_until(Deadline::after(timeout))
    }

    fn lock_until(&self, deadline: Deadline) -> Locked<'_, T, D> {
        let wrap = |guard| SharedArrayGuard { array: self, guard };
        match self.block.acquire(deadline) {
            Ok(guard) => Ok(guard.map(wrap)),
            Err(error) => Err(error.map(wrap)),
        }
    }
}

impl<T, D: Clone> Clone for SharedArray<T, D> {
    fn clone(&self) -> Self {
        SharedArray { block: Arc::clone(&self.block), shape: self.shape.clone() }
    }
}

impl<T: Plain, D: Dimension> Serialize for SharedArray<T, D> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.block.parts().serialize(serializer)
    }
}

impl<'de, T: Plain, D: Dimension> Deserialize<'de> for SharedArray<T, D> {
    fn deserialize<De: Deserializer<'de>>(deserializer: De) -> Result<Self, De::Error> {
        let block = Block::attach(Self::SHAPE, Arrived::deserialize(deserializer)?);
        block.and_then(SharedArray::of).map_err(serde::de::Error::custom)
    }
}

impl<T: Plain, D: Dimension> fmt::Debug for SharedArray<T, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = type_name::<T>();
        f.debug_struct("SharedArray").field("type", &name).field("shape", &self.shape()).finish()
    }
}

/// Holds the lock of a [`SharedArray`], and gives views of it.
#[must_use = "the lock is given back as soon as the guard is dropped"]
pub struct SharedArrayGuard<'a, T, D> {
    array: &'a SharedArray<T, D>,
    guard: LockGuard<'a>,
}

impl<T: Plain, D: Dimension> SharedArrayGuard<'_, T, D> {
    /// Returns a view to read, without a copy.
    #[must_use]
    #[allow(clippy::missing_panics_doc, reason = "the shape was checked against the elements")]
    pub fn view(&self) -> ArrayView<'_, T, D> {
        let elements = self.array.block.slice(&self.guard).unwrap_or(&[]);
        ArrayView::from_shape(self.array.shape.clone(), elements).expect(FITS)
    }

    /// Returns a view to read and write, without a copy.
    #[must_use]
    #[allow(clippy::missing_panics_doc, reason = "the shape was checked against the elements")]
    pub fn view_mut(&mut self) -> ArrayViewMut<'_, T, D> {
        let elements = self.array.block.slice_mut(&mut self.guard).unwrap_or(&mut []);
        ArrayViewMut::from_shape(self.array.shape.clone(), elements).expect(FITS)
    }
}

const FITS: &str = "the shape was checked against the elements";

impl<T, D> Guard for SharedArrayGuard<'_, T, D> {
    fn held(&mut self) -> Held<'_> {
        self.guard.held()
    }
}

impl<T: Plain + fmt::Debug, D: Dimension> fmt::Debug for SharedArrayGuard<'_, T, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.view().fmt(f)
    }
}
