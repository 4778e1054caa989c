//! [`Queue`]: many producers, many consumers.

#[cfg(feature = "async")]
mod asynchronous;
mod batch;
mod builder;
mod core;
mod error;
mod joinable;
mod message;
mod raw;
mod readiness;
mod simple;

use std::fmt;
use std::time::Duration;

use mp_handle::RegionError;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

#[cfg(feature = "async")]
pub use asynchronous::{RecvStream, SendSink};
pub use batch::Batch;
pub use builder::QueueBuilder;
pub use error::{GetError, JoinError, PutError, PutReason, TaskDoneError};
pub use joinable::JoinableQueue;
pub use raw::{InPlace, Loan, OutOfMessage};
pub use readiness::Readiness;
pub use simple::SimpleQueue;

pub(crate) use self::core::{Core, Wait};
use crate::store::{End, Settings, Side};
use message::decode;

/// A queue between processes, and between their threads: what one puts, one gets.
///
/// Messages of one producer arrive in the order in which it put them. When [`put`](Self::put) has
/// returned, the message is in the queue: the process may exit, be killed, or be waited for by one
/// who has not got it yet. Any process with the queue may be killed at any moment; a message that
/// it was putting is then in the queue whole or not at all, and one that it was getting is left to
/// the next. Those who wait go on.
///
/// A queue holds as much as memory allows unless it was [built](Self::builder) with limits. It is a
/// handle: clones and copies in other processes are the same queue; it goes when the last is gone.
///
/// What has a descriptor (a lock, an array, a file, another queue) can be in a message too.
///
/// # Examples
///
/// ```
/// use mp_process::spawn;
/// use mp_queue::Queue;
///
/// fn square(numbers: Queue<u64>, squares: Queue<u64>) {
///     while let number @ 1.. = numbers.get().unwrap() {
///         squares.put(number * number).unwrap();
///     }
/// }
///
/// mp_process::init();
/// let (numbers, squares) = (Queue::new()?, Queue::new()?);
/// let child = spawn(square, (numbers.clone(), squares.clone()))?;
/// numbers.put_many(vec![7, 8, 0])?;
/// child.join()?;
/// assert_eq!((squares.get()?, squares.get()?), (49, 64));
/// assert!(squares.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Queue<T> {
    core: Core<T>,
}

impl<T> Queue<T> {
    /// Creates a queue without limits.
    ///
    /// # Errors
    ///
    /// Fails if the system refuses three descriptors or a page of shared memory.
    pub fn new() -> Result<Queue<T>, RegionError> {
        Queue::builder().build()
    }

    /// Creates a queue of at most `messages` messages, at least one.
    ///
    /// # Errors
    ///
    /// Those of [`new`](Self::new).
    ///
    /// # Examples
    ///
    /// ```
    /// use mp_queue::Queue;
    ///
    /// let queue = Queue::bounded(1)?;
    /// queue.put("one")?;
    /// let error = queue.try_put("two").unwrap_err();
    /// assert!(error.is_full());
    /// assert_eq!(error.into_inner(), "two");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "maxsize")]
    pub fn bounded(messages: usize) -> Result<Queue<T>, RegionError> {
        Queue::builder().max_messages(messages).build()
    }

    /// Returns a builder, to set limits.
    pub fn builder() -> QueueBuilder<T> {
        QueueBuilder::new()
    }

    pub(crate) fn create(settings: Settings) -> Result<Queue<T>, RegionError> {
        Ok(Queue { core: End::create(settings)?.into() })
    }

    /// Returns the number of messages in the queue, exactly.
    #[must_use]
    #[doc(alias = "qsize")]
    pub fn len(&self) -> usize {
        self.core.end.store.len()
    }

    /// Returns the number of bytes that the messages in the queue have in all, as they travel.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.core.end.store.bytes()
    }

    /// Tells whether there is no message in the queue, exactly.
    #[must_use]
    #[doc(alias = "empty")]
    pub fn is_empty(&self) -> bool {
        self.core.end.store.is_empty()
    }

    /// Tells whether a limit leaves no room for a message, exactly.
    #[must_use]
    #[doc(alias = "full")]
    pub fn is_full(&self) -> bool {
        self.core.end.store.is_full()
    }

    /// Returns the limit of messages, `None` if there is none.
    #[must_use]
    pub fn capacity(&self) -> Option<usize> {
        self.core.end.store.capacity()
    }

    /// Lets this process do no more with this handle and its clones: to put or get is an error from
    /// now on. Other processes, and other handles that have travelled here, are not affected.
    pub fn close(&self) {
        self.core.close();
    }

    /// Tells whether this handle was closed.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.core.is_closed()
    }
}

impl<T: Serialize + 'static> Queue<T> {
    /// Puts a value, waiting for room as long as it takes.
    ///
    /// # Errors
    ///
    /// The value, and [why](PutReason) it was not put; the queue is then as it was.
    #[inline]
    pub fn put(&self, value: T) -> Result<(), PutError<T>> {
        self.core.put(value, Wait::Forever)
    }

    /// Puts a value if there is room.
    ///
    /// # Errors
    ///
    /// Those of [`put`](Self::put), and [`PutReason::Full`].
    #[inline]
    #[doc(alias = "put_nowait")]
    pub fn try_put(&self, value: T) -> Result<(), PutError<T>> {
        self.core.put(value, Wait::Never)
    }

    /// Puts a value, waiting up to `timeout` for room.
    ///
    /// # Errors
    ///
    /// Those of [`put`](Self::put), and [`PutReason::Full`] when the time is over.
    #[inline]
    pub fn put_timeout(&self, value: T, timeout: Duration) -> Result<(), PutError<T>> {
        self.core.put(value, Wait::For(timeout))
    }

    /// Puts several values, in order, waiting for room as long as it takes. Others may put theirs
    /// between them.
    ///
    /// # Errors
    ///
    /// Those of [`put`](Self::put) for the first value that was not put, with it and those behind
    /// it.
    ///
    /// # Examples
    ///
    /// ```
    /// let queue = mp_queue::Queue::new()?;
    /// queue.put_many((0..1000).collect())?;
    /// assert_eq!(queue.len(), 1000);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn put_many(&self, values: Vec<T>) -> Result<(), PutError<Vec<T>>> {
        self.core.put_many(values, Wait::Forever)
    }

    /// Puts as many of the values, in order, as there is room for.
    ///
    /// # Errors
    ///
    /// As [`put_many`](Self::put_many), and [`PutReason::Full`] with those that had no room.
    pub fn try_put_many(&self, values: Vec<T>) -> Result<(), PutError<Vec<T>>> {
        self.core.put_many(values, Wait::Never)
    }

    /// Puts several values, in order, waiting up to `timeout` for room for all.
    ///
    /// # Errors
    ///
    /// As [`put_many`](Self::put_many), and [`PutReason::Full`] when the time is over, with those
    /// that had no room.
    pub fn put_many_timeout(
        &self,
        values: Vec<T>,
        timeout: Duration,
    ) -> Result<(), PutError<Vec<T>>> {
        self.core.put_many(values, Wait::For(timeout))
    }
}

impl<T: DeserializeOwned + 'static> Queue<T> {
    /// Gets the next value, waiting for it as long as it takes.
    ///
    /// # Errors
    ///
    /// [`GetError::Closed`] if this handle was closed, and [others](GetError) for want of
    /// something, or if what is in the queue is not what it should be.
    #[inline]
    pub fn get(&self) -> Result<T, GetError> {
        self.core.get(Wait::Forever)
    }

    /// Gets the next value if there is one.
    ///
    /// # Errors
    ///
    /// Those of [`get`](Self::get), and [`GetError::Empty`].
    #[inline]
    #[doc(alias = "get_nowait")]
    pub fn try_get(&self) -> Result<T, GetError> {
        self.core.get(Wait::Never)
    }

    /// Gets the next value, waiting up to `timeout` for it.
    ///
    /// # Errors
    ///
    /// Those of [`get`](Self::get), and [`GetError::TimedOut`].
    #[inline]
    pub fn get_timeout(&self, timeout: Duration) -> Result<T, GetError> {
        self.core.get(Wait::For(timeout))
    }

    /// Waits for a value as long as it takes, and gets all that are there, up to `max` and to about
    /// a mebibyte.
    ///
    /// # Errors
    ///
    /// Those of [`get`](Self::get) for the first; what is wrong with the others is told when they
    /// are got.
    pub fn get_many(&self, max: usize) -> Result<Batch<T>, GetError> {
        self.core.get_many(max, Wait::Forever)
    }

    /// Gets the values that are there, up to `max` and to about a mebibyte.
    ///
    /// # Errors
    ///
    /// As [`get_many`](Self::get_many), and [`GetError::Empty`].
    pub fn try_get_many(&self, max: usize) -> Result<Batch<T>, GetError> {
        self.core.get_many(max, Wait::Never)
    }

    /// Waits up to `timeout` for a value, and gets all that are there, up to `max` and to about a
    /// mebibyte.
    ///
    /// # Errors
    ///
    /// As [`get_many`](Self::get_many), and [`GetError::TimedOut`].
    pub fn get_many_timeout(&self, max: usize, timeout: Duration) -> Result<Batch<T>, GetError> {
        self.core.get_many(max, Wait::For(timeout))
    }
}

impl<T> Clone for Queue<T> {
    fn clone(&self) -> Self {
        Queue { core: self.core.clone() }
    }
}

impl<T> Serialize for Queue<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.core.end.serialize(serializer)
    }
}

impl<'de, T> Deserialize<'de> for Queue<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Queue<T>, D::Error> {
        Ok(Queue { core: End::deserialize(deserializer, Side::Both, false)?.into() })
    }
}

impl<T> fmt::Debug for Queue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue").field("len", &self.len()).finish_non_exhaustive()
    }
}
