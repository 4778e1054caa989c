//! [`SimpleQueue`]: put, get, nothing else.

use std::fmt;

use mp_handle::RegionError;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Queue;
use super::error::{GetError, PutError};

/// A [`Queue`] without limits and options, for those who know it from Python.
///
/// Unlike there, to put never waits for one who gets.
///
/// # Examples
///
/// ```
/// let queue = mp_queue::SimpleQueue::new()?;
/// queue.put("hello".to_string())?;
/// assert!(!queue.is_empty());
/// assert_eq!(queue.get()?, "hello");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct SimpleQueue<T> {
    queue: Queue<T>,
}

impl<T> SimpleQueue<T> {
    /// Creates a queue.
    ///
    /// # Errors
    ///
    /// Those of [`Queue::new`].
    pub fn new() -> Result<Self, RegionError> {
        Ok(SimpleQueue { queue: Queue::new()? })
    }

    /// Tells whether there is no message in the queue, exactly.
    #[must_use]
    #[doc(alias = "empty")]
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Lets this process do no more with this handle and its clones.
    pub fn close(&self) {
        self.queue.close();
    }
}

impl<T: Serialize + 'static> SimpleQueue<T> {
    /// Puts a value.
    ///
    /// # Errors
    ///
    /// Those of [`Queue::put`].
    pub fn put(&self, value: T) -> Result<(), PutError<T>> {
        self.queue.put(value)
    }
}

impl<T: DeserializeOwned + 'static> SimpleQueue<T> {
    /// Gets the next value, waiting for it as long as it takes.
    ///
    /// # Errors
    ///
    /// Those of [`Queue::get`].
    pub fn get(&self) -> Result<T, GetError> {
        self.queue.get()
    }
}

impl<T> Clone for SimpleQueue<T> {
    fn clone(&self) -> Self {
        SimpleQueue { queue: self.queue.clone() }
    }
}

impl<T> Serialize for SimpleQueue<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.queue.serialize(serializer)
    }
}

impl<'de, T> Deserialize<'de> for SimpleQueue<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(SimpleQueue { queue: Queue::deserialize(deserializer)? })
    }
}

impl<T> fmt::Debug for SimpleQueue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SimpleQueue").field(&self.queue).finish()
    }
}
