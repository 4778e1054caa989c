//! [`EventProxy`]: an event that a manager serves.

use std::time::Duration;

use super::{Marker, proxy};
use crate::client::Reference;
use crate::error::ManagerError;
use crate::objects::event_op as op;

/// A flag on a manager's server that can be waited for.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// mp_process::init();
/// let manager = mp_manager::Manager::start()?;
/// let ready = manager.event()?;
/// assert!(!ready.wait_timeout(Duration::from_millis(5))?);
/// let child = mp_process::spawn(|ready: mp_manager::EventProxy| ready.set().unwrap(), (
///     ready.clone(),
/// ))?;
/// ready.wait()?;
/// assert!(ready.is_set()?);
/// # child.join()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct EventProxy {
    reference: Reference,
    marker: Marker<()>,
}

proxy!(EventProxy);

impl EventProxy {
    /// Sets the flag, and wakes all who wait.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    pub fn set(&self) -> Result<(), ManagerError> {
        self.reference.request(op::SET).call().map(drop)
    }

    /// Clears the flag.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    pub fn clear(&self) -> Result<(), ManagerError> {
        self.reference.request(op::CLEAR).call().map(drop)
    }

    /// Tells whether the flag is set.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    pub fn is_set(&self) -> Result<bool, ManagerError> {
        self.reference.request(op::IS_SET).call()?.flag()
    }

    /// Waits until the flag is set.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    pub fn wait(&self) -> Result<(), ManagerError> {
        self.wait_until(None).map(drop)
    }

    /// Waits until the flag is set, but no longer than `timeout`; tells whether it is.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    pub fn wait_timeout(&self, timeout: Duration) -> Result<bool, ManagerError> {
        self.wait_until(Some(timeout))
    }

    fn wait_until(&self, limit: Option<Duration>) -> Result<bool, ManagerError> {
        self.reference.request(op::WAIT).limit(limit).call()?.flag()
    }
}
