//! [`QueueProxy`] and [`JoinableQueueProxy`]: queues that a manager serves.

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Marker, proxy};
use crate::client::Reference;
use crate::error::ManagerError;
use crate::objects::queue_op as op;

/// A queue on a manager's server, for programs that share nothing but the server, and for values
/// that name other objects. (Between processes of one program a queue in shared memory is faster.)
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// mp_process::init();
/// let manager = mp_manager::Manager::start()?;
/// let queue = manager.queue::<String>(1)?;
/// queue.put(&"one".into())?;
/// assert!(!queue.put_timeout(&"two".into(), Duration::from_millis(5))?);
/// assert_eq!(queue.get()?, "one");
/// assert_eq!(queue.try_get()?, None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct QueueProxy<T> {
    reference: Reference,
    marker: Marker<T>,
}

proxy!(QueueProxy, T);

/// A queue on a manager's server that can be waited for until all is done.
///
/// What a process had taken that dies counts as done.
///
/// # Examples
///
/// ```
/// use mp_manager::JoinableQueueProxy;
///
/// fn work(queue: JoinableQueueProxy<u32>) {
///     while queue.get().unwrap() > 0 {
///         queue.task_done().unwrap();
///     }
///     queue.task_done().unwrap();
/// }
///
/// mp_process::init();
/// let manager = mp_manager::Manager::start()?;
/// let queue = manager.joinable_queue(0)?;
/// for n in [3, 2, 1, 0] {
///     queue.put(&n)?;
/// }
/// let child = mp_process::spawn(work, (queue.clone(),))?;
/// queue.join()?;
/// # child.join()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct JoinableQueueProxy<T> {
    reference: Reference,
    marker: Marker<T>,
}

proxy!(JoinableQueueProxy, T);

macro_rules! queueing {
    ($name:ident) => {
        impl<T> $name<T> {
            /// Returns the number of values in the queue.
            ///
            /// # Errors
            ///
            /// See [`ManagerError`].
            #[doc(alias = "qsize")]
            pub fn len(&self) -> Result<usize, ManagerError> {
                self.reference.request(op::LEN).call()?.len()
            }

            /// Tells whether there is no value in the queue.
            ///
            /// # Errors
            ///
            /// See [`ManagerError`].
            #[doc(alias = "empty")]
            pub fn is_empty(&self) -> Result<bool, ManagerError> {
                Ok(self.len()? == 0)
            }

            /// Throws away what is in the queue.
            ///
            /// # Errors
            ///
            /// See [`ManagerError`].
            pub fn clear(&self) -> Result<(), ManagerError> {
                self.reference.request(op::CLEAR).call().map(drop)
            }
        }

        impl<T: Serialize + DeserializeOwned> $name<T> {
            /// Puts a value, waiting for room as long as it takes.
            ///
            /// # Errors
            ///
            /// See [`ManagerError`].
            pub fn put(&self, value: &T) -> Result<(), ManagerError> {
                self.put_until(value, None).map(drop)
            }

            /// Puts a value if there is room; tells whether there was.
            ///
            /// # Errors
            ///
            /// See [`ManagerError`].
            #[doc(alias = "put_nowait")]
            pub fn try_put(&self, value: &T) -> Result<bool, ManagerError> {
                self.put_until(value, Some(Duration::ZERO))
            }

            /// Puts a value, waiting up to `timeout` for room; tells whether there was.
            ///
            /// # Errors
            ///
            /// See [`ManagerError`].
            pub fn put_timeout(&self, value: &T, timeout: Duration) -> Result<bool, ManagerError> {
                self.put_until(value, Some(timeout))
            }

            fn put_until(&self, value: &T, limit: Option<Duration>) -> Result<bool, ManagerError> {
                self.reference.request(op::PUT).limit(limit).value(value)?.call()?.flag()
            }

            /// Gets the next value, waiting for it as long as it takes.
            ///
            /// # Errors
            ///
            /// See [`ManagerError`].
            pub fn get(&self) -> Result<T, ManagerError> {
                let value = self.get_until(None)?;
                value.ok_or(ManagerError::Protocol { what: "no value, where one waits for ever" })
            }

            /// Gets the next value if there is one.
            ///
            /// # Errors
            ///
            /// See [`ManagerError`].
            #[doc(alias = "get_nowait")]
            pub fn try_get(&self) -> Result<Option<T>, ManagerError> {
                self.get_until(Some(Duration::ZERO))
            }

            /// Gets the next value, waiting up to `timeout` for it.
            ///
            /// # Errors
            ///
            /// See [`ManagerError`].
            pub fn get_timeout(&self, timeout: Duration) -> Result<Option<T>, ManagerError> {
                self.get_until(Some(timeout))
            }

            fn get_until(&self, limit: Option<Duration>) -> Result<Option<T>, ManagerError> {
                self.reference.request(op::GET).limit(limit).call()?.optional()
            }
        }
    };
}

queueing!(QueueProxy);
queueing!(JoinableQueueProxy);

impl<T> JoinableQueueProxy<T> {
    /// Says that a value which this process got is done.
    ///
    /// # Errors
    ///
    /// [`ManagerError::Misuse`] if all that it got is done; see [`ManagerError`] for others.
    pub fn task_done(&self) -> Result<(), ManagerError> {
        self.reference.request(op::TASK_DONE).call().map(drop)
    }

    /// Waits until all that was put is done.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    pub fn join(&self) -> Result<(), ManagerError> {
        self.reference.request(op::JOIN).limit(None).call().map(drop)
    }

    /// As [`join`](Self::join), but waits no longer than `timeout`; tells whether all is done.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    pub fn join_timeout(&self, timeout: Duration) -> Result<bool, ManagerError> {
        self.reference.request(op::JOIN).limit(Some(timeout)).call()?.flag()
    }
}
