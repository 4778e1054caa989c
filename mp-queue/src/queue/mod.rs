//! [`Queue`]: many producers, many consumers.

#[cfg(feature = "async")]
mod asynchronous;
mod batch;
mod builder;
mod core;
mod error;
mod get;
mod joinable;
mod message;
mod put;
mod raw;
mod readiness;
mod simple;

use std::fmt;

use mp_handle::RegionError;
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
