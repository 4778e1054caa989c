//! To get values from a [`Queue`].

use std::time::Duration;

use serde::de::DeserializeOwned;

use super::{Batch, GetError, Queue, Wait};

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
