//! [`BarrierProxy`]: a barrier that a manager serves.

use std::time::Duration;

use super::{Marker, proxy};
use crate::client::Reference;
use crate::error::ManagerError;
use crate::objects::barrier_op as op;

/// A barrier on a manager's server: so many wait for each other.
///
/// It breaks if one of those who wait dies or gives up; nobody waits for the dead.
///
/// # Examples
///
/// ```
/// use mp_manager::BarrierProxy;
///
/// mp_process::init();
/// let manager = mp_manager::Manager::start()?;
/// let start = manager.barrier(3)?;
/// let wait = |start: BarrierProxy| start.wait().unwrap().unwrap();
/// let children = [(); 2].map(|()| mp_process::spawn(wait, (start.clone(),)));
/// let mut places = vec![start.wait()?.ok_or("nobody has died")?];
/// for child in children {
///     places.push(child?.join()?);
/// }
/// places.sort_unstable();
/// assert_eq!(places, [0, 1, 2]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct BarrierProxy {
    reference: Reference,
    marker: Marker<()>,
}

proxy!(BarrierProxy);

impl BarrierProxy {
    /// Waits until all have come; returns which one this was, from 0, and `None` if the barrier is
    /// broken.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    pub fn wait(&self) -> Result<Option<usize>, ManagerError> {
        self.wait_until(None)
    }

    /// As [`wait`](Self::wait), and breaks the barrier if not all have come within `timeout`.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    pub fn wait_timeout(&self, timeout: Duration) -> Result<Option<usize>, ManagerError> {
        self.wait_until(Some(timeout))
    }

    fn wait_until(&self, limit: Option<Duration>) -> Result<Option<usize>, ManagerError> {
        let mut answer = self.reference.request(op::WAIT).limit(limit).call()?;
        let (has_passed, index) = (answer.flag()?, answer.len()?);
        Ok(has_passed.then_some(index))
    }

    /// Makes it as new; those who wait find it broken.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    pub fn reset(&self) -> Result<(), ManagerError> {
        self.reference.request(op::RESET).call().map(drop)
    }

    /// Breaks it, for those who wait and who come.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    pub fn abort(&self) -> Result<(), ManagerError> {
        self.reference.request(op::ABORT).call().map(drop)
    }

    /// Returns how many wait.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    #[doc(alias = "n_waiting")]
    pub fn waiting(&self) -> Result<usize, ManagerError> {
        self.reference.request(op::WAITING).call()?.len()
    }

    /// Tells whether it is broken.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    #[doc(alias = "broken")]
    pub fn is_broken(&self) -> Result<bool, ManagerError> {
        self.reference.request(op::IS_BROKEN).call()?.flag()
    }
}
