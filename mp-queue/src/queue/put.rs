//! To put values into a [`Queue`].

use std::time::Duration;

use serde::Serialize;

use super::{PutError, Queue, Wait};

impl<T: Serialize + 'static> Queue<T> {
    /// Puts a value, waiting for room as long as it takes.
    ///
    /// # Errors
    ///
    /// The value, and [why](crate::PutReason) it was not put; the queue is then as it was.
    #[inline]
    pub fn put(&self, value: T) -> Result<(), PutError<T>> {
        self.core.put(value, Wait::Forever)
    }

    /// Puts a value if there is room.
    ///
    /// # Errors
    ///
    /// Those of [`put`](Self::put), and [`PutReason::Full`].
    ///
    /// [`PutReason::Full`]: crate::PutReason::Full
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
    ///
    /// [`PutReason::Full`]: crate::PutReason::Full
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
    ///
    /// [`PutReason::Full`]: crate::PutReason::Full
    pub fn try_put_many(&self, values: Vec<T>) -> Result<(), PutError<Vec<T>>> {
        self.core.put_many(values, Wait::Never)
    }

    /// Puts several values, in order, waiting up to `timeout` for room for all.
    ///
    /// # Errors
    ///
    /// As [`put_many`](Self::put_many), and [`PutReason::Full`] when the time is over, with those
    /// that had no room.
    ///
    /// [`PutReason::Full`]: crate::PutReason::Full
    pub fn put_many_timeout(
        &self,
        values: Vec<T>,
        timeout: Duration,
    ) -> Result<(), PutError<Vec<T>>> {
        self.core.put_many(values, Wait::For(timeout))
    }
}
