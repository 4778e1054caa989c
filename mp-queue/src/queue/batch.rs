//! [`Batch`]: messages that were taken together.

use std::fmt;
use std::iter::FusedIterator;
use std::marker::PhantomData;
use std::vec;

use serde::de::DeserializeOwned;

use super::error::GetError;
use super::message::decode;
use crate::store::Arrived;

/// Messages that were taken from a queue together, in order; they are decoded as they are asked
/// for, so that one that cannot be decoded does not spoil the others.
///
/// # Examples
///
/// ```
/// let queue = mp_queue::Queue::new()?;
/// queue.put_many(vec![1, 2, 3])?;
/// let batch = queue.get_many(2)?;
/// assert_eq!(batch.collect::<Result<Vec<i32>, _>>()?, [1, 2]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "the messages are no longer in the queue"]
pub struct Batch<T> {
    messages: vec::IntoIter<Arrived>,
    values: PhantomData<fn() -> T>,
}

impl<T> Batch<T> {
    pub(crate) fn new(messages: Vec<Arrived>) -> Self {
        Batch { messages: messages.into_iter(), values: PhantomData }
    }
}

impl<T: DeserializeOwned + 'static> Iterator for Batch<T> {
    type Item = Result<T, GetError>;

    fn next(&mut self) -> Option<Self::Item> {
        Some(decode(self.messages.next()?).map_err(GetError::Decode))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.messages.size_hint()
    }
}

impl<T: DeserializeOwned + 'static> ExactSizeIterator for Batch<T> {}

impl<T: DeserializeOwned + 'static> FusedIterator for Batch<T> {}

impl<T> fmt::Debug for Batch<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch").field("len", &self.messages.len()).finish()
    }
}
