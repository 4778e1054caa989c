//! [`BoundedSemaphore`]: a semaphore that never has more permits than at first.

use std::fmt;
use std::time::Duration;

use mp_handle::{Kind, Name, Region, RegionError};

use crate::object::{travels, unlinks};
use crate::semaphore::{Permit, ReleaseError, Semaphore};

/// A [`Semaphore`] that never has more permits than it began with.
///
/// To release one that nobody has [forgotten](Permit::forget) is an error, which finds those who
/// release once too often.
///
/// # Examples
///
/// ```
/// use mp_sync::BoundedSemaphore;
///
/// let connections = BoundedSemaphore::new(2)?;
/// assert!(connections.release().is_err());
/// connections.acquire().forget();
/// connections.release()?;
/// assert_eq!(connections.available(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Source: CPython's `multiprocessing.BoundedSemaphore`.
#[derive(Clone)]
pub struct BoundedSemaphore {
    inner: Semaphore,
}

impl BoundedSemaphore {
    const KIND: Kind = Kind::new(0x23, "bounded semaphore");

    /// Creates a semaphore with so many permits, all free.
    ///
    /// # Errors
    ///
    /// Fails if the memory, a descriptor or the mapping is not to be had.
    pub fn new(permits: u32) -> Result<BoundedSemaphore, RegionError> {
        let inner = Semaphore::anonymous(BoundedSemaphore::KIND, permits, permits)?;
        Ok(BoundedSemaphore { inner })
    }

    /// Creates a bounded semaphore with a name, for programs that share nothing else.
    ///
    /// It lives until it is [unlinked](Self::unlink).
    ///
    /// # Errors
    ///
    /// [`Exists`](RegionError::Exists) if the name is taken, [`Name`](RegionError::Name) if it
    /// cannot be one, and those of [`new`](Self::new).
    ///
    /// # Examples
    ///
    /// ```
    /// use mp_sync::BoundedSemaphore;
    ///
    /// let name = format!("doc-BoundedSemaphore-{}", std::process::id());
    /// let created = BoundedSemaphore::create(&name, 3)?;
    /// let opened = BoundedSemaphore::open(&name)?;
    /// assert_eq!(opened.available(), 3);
    /// BoundedSemaphore::unlink(&name)?;
    /// # Ok::<(), mp_sync::RegionError>(())
    /// ```
    pub fn create(name: impl Into<Name>, permits: u32) -> Result<BoundedSemaphore, RegionError> {
        let kind = BoundedSemaphore::KIND;
        let inner = Semaphore::named(kind, &name.into(), permits, permits)?;
        Ok(BoundedSemaphore { inner })
    }

    /// Opens the bounded semaphore that has the name.
    ///
    /// # Errors
    ///
    /// [`NotFound`](RegionError::NotFound) if nothing has the name,
    /// [`Owner`](RegionError::Owner) if it is another user's, and
    /// [`Kind`](RegionError::Kind) if it is something else.
    pub fn open(name: impl Into<Name>) -> Result<BoundedSemaphore, RegionError> {
        let inner = Semaphore::open_kind(BoundedSemaphore::KIND, &name.into())?;
        Ok(BoundedSemaphore { inner })
    }

    /// Opens the bounded semaphore that has the name, or creates it with so many permits.
    ///
    /// # Errors
    ///
    /// Those of [`open`](Self::open) and [`create`](Self::create), but for the two that tell
    /// whether it exists.
    pub fn open_or_create(
        name: impl Into<Name>,
        permits: u32,
    ) -> Result<BoundedSemaphore, RegionError> {
        let kind = BoundedSemaphore::KIND;
        let inner = Semaphore::open_or_create_kind(kind, &name.into(), permits, permits)?;
        Ok(BoundedSemaphore { inner })
    }

    fn attach(region: Region) -> Result<BoundedSemaphore, RegionError> {
        let inner = Semaphore::of_kind(BoundedSemaphore::KIND, region)?;
        Ok(BoundedSemaphore { inner })
    }

    fn region(&self) -> &Region {
        self.inner.region()
    }

    /// Takes a permit, waiting for one as long as it takes.
    #[inline]
    pub fn acquire(&self) -> Permit<'_> {
        self.inner.acquire()
    }

    /// Takes a permit if there is one.
    #[inline]
    pub fn try_acquire(&self) -> Option<Permit<'_>> {
        self.inner.try_acquire()
    }

    /// Takes a permit, waiting up to `timeout` for one; `None` if that was not long enough.
    #[inline]
    pub fn acquire_timeout(&self, timeout: Duration) -> Option<Permit<'_>> {
        self.inner.acquire_timeout(timeout)
    }

    /// Releases a permit that somebody has [forgotten](Permit::forget).
    ///
    /// # Errors
    ///
    /// Fails if nobody has forgotten one: all permits are free or in somebody's hands.
    pub fn release(&self) -> Result<(), ReleaseError> {
        self.inner.release()
    }

    /// Counts the permits that are free at this moment.
    ///
    /// A permit of a dead process is counted once somebody has looked for one in vain.
    #[must_use]
    #[doc(alias = "get_value")]
    #[doc(alias = "locked")]
    pub fn available(&self) -> u32 {
        self.inner.available()
    }

    /// Returns how many permits there are.
    #[must_use]
    pub fn limit(&self) -> u32 {
        self.inner.limit()
    }
}

travels!(BoundedSemaphore);
unlinks!(BoundedSemaphore);

impl fmt::Debug for BoundedSemaphore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BoundedSemaphore")
            .field("available", &self.available())
            .field("limit", &self.limit())
            .finish()
    }
}
