//! [`RLockProxy`] and [`ConditionProxy`]: a lock that is a thread's, and sleeping on it.

use std::marker::PhantomData;
use std::time::Duration;

use super::thread_number::thread_number;
use super::{Marker, proxy};
use crate::client::Reference;
use crate::error::ManagerError;
use crate::objects::monitor_op as op;

/// A lock on a manager's server that its holder, a thread, may take several times.
///
/// If its holder dies, the lock is free at once; the next one is
/// [told](MonitorGuard::is_abandoned).
///
/// # Examples
///
/// ```
/// mp_process::init();
/// let manager = mp_manager::Manager::start()?;
/// let lock = manager.rlock()?;
/// let outer = lock.lock()?;
/// let inner = lock.lock()?;
/// std::thread::scope(|scope| {
///     scope.spawn(|| assert!(lock.try_lock().unwrap().is_none()));
/// });
/// drop((outer, inner));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct RLockProxy {
    reference: Reference,
    marker: Marker<()>,
}

proxy!(RLockProxy);

/// A condition on a manager's server, with the lock that belongs to it.
///
/// # Examples
///
/// ```
/// use mp_manager::{ConditionProxy, ListProxy};
///
/// fn produce(condition: ConditionProxy, list: ListProxy<u32>) {
///     let _guard = condition.lock().unwrap();
///     list.push(&1).unwrap();
///     condition.notify_one().unwrap();
/// }
///
/// mp_process::init();
/// let manager = mp_manager::Manager::start()?;
/// let (condition, list) = (manager.condition()?, manager.list()?);
/// let child = mp_process::spawn(produce, (condition.clone(), list.clone()))?;
/// let mut guard = condition.lock()?;
/// while list.is_empty()? {
///     guard.wait()?;
/// }
/// # drop(guard);
/// # child.join()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct ConditionProxy {
    reference: Reference,
    marker: Marker<()>,
}

proxy!(ConditionProxy);

/// Holds the lock of an [`RLockProxy`] or a [`ConditionProxy`] until it is dropped.
#[must_use = "the lock is released when this is dropped"]
#[derive(Debug)]
pub struct MonitorGuard<'a> {
    reference: &'a Reference,
    is_abandoned: bool,
    /// The lock is this thread's.
    here: PhantomData<*const ()>,
}

fn acquire(
    reference: &Reference,
    limit: Option<Duration>,
) -> Result<Option<MonitorGuard<'_>>, ManagerError> {
    let bits = reference.request(op::LOCK).number(thread_number()).limit(limit).call()?.byte()?;
    let is_abandoned = bits & op::ABANDONED != 0;
    let guard = || MonitorGuard { reference, is_abandoned, here: PhantomData };
    Ok((bits & op::LOCKED != 0).then(guard))
}

macro_rules! locking {
    ($name:ident) => {
        impl $name {
            /// Waits for the lock, and holds it until the guard is dropped.
            ///
            /// # Errors
            ///
            /// See [`ManagerError`].
            #[doc(alias = "acquire")]
            pub fn lock(&self) -> Result<MonitorGuard<'_>, ManagerError> {
                let guard = acquire(&self.reference, None)?;
                guard.ok_or(ManagerError::Protocol { what: "no lock, where one waits for ever" })
            }

            /// Takes the lock if it is free, or this thread's.
            ///
            /// # Errors
            ///
            /// See [`ManagerError`].
            pub fn try_lock(&self) -> Result<Option<MonitorGuard<'_>>, ManagerError> {
                acquire(&self.reference, Some(Duration::ZERO))
            }

            /// Waits for the lock, but no longer than `timeout`.
            ///
            /// # Errors
            ///
            /// See [`ManagerError`].
            pub fn lock_timeout(
                &self,
                timeout: Duration,
            ) -> Result<Option<MonitorGuard<'_>>, ManagerError> {
                acquire(&self.reference, Some(timeout))
            }
        }
    };
}

locking!(RLockProxy);
locking!(ConditionProxy);

impl ConditionProxy {
    /// Wakes one of those who wait.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    #[doc(alias = "notify")]
    pub fn notify_one(&self) -> Result<(), ManagerError> {
        self.notify(1)
    }

    /// Wakes up to `count` of those who wait, in the order in which they came.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    pub fn notify(&self, count: u64) -> Result<(), ManagerError> {
        let request = self.reference.request(op::NOTIFY).number(thread_number());
        request.number(count).call().map(drop)
    }

    /// Wakes all who wait.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    pub fn notify_all(&self) -> Result<(), ManagerError> {
        self.notify(u64::MAX)
    }
}

impl MonitorGuard<'_> {
    /// Gives the lock back, sleeps until it is notified, and takes the lock again. Look at what is
    /// waited for once more: others may have had the lock in between.
    ///
    /// On an [`RLockProxy`] nobody notifies.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    pub fn wait(&mut self) -> Result<(), ManagerError> {
        self.sleep(None).map(drop)
    }

    /// As [`wait`](Self::wait), but sleeps no longer than `timeout`; tells whether it was notified.
    /// It takes the lock again in any case, however long that takes.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    pub fn wait_timeout(&mut self, timeout: Duration) -> Result<bool, ManagerError> {
        self.sleep(Some(timeout))
    }

    fn sleep(&mut self, limit: Option<Duration>) -> Result<bool, ManagerError> {
        let request = self.reference.request(op::WAIT).number(thread_number());
        let bits = request.limit(limit).call()?.byte()?;
        self.is_abandoned = bits & op::ABANDONED != 0;
        Ok(bits & op::NOTIFIED != 0)
    }

    /// Tells whether the holder before this one died with the lock, so that what it protects may
    /// be left half-done.
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        self.is_abandoned
    }
}

impl Drop for MonitorGuard<'_> {
    fn drop(&mut self) {
        self.reference.request(op::UNLOCK).number(thread_number()).tell();
    }
}
