//! What all queues and channels do, whatever they are called: values over an end of a store.

use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use mp_handle::Deadline;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::batch::Batch;
use super::error::{GetError, PutError, PutReason};
use super::message::{Outgoing, decode};
use crate::store::End;

/// How long a call waits.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Wait {
    Never,
    Forever,
    For(Duration),
}

impl Wait {
    /// Returns the deadline, `None` for one who does not wait.
    #[inline]
    pub(crate) fn deadline(self) -> Option<Deadline> {
        match self {
            Wait::Never => None,
            Wait::Forever => Some(Deadline::NEVER),
            Wait::For(timeout) => Some(Deadline::after(timeout)),
        }
    }
}

/// A handle: an end of a store, for values of one type.
pub(crate) struct Core<T> {
    pub(crate) end: Arc<End>,
    closed: Arc<AtomicBool>,
    values: PhantomData<fn(T) -> T>,
}

impl<T> Clone for Core<T> {
    fn clone(&self) -> Self {
        let (end, closed) = (Arc::clone(&self.end), Arc::clone(&self.closed));
        Core { end, closed, values: PhantomData }
    }
}

impl<T> From<End> for Core<T> {
    fn from(end: End) -> Self {
        Core { end: Arc::new(end), closed: Arc::default(), values: PhantomData }
    }
}

impl<T> Core<T> {
    /// Lets this process do no more with the handle and its clones.
    pub(crate) fn close(&self) {
        self.closed.store(true, Relaxed);
    }

    #[inline]
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Relaxed)
    }
}

impl<T: Serialize + 'static> Core<T> {
    #[inline]
    pub(crate) fn put(&self, value: T, wait: Wait) -> Result<(), PutError<T>> {
        match self.put_ref(&value, wait) {
            Ok(()) => Ok(()),
            Err(reason) => Err(PutError::new(value, reason)),
        }
    }

    #[inline]
    fn put_ref(&self, value: &T, wait: Wait) -> Result<(), PutReason> {
        if self.is_closed() {
            return Err(PutReason::Closed);
        }
        let outgoing = Outgoing::new(value)?;
        Ok(self.end.put(&outgoing.message(), wait.deadline())?)
    }

    /// Puts the values in order; those that were not put are in the error.
    pub(crate) fn put_many(&self, values: Vec<T>, wait: Wait) -> Result<(), PutError<Vec<T>>> {
        let deadline = wait.deadline();
        let mut put = 0;
        let outcome = (|| {
            if self.is_closed() {
                return Err(PutReason::Closed);
            }
            while put < values.len() {
                put += self.put_some(&values[put..], deadline)?;
            }
            Ok(())
        })();
        outcome.map_err(|reason| PutError::new(values.into_iter().skip(put).collect(), reason))
    }

    /// Puts as many of the values as go at once, at least one.
    fn put_some(&self, values: &[T], deadline: Option<Deadline>) -> Result<usize, PutReason> {
        /// As many are encoded before the lock is taken.
        const BATCH: usize = 64;
        let mut outgoing = Vec::with_capacity(BATCH.min(values.len()));
        let mut failed = None;
        for value in values.iter().take(BATCH) {
            match Outgoing::new(value) {
                Ok(encoded) => outgoing.push(encoded),
                Err(error) => {
                    failed = Some(error);
                    break;
                }
            }
        }
        match failed {
            Some(error) if outgoing.is_empty() => Err(error.into()),
            // The one that cannot be encoded is met again, when those before it are gone.
            _ => Ok(self.end.put_some(outgoing.iter().map(Outgoing::message), deadline)?),
        }
    }
}

impl<T: DeserializeOwned + 'static> Core<T> {
    #[inline]
    pub(crate) fn get(&self, wait: Wait) -> Result<T, GetError> {
        if self.is_closed() {
            return Err(GetError::Closed);
        }
        match self.end.get(wait.deadline()) {
            Ok(arrived) => decode(arrived).map_err(GetError::Decode),
            Err(refusal) => Err(GetError::new(refusal, matches!(wait, Wait::Never))),
        }
    }

    /// Waits for a value, and takes those that are there with it, up to `max`.
    pub(crate) fn get_many(&self, max: usize, wait: Wait) -> Result<Batch<T>, GetError> {
        if self.is_closed() {
            return Err(GetError::Closed);
        }
        let arrived = match max {
            0 => Ok(Vec::new()),
            _ => self.end.get_some(max, wait.deadline()),
        };
        match arrived {
            Ok(arrived) => Ok(Batch::new(arrived)),
            Err(refusal) => Err(GetError::new(refusal, matches!(wait, Wait::Never))),
        }
    }
}
