//! [`PoolProxy`]: a pool of worker processes that a manager serves.

mod carrier;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use mp_pool::{Calls, Executor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use self::carrier::Carrier;
use crate::client::Reference;
use crate::error::ManagerError;
use crate::objects::pool_op as op;

/// A pool of worker processes on a manager's server, which all who have the proxy share.
///
/// Its calls are those of [`Calls`]: `map`, `imap`, `submit` and the others, as of a
/// [`Pool`](mp_pool::Pool). A worker that dies costs the one item that it was at, whose own error
/// says so, and is replaced. What a client wanted that died is not begun any more.
///
/// Functions are those of the program that started the server. Arguments and results travel by way of
/// the server, so they cannot have handles in them, such as proxies; and a call with a priority or
/// with deadlines has them among all calls of the pool.
///
/// # Examples
///
/// ```
/// use mp_manager::{Manager, PoolProxy};
/// use mp_pool::{Calls, TaskErrorKind};
///
/// fn careful(n: u32) -> u32 {
///     if n == 3 { std::process::abort() } else { n * n }
/// }
///
/// fn work(pool: PoolProxy) -> u32 {
///     pool.map(|n: u32| n + 1, 0..4).unwrap().iter().sum()
/// }
///
/// mp_process::init();
/// let manager = Manager::start()?;
/// let pool = manager.pool(2)?;
/// let child = mp_process::spawn(work, (pool.clone(),))?;
/// let results = pool.try_map(careful, 2..5);
/// assert_eq!(results[0].as_ref().ok(), Some(&4));
/// let error = results[1].as_ref().unwrap_err();
/// assert!(matches!(error.kind, TaskErrorKind::WorkerLost { .. }), "{error}");
/// assert_eq!(results[2].as_ref().ok(), Some(&16));
/// assert_eq!(child.join()?, 10);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[doc(alias = "Pool")]
pub struct PoolProxy {
    reference: Reference,
    executor: Arc<dyn Executor>,
}

impl PoolProxy {
    /// Takes a pool over, as soon as it has its workers.
    pub(crate) fn new(reference: Reference) -> Result<Self, ManagerError> {
        let workers = reference.request(op::READY).call()?.len()?;
        let executor = Carrier::new(reference.clone(), workers)?;
        Ok(Self { reference, executor: Arc::new(executor) })
    }

    /// Tells whether both are proxies of the same object.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.reference.is_same(&other.reference)
    }

    /// Has the pool take no more calls, from nobody. Its workers end when all is done.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    pub fn close(&self) -> Result<(), ManagerError> {
        self.reference.request(op::CLOSE).call().map(drop)
    }

    /// Ends the pool at once: whatever has no result yet has none, whoever wants it.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    pub fn terminate(&self) -> Result<(), ManagerError> {
        self.reference.request(op::TERMINATE).call().map(drop)
    }

    /// Waits until a pool that was closed or terminated has ended.
    ///
    /// # Errors
    ///
    /// [`ManagerError::Misuse`] if it was neither closed nor terminated; see [`ManagerError`] for
    /// others.
    pub fn join(&self) -> Result<(), ManagerError> {
        self.wait_for_end(None).map(drop)
    }

    /// As [`join`](Self::join), but waits no longer than `timeout`; tells whether the pool has ended.
    ///
    /// # Errors
    ///
    /// As [`join`](Self::join).
    pub fn join_timeout(&self, timeout: Duration) -> Result<bool, ManagerError> {
        self.wait_for_end(Some(timeout))
    }

    /// Tells whether the pool has ended, as [`join`](Self::join) but without waiting.
    ///
    /// # Errors
    ///
    /// As [`join`](Self::join).
    pub fn try_join(&self) -> Result<bool, ManagerError> {
        self.wait_for_end(Some(Duration::from_millis(1)))
    }

    fn wait_for_end(&self, limit: Option<Duration>) -> Result<bool, ManagerError> {
        self.reference.request(op::JOIN).limit(limit).call()?.flag()
    }
}

impl Calls for PoolProxy {
    fn executor(&self) -> &Arc<dyn Executor> {
        &self.executor
    }
}

impl Clone for PoolProxy {
    fn clone(&self) -> Self {
        Self { reference: self.reference.clone(), executor: Arc::clone(&self.executor) }
    }
}

impl fmt::Debug for PoolProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PoolProxy({:?})", self.reference)
    }
}

impl Serialize for PoolProxy {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.reference.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for PoolProxy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let reference = Reference::deserialize(deserializer)?;
        Self::new(reference).map_err(serde::de::Error::custom)
    }
}
