//! Limits of a queue.

use std::fmt;
use std::marker::PhantomData;

use mp_handle::RegionError;

use super::Queue;
use crate::store::Settings;

/// Sets the limits of a [`Queue`]; got from [`Queue::builder`].
///
/// # Examples
///
/// ```
/// use mp_queue::Queue;
///
/// let queue = Queue::builder().max_messages(100).max_bytes(5000).build()?;
/// queue.put(vec![0_u8; 4000])?;
/// assert!(queue.try_put(vec![0; 4000]).unwrap_err().is_full());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a builder makes nothing until `build`"]
pub struct QueueBuilder<T> {
    settings: Settings,
    values: PhantomData<fn(T) -> T>,
}

impl<T> QueueBuilder<T> {
    pub(super) fn new() -> Self {
        QueueBuilder { settings: Settings::default(), values: PhantomData }
    }

    /// Sets the most messages that the queue holds at a time, at least one.
    pub fn max_messages(mut self, messages: usize) -> Self {
        self.settings = self.settings.with_messages(messages);
        self
    }

    /// Sets the most bytes that the messages in the queue have in all, as they travel. A message
    /// that is longer by itself waits until the queue is empty.
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        self.settings.bytes = bytes.max(1);
        self
    }

    /// Creates the queue.
    ///
    /// # Errors
    ///
    /// Those of [`Queue::new`].
    pub fn build(self) -> Result<Queue<T>, RegionError> {
        Queue::create(self.settings)
    }
}

impl<T> fmt::Debug for QueueBuilder<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("QueueBuilder").field(&self.settings).finish()
    }
}
