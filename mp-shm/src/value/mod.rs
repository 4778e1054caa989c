//! [`Value`]: one value in shared memory, and its lock.

mod guard;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use mp_handle::{Deadline, Name, Region, RegionError};
use mp_sync::{Lock, LockError, LockGuard};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::block::{Arrived, Block, VALUE};
use crate::cells::Shape;
use crate::data::{Data, Plain};
use crate::error::AccessError;
pub use guard::ValueGuard;

/// A value that several processes read and write, one at a time.
///
/// The value is a handle: clones and copies in other processes are the same value. Its memory is
/// freed with the last of them. Should a process die while it holds the lock, the next one is told
/// by the error of [`lock`](Self::lock), with the guard inside.
///
/// # Examples
///
/// ```
/// use mp_process::spawn;
/// use mp_shm::Value;
///
/// fn count(counter: Value<u64>) {
///     for _ in 0..1000 {
///         *counter.lock().unwrap() += 1;
///     }
/// }
///
/// mp_process::init();
/// let counter = Value::new(0)?;
/// let children = [spawn(count, (counter.clone(),))?, spawn(count, (counter.clone(),))?];
/// for child in children {
///     child.join()?;
/// }
/// assert_eq!(counter.get()?, 2000);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Source: CPython's `multiprocessing.Value`.
#[doc(alias = "Synchronized")]
pub struct Value<T> {
    /// Of exactly one.
    block: Arc<Block<T>>,
}

/// What taking the lock of a value gives.
type Locked<'a, T> = Result<Option<ValueGuard<'a, T>>, LockError<ValueGuard<'a, T>>>;

impl<T: Data> Value<T> {
    const SHAPE: Shape = Shape { kind: VALUE, extra: 0, lock: true };

    /// Creates a value with a lock of its own.
    ///
    /// # Errors
    ///
    /// Fails if the memory, a descriptor or the mapping is not to be had.
    pub fn new(value: T) -> Result<Value<T>, RegionError> {
        Value::build(value, None)
    }

    /// Creates a value that shares a given lock, with other values or whatever else it guards.
    ///
    /// # Errors
    ///
    /// Those of [`new`](Self::new).
    ///
    /// # Examples
    ///
    /// ```
    /// use mp_shm::Value;
    ///
    /// let debit = Value::new(100)?;
    /// let credit = Value::with_lock(0, debit.get_lock())?;
    /// let guard = debit.lock().unwrap();
    /// assert!(credit.try_lock().unwrap().is_none());
    /// # drop(guard);
    /// # Ok::<(), mp_shm::RegionError>(())
    /// ```
    pub fn with_lock(value: T, lock: &Lock) -> Result<Value<T>, RegionError> {
        Value::build(value, Some(lock.clone()))
    }

    fn build(value: T, lock: Option<Lock>) -> Result<Value<T>, RegionError> {
        let block = Block::create(Self::SHAPE, 1, lock)?;
        block.cells().fill(&[value]);
        Ok(Value { block: Arc::new(block) })
    }

    /// Creates a value with a name, for programs that share nothing else. It lives until it is
    /// [unlinked](Self::unlink).
    ///
    /// # Errors
    ///
    /// [`Exists`](RegionError::Exists) if the name is taken, and those of [`new`](Self::new).
    pub fn create(name: impl Into<Name>, value: T) -> Result<Value<T>, RegionError> {
        let block =
            Block::create_named(&name.into(), Self::SHAPE, 1, |cells| cells.fill(&[value]))?;
        Ok(Value { block: Arc::new(block) })
    }

    /// Opens the value that has the name.
    ///
    /// # Errors
    ///
    /// [`NotFound`](RegionError::NotFound) if nothing has it, and
    /// [`Kind`](RegionError::Kind) or [`Fingerprint`](RegionError::Fingerprint) if it is
    /// something else, or a value of another type.
    pub fn open(name: impl Into<Name>) -> Result<Value<T>, RegionError> {
        Value::of(Block::open(&name.into(), Self::SHAPE)?)
    }

    /// Takes the name away; who has the value keeps it.
    ///
    /// # Errors
    ///
    /// [`NotFound`](RegionError::NotFound) if nothing has it.
    pub fn unlink(name: impl Into<Name>) -> Result<(), RegionError> {
        Region::unlink(name)
    }

    /// Checks the number of elements, which was a peer's word.
    fn of(block: Block<T>) -> Result<Value<T>, RegionError> {
        match block.cells().count() {
            1 => Ok(Value { block: Arc::new(block) }),
            count => {
                let size = block.cells().region().len() as u64;
                Err(RegionError::Length { stated: count as u64, size })
            }
        }
    }

    /// Returns the lock, to share it with others. It travels with the value, not by itself.
    #[must_use]
    pub fn get_lock(&self) -> &Lock {
        self.block.lock()
    }

    /// Locks the value, waiting as long as it takes.
    ///
    /// # Errors
    ///
    /// [`OwnerDied`](LockError::OwnerDied) if a process died while it held the lock, with the
    /// guard inside; [`AlreadyHeld`](LockError::AlreadyHeld) if this thread holds it;
    /// [`Abandoned`](LockError::Abandoned) if a thread of this process ended and leaked its guard.
    pub fn lock(&self) -> Result<ValueGuard<'_, T>, LockError<ValueGuard<'_, T>>> {
        loop {
            if let Some(guard) = self.lock_until(Deadline::NEVER)? {
                return Ok(guard);
            }
        }
    }

    /// Locks the value if nobody holds the lock; `None` if somebody does.
    ///
    /// # Errors
    ///
    /// Those of [`lock`](Self::lock); that this thread holds the lock is none.
    pub fn try_lock(&self) -> Locked<'_, T> {
        match self.lock_until(Deadline::now()) {
            Err(LockError::AlreadyHeld) => Ok(None),
            locked => locked,
        }
    }

    /// Locks the value, waiting up to `timeout`; `None` if that was not long enough.
    ///
    /// # Errors
    ///
    /// Those of [`lock`](Self::lock).
    pub fn lock_timeout(&self, timeout: Duration) -> Locked<'_, T> {
        self.lock_until(Deadline::after(timeout))
    }

    fn lock_until(&self, deadline: Deadline) -> Locked<'_, T> {
        let wrap = |guard| ValueGuard::new(&self.block, guard);
        match self.block.acquire(deadline) {
            Ok(guard) => Ok(guard.map(wrap)),
            Err(error) => Err(error.map(wrap)),
        }
    }

    /// Gives access to the value to the holder of the lock that it shares with others, see
    /// [`with_lock`](Self::with_lock); `None` if the guard is that of another lock.
    ///
    /// # Examples
    ///
    /// ```
    /// use mp_shm::Value;
    /// use mp_sync::Lock;
    ///
    /// let lock = Lock::new()?;
    /// let debit = Value::with_lock(100, &lock)?;
    /// let credit = Value::with_lock(0, &lock)?;
    ///
    /// let mut guard = lock.lock().unwrap();
    /// *debit.borrow_mut(&mut guard).unwrap() -= 30;
    /// *credit.borrow_mut(&mut guard).unwrap() += 30;
    /// assert_eq!(debit.borrow(&guard), Some(&70));
    /// # drop(guard);
    /// # Ok::<(), mp_shm::RegionError>(())
    /// ```
    #[must_use]
    pub fn borrow<'a>(&'a self, guard: &'a LockGuard<'_>) -> Option<&'a T>
    where
        T: Plain,
    {
        self.block.slice(guard)?.first()
    }

    /// Gives access to change the value, as [`borrow`](Self::borrow) does to read it.
    #[must_use]
    pub fn borrow_mut<'a>(&'a self, guard: &'a mut LockGuard<'_>) -> Option<&'a mut T>
    where
        T: Plain,
    {
        self.block.slice_mut(guard)?.first_mut()
    }

    /// Returns a copy of the value, taken under the lock.
    ///
    /// # Errors
    ///
    /// Fails if the lock cannot be had, or if the bytes are no value of the type.
    pub fn get(&self) -> Result<T, AccessError> {
        self.lock()?.get()
    }

    /// Replaces the value, under the lock.
    ///
    /// # Errors
    ///
    /// Fails if the lock cannot be had.
    pub fn set(&self, value: T) -> Result<(), AccessError> {
        self.lock()?.set(value);
        Ok(())
    }

    /// Changes the value under the lock, and returns the new one: no update of another process
    /// comes between.
    ///
    /// # Errors
    ///
    /// Those of [`get`](Self::get).
    ///
    /// # Examples
    ///
    /// ```
    /// let counter = mp_shm::Value::new(41)?;
    /// assert_eq!(counter.update(|n| n + 1)?, 42);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn update(&self, change: impl FnOnce(T) -> T) -> Result<T, AccessError> {
        let mut guard = self.lock()?;
        let value = change(guard.get()?);
        guard.set(value);
        Ok(value)
    }
}

impl<T> Clone for Value<T> {
    fn clone(&self) -> Self {
        Value { block: Arc::clone(&self.block) }
    }
}

impl<T: Data> Serialize for Value<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.block.parts().serialize(serializer)
    }
}

impl<'de, T: Data> Deserialize<'de> for Value<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let block = Block::attach(Self::SHAPE, Arrived::deserialize(deserializer)?);
        block.and_then(Value::of).map_err(serde::de::Error::custom)
    }
}

impl<T: Data> fmt::Debug for Value<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = std::any::type_name::<T>();
        f.debug_struct("Value").field("type", &name).finish_non_exhaustive()
    }
}
