//! [`SemaphoreProxy`]: permits that a manager serves.

use std::time::Duration;

use super::{Marker, proxy};
use crate::client::Reference;
use crate::error::ManagerError;
use crate::objects::semaphore_op as op;

/// A semaphore on a manager's server, [bounded](crate::Manager::bounded_semaphore) or
/// [not](crate::Manager::semaphore). Permits of a process that dies come back at once.
///
/// # Examples
///
/// ```
/// mp_process::init();
/// let manager = mp_manager::Manager::start()?;
/// let seats = manager.bounded_semaphore(2)?;
/// let first = seats.acquire()?;
/// let second = seats.acquire()?;
/// assert!(seats.try_acquire()?.is_none());
/// drop(first);
/// assert_eq!(seats.available()?, 1);
/// drop(second);
/// assert!(seats.release(1).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct SemaphoreProxy {
    reference: Reference,
    marker: Marker<()>,
}

proxy!(SemaphoreProxy);

impl SemaphoreProxy {
    /// Waits for a permit, and holds it until what is returned is dropped.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    pub fn acquire(&self) -> Result<Permit, ManagerError> {
        let permit = self.acquire_until(None)?;
        permit.ok_or(ManagerError::Protocol { what: "no permit, where one waits for ever" })
    }

    /// Takes a permit if there is one.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    pub fn try_acquire(&self) -> Result<Option<Permit>, ManagerError> {
        self.acquire_until(Some(Duration::ZERO))
    }

    /// Waits for a permit, but no longer than `timeout`.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    pub fn acquire_timeout(&self, timeout: Duration) -> Result<Option<Permit>, ManagerError> {
        self.acquire_until(Some(timeout))
    }

    /// Adds permits: new ones, or some that were [forgotten](Permit::forget).
    ///
    /// # Errors
    ///
    /// [`ManagerError::Misuse`] if a bounded semaphore had more than at first then; see
    /// [`ManagerError`] for others.
    pub fn release(&self, count: u64) -> Result<(), ManagerError> {
        self.reference.request(op::RELEASE).number(count).call().map(drop)
    }

    /// Returns the number of permits that nobody has.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    #[doc(alias = "get_value")]
    pub fn available(&self) -> Result<u64, ManagerError> {
        self.reference.request(op::AVAILABLE).call()?.number()
    }

    fn acquire_until(&self, limit: Option<Duration>) -> Result<Option<Permit>, ManagerError> {
        let status = self.reference.request(op::ACQUIRE).limit(limit).call()?.byte()?;
        let permit = || Permit { semaphore: Some(self.reference.clone()) };
        Ok((status != op::TIMED_OUT).then(permit))
    }
}

/// A permit of a [`SemaphoreProxy`], which goes back when it is dropped.
#[must_use = "the permit goes back when this is dropped"]
#[derive(Debug)]
pub struct Permit {
    semaphore: Option<Reference>,
}

impl Permit {
    /// Keeps the permit out, until somebody [releases](SemaphoreProxy::release) one or this process
    /// ends.
    pub fn forget(mut self) {
        self.semaphore = None;
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(semaphore) = &self.semaphore {
            semaphore.request(op::RELEASE).number(1).tell();
        }
    }
}
