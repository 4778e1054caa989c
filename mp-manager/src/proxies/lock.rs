//! [`LockProxy`]: a lock that a manager serves.

use std::marker::PhantomData;
use std::time::Duration;

use super::{Marker, proxy};
use crate::client::Reference;
use crate::error::ManagerError;
use crate::objects::semaphore_op as op;

/// A lock on a manager's server, for one process, or thread, at a time. Not reentrant.
///
/// If its holder dies, the lock is free at once; the next one is [told](LockGuard::is_abandoned).
/// Those who wait get it in the order in which they came.
///
/// # Examples
///
/// ```
/// use mp_manager::{ListProxy, LockProxy, Manager};
///
/// fn work(lock: LockProxy, list: ListProxy<u32>) {
///     let _guard = lock.lock().unwrap();
///     let len = list.len().unwrap();
///     list.push(&(len as u32)).unwrap();
/// }
///
/// mp_process::init();
/// let manager = Manager::start()?;
/// let (lock, list) = (manager.lock()?, manager.list()?);
/// let children = [(); 3].map(|()| mp_process::spawn(work, (lock.clone(), list.clone())));
/// for child in children {
///     child?.join()?;
/// }
/// assert_eq!(list.snapshot()?, [0, 1, 2]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct LockProxy {
    reference: Reference,
    marker: Marker<()>,
}

proxy!(LockProxy);

impl LockProxy {
    /// Waits for the lock, and holds it until the guard is dropped.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    #[doc(alias = "acquire")]
    pub fn lock(&self) -> Result<LockGuard<'_>, ManagerError> {
        let guard = self.acquire(None)?;
        guard.ok_or(ManagerError::Protocol { what: "no lock, where one waits for ever" })
    }

    /// Takes the lock if it is free.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    pub fn try_lock(&self) -> Result<Option<LockGuard<'_>>, ManagerError> {
        self.acquire(Some(Duration::ZERO))
    }

    /// Waits for the lock, but no longer than `timeout`.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    pub fn lock_timeout(&self, timeout: Duration) -> Result<Option<LockGuard<'_>>, ManagerError> {
        self.acquire(Some(timeout))
    }

    /// Tells whether somebody holds the lock.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    #[doc(alias = "locked")]
    pub fn is_locked(&self) -> Result<bool, ManagerError> {
        Ok(self.reference.request(op::AVAILABLE).call()?.number()? == 0)
    }

    fn acquire(&self, limit: Option<Duration>) -> Result<Option<LockGuard<'_>>, ManagerError> {
        let status = self.reference.request(op::ACQUIRE).limit(limit).call()?.byte()?;
        let is_abandoned = status == op::ABANDONED;
        let guard = || LockGuard { reference: &self.reference, is_abandoned, here: PhantomData };
        Ok((status != op::TIMED_OUT).then(guard))
    }
}

/// Holds a [`LockProxy`]'s lock until it is dropped.
#[must_use = "the lock is released when this is dropped"]
#[derive(Debug)]
pub struct LockGuard<'a> {
    reference: &'a Reference,
    is_abandoned: bool,
    /// As std's, it stays with its thread.
    here: PhantomData<*const ()>,
}

impl LockGuard<'_> {
    /// Tells whether the holder before this one died with the lock, so that what it protects may
    /// be left half-done.
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        self.is_abandoned
    }
}

impl Drop for LockGuard<'_> {
    fn drop(&mut self) {
        self.reference.request(op::RELEASE).number(1).tell();
    }
}
