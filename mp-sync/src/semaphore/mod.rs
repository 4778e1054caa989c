//! [`Semaphore`]: so many at a time, over all processes and threads that have it.

mod error;
#[cfg(all(test, shuttle))]
mod model;
mod permit;
mod table;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use mp_handle::{Kind, Name, Region, RegionError};

pub use error::ReleaseError;
pub use permit::Permit;

use crate::object::{travels, unlinks};
use crate::primitive::Deadline;
use table::Table;

/// The room for permits that a semaphore has if nobody says otherwise.
const LIMIT: u32 = 4000;

/// A number of permits that processes and threads take and give back.
///
/// A permit that a process has when it dies comes back by itself, at the latest when somebody
/// waits for one. Permits belong to processes, not to threads: a guard may be dropped by another
/// thread than the one that got it, and a process that becomes another program (`exec`) keeps its
/// permits until it ends.
///
/// For signals between processes, a permit can be [forgotten](Permit::forget) here and
/// [released](Self::release) there.
///
/// # Examples
///
/// ```
/// use mp_process::spawn;
/// use mp_sync::Semaphore;
///
/// fn die_with_a_permit(semaphore: Semaphore) {
///     let _permit = semaphore.acquire();
///     std::process::abort();
/// }
///
/// mp_process::init();
/// let semaphore = Semaphore::new(2)?;
/// assert!(spawn(die_with_a_permit, (semaphore.clone(),))?.join().is_err());
///
/// let permits = [semaphore.acquire(), semaphore.acquire()];
/// assert!(semaphore.try_acquire().is_none());
/// drop(permits);
/// assert_eq!(semaphore.available(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Source: CPython's `multiprocessing.Semaphore`.
#[derive(Clone)]
pub struct Semaphore {
    table: Arc<Table>,
}

impl Semaphore {
    const KIND: Kind = Kind::new(0x22, "semaphore");

    /// Creates a semaphore with so many permits, and room for 4000, or for `permits` if that is
    /// more.
    ///
    /// # Errors
    ///
    /// Fails if the memory, a descriptor or the mapping is not to be had.
    pub fn new(permits: u32) -> Result<Semaphore, RegionError> {
        Semaphore::with_limit(permits, LIMIT)
    }

    /// Creates a semaphore with room for `limit` permits, of which there are `permits` at first.
    /// Each takes 8 bytes. A limit below `permits` counts as `permits`.
    ///
    /// # Errors
    ///
    /// Those of [`new`](Self::new).
    ///
    /// # Examples
    ///
    /// ```
    /// use mp_sync::Semaphore;
    ///
    /// let signal = Semaphore::with_limit(0, 1)?;
    /// signal.release()?;
    /// assert!(signal.release().is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn with_limit(permits: u32, limit: u32) -> Result<Semaphore, RegionError> {
        Semaphore::anonymous(Semaphore::KIND, permits, limit.max(permits))
    }

    pub(crate) fn anonymous(
        kind: Kind,
        permits: u32,
        limit: u32,
    ) -> Result<Semaphore, RegionError> {
        let region = Region::create(kind, 0, Table::size(limit))?;
        Table::fill(&region, permits, limit);
        Semaphore::of_kind(kind, region)
    }

    /// Creates a semaphore with a name, for programs that share nothing else.
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
    /// use mp_sync::Semaphore;
    ///
    /// let name = format!("doc-Semaphore-{}", std::process::id());
    /// let created = Semaphore::create(&name, 3)?;
    /// let opened = Semaphore::open(&name)?;
    /// let _permit = opened.acquire();
    /// assert_eq!(created.available(), 2);
    /// Semaphore::unlink(&name)?;
    /// # Ok::<(), mp_sync::RegionError>(())
    /// ```
    pub fn create(name: impl Into<Name>, permits: u32) -> Result<Semaphore, RegionError> {
        Semaphore::named(Semaphore::KIND, &name.into(), permits, permits.max(LIMIT))
    }

    pub(crate) fn named(
        kind: Kind,
        name: &Name,
        permits: u32,
        limit: u32,
    ) -> Result<Semaphore, RegionError> {
        let fill = |region: &Region| Table::fill(region, permits, limit);
        let region = Region::create_named(name, kind, 0, Table::size(limit), fill)?;
        Semaphore::of_kind(kind, region)
    }

    /// Opens the semaphore that has the name.
    ///
    /// # Errors
    ///
    /// [`NotFound`](RegionError::NotFound) if nothing has the name,
    /// [`Owner`](RegionError::Owner) if it is another user's, and
    /// [`Kind`](RegionError::Kind) if it is something else.
    pub fn open(name: impl Into<Name>) -> Result<Semaphore, RegionError> {
        Semaphore::open_kind(Semaphore::KIND, &name.into())
    }

    pub(crate) fn open_kind(kind: Kind, name: &Name) -> Result<Semaphore, RegionError> {
        Semaphore::of_kind(kind, Region::open_named(name, kind, 0)?)
    }

    /// Opens the semaphore that has the name, or creates it with so many permits.
    ///
    /// # Errors
    ///
    /// Those of [`open`](Self::open) and [`create`](Self::create), but for the two that tell
    /// whether it exists.
    pub fn open_or_create(name: impl Into<Name>, permits: u32) -> Result<Semaphore, RegionError> {
        let (kind, limit) = (Semaphore::KIND, permits.max(LIMIT));
        Semaphore::open_or_create_kind(kind, &name.into(), permits, limit)
    }

    pub(crate) fn open_or_create_kind(
        kind: Kind,
        name: &Name,
        permits: u32,
        limit: u32,
    ) -> Result<Semaphore, RegionError> {
        let fill = |region: &Region| Table::fill(region, permits, limit);
        let made = Region::open_or_create_named(name, kind, 0, Table::size(limit), fill)?;
        Semaphore::of_kind(kind, made.0)
    }

    fn attach(region: Region) -> Result<Semaphore, RegionError> {
        Semaphore::of_kind(Semaphore::KIND, region)
    }

    pub(crate) fn of_kind(kind: Kind, region: Region) -> Result<Semaphore, RegionError> {
        region.expect(kind, 0)?;
        Ok(Semaphore { table: Arc::new(Table::map(&region)?) })
    }

    pub(crate) fn region(&self) -> &Region {
        self.table.region()
    }

    /// Takes a permit, waiting for one as long as it takes.
    #[inline]
    pub fn acquire(&self) -> Permit<'_> {
        loop {
            let slot = self.table.take_free().or_else(|| self.table.wait(Deadline::NEVER));
            if let Some(slot) = slot {
                return Permit::new(&self.table, slot);
            }
        }
    }

    /// Takes a permit if there is one.
    #[inline]
    pub fn try_acquire(&self) -> Option<Permit<'_>> {
        let slot = self.table.take_free().or_else(|| self.table.take_dead())?;
        Some(Permit::new(&self.table, slot))
    }

    /// Takes a permit, waiting up to `timeout` for one; `None` if that was not long enough.
    #[inline]
    pub fn acquire_timeout(&self, timeout: Duration) -> Option<Permit<'_>> {
        let wait = || self.table.wait(Deadline::after(timeout));
        let slot = self.table.take_free().or_else(wait)?;
        Some(Permit::new(&self.table, slot))
    }

    /// Adds a permit: one that somebody has [forgotten](Permit::forget), or a new one.
    ///
    /// This is for signals: what this thread did before is visible to who gets the permit. A
    /// process killed in here has added the permit or has not.
    ///
    /// # Errors
    ///
    /// Fails if all the permits that there is room for are there, free or in somebody's hands.
    ///
    /// # Examples
    ///
    /// ```
    /// use mp_process::spawn;
    /// use mp_sync::Semaphore;
    ///
    /// mp_process::init();
    /// let done = Semaphore::new(0)?;
    /// let mut child = spawn(|done: Semaphore| done.release().unwrap(), (done.clone(),))?;
    /// done.acquire().forget();
    /// child.join()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "post")]
    pub fn release(&self) -> Result<(), ReleaseError> {
        if self.table.add() { Ok(()) } else { Err(ReleaseError::new(self.limit())) }
    }

    /// Counts the permits that are free at this moment.
    ///
    /// A permit of a dead process is counted once somebody has looked for one in vain.
    #[must_use]
    #[doc(alias = "get_value")]
    #[doc(alias = "locked")]
    pub fn available(&self) -> u32 {
        self.table.available() as u32
    }

    /// Returns how many permits there is room for.
    #[must_use]
    pub fn limit(&self) -> u32 {
        self.table.limit() as u32
    }
}

travels!(Semaphore);
unlinks!(Semaphore);

impl fmt::Debug for Semaphore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Semaphore")
            .field("available", &self.available())
            .field("limit", &self.limit())
            .finish()
    }
}
