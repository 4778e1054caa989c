//! Results that come one by one, of items that were all handed in before.

use std::fmt;
use std::iter::FusedIterator;
use std::time::Duration;

use mp_handle::Deadline;
use serde::de::DeserializeOwned;

use crate::error::NotReady;
use crate::flight::Flight;
use crate::task_error::TaskError;

/// The results of [`Task::results`](crate::Task::results), in the order of the items: each as soon
/// as it is there, also when the executor was dropped meanwhile.
///
/// A failure is given in its place, and the others go on. Dropping this gives up what has not
/// begun.
#[must_use = "dropping it gives up what has not begun"]
pub struct Results<R> {
    flight: Flight<R>,
}

impl<R: DeserializeOwned> Results<R> {
    pub(crate) fn new(flight: Flight<R>) -> Self {
        Self { flight }
    }

    /// Takes the next result, but waits for it no longer than `timeout`.
    ///
    /// # Errors
    ///
    /// [`NotReady`] if it is not there in time. It may be asked for again.
    pub fn next_timeout(
        &mut self,
        timeout: Duration,
    ) -> Result<Option<Result<R, TaskError>>, NotReady> {
        self.flight.next(Deadline::after(timeout))
    }

    /// Takes the next result if it is there.
    ///
    /// # Errors
    ///
    /// [`NotReady`] if it is not.
    pub fn try_next(&mut self) -> Result<Option<Result<R, TaskError>>, NotReady> {
        self.flight.next(Deadline::now())
    }
}

impl<R: DeserializeOwned> Iterator for Results<R> {
    type Item = Result<R, TaskError>;

    fn next(&mut self) -> Option<Self::Item> {
        // Without a time limit it is ready sooner or later.
        self.flight.next(Deadline::NEVER).ok().flatten()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.flight.items(), Some(self.flight.items()))
    }
}

impl<R: DeserializeOwned> ExactSizeIterator for Results<R> {}

impl<R: DeserializeOwned> FusedIterator for Results<R> {}

impl<R> fmt::Debug for Results<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Results").field("left", &self.flight.items()).finish()
    }
}
