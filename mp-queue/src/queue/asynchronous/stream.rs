//! [`RecvStream`]: what arrives, as a stream.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use serde::de::DeserializeOwned;

use super::Waiting;
use crate::channel::Receiver;
use crate::queue::{Core, GetError, Queue};

/// The values of a queue or a channel, as a `Stream`; made by [`Receiver::into_stream`] and
/// [`Queue::into_stream`].
///
/// It ends when all senders are gone, or the handle is closed. It panics outside of a tokio
/// runtime, or in one without I/O or time, if it has to wait.
///
/// # Examples
///
/// ```
/// use std::future::poll_fn;
/// use std::pin::pin;
/// use futures_core::Stream;
///
/// # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
/// # runtime.block_on(async {
/// let (sender, receiver) = mp_queue::channel()?;
/// sender.send_many(vec![1, 2])?;
/// drop(sender);
/// let mut numbers = pin!(receiver.into_stream());
/// let mut sum = 0;
/// while let Some(number) = poll_fn(|cx| numbers.as_mut().poll_next(cx)).await {
///     sum += number?;
/// }
/// assert_eq!(sum, 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct RecvStream<T> {
    core: Core<T>,
    waiting: Option<Waiting>,
}

impl<T> Receiver<T> {
    /// Makes a `Stream` of what arrives. Clones of the receiver may be used beside it.
    #[must_use]
    pub fn into_stream(self) -> RecvStream<T> {
        RecvStream { core: self.core, waiting: None }
    }
}

impl<T> Queue<T> {
    /// Makes a `Stream` of what is got. Clones of the queue may be used beside it.
    #[must_use]
    pub fn into_stream(self) -> RecvStream<T> {
        RecvStream { core: self.core, waiting: None }
    }
}

impl<T: DeserializeOwned + 'static> Stream for RecvStream<T> {
    type Item = Result<T, GetError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let RecvStream { core, waiting } = &mut *self;
        core.poll_get(waiting, cx).map(|got| match got {
            Err(GetError::Disconnected | GetError::Closed) => None,
            got => Some(got),
        })
    }
}

impl<T> fmt::Debug for RecvStream<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecvStream")
            .field("len", &self.core.end.store.len())
            .finish_non_exhaustive()
    }
}
