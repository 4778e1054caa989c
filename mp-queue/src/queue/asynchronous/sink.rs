//! [`SendSink`]: a place where to put things, as a sink.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_sink::Sink;
use serde::Serialize;

use super::Waiting;
use super::put::Unsent;
use crate::channel::Sender;
use crate::queue::{Core, PutError, Queue};

/// A queue or a channel as a `Sink`; made by [`Sender::into_sink`] and [`Queue::into_sink`].
///
/// What it has accepted is in the queue once it has been flushed: one value at a time may be
/// neither, and is lost if the sink is dropped. It panics outside of a tokio runtime, or in one
/// without I/O or time, if it has to wait.
///
/// # Examples
///
/// ```
/// use std::future::poll_fn;
/// use std::pin::pin;
/// use futures_sink::Sink;
///
/// # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
/// # runtime.block_on(async {
/// let queue = mp_queue::Queue::new()?;
/// let mut sink = pin!(queue.clone().into_sink());
/// for number in 0..3 {
///     poll_fn(|cx| sink.as_mut().poll_ready(cx)).await?;
///     sink.as_mut().start_send(number)?;
/// }
/// poll_fn(|cx| sink.as_mut().poll_flush(cx)).await?;
/// assert_eq!(queue.len(), 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct SendSink<T> {
    core: Core<T>,
    unsent: Option<Unsent<T>>,
    waiting: Option<Waiting>,
}

impl<T> From<Core<T>> for SendSink<T> {
    fn from(core: Core<T>) -> Self {
        SendSink { core, unsent: None, waiting: None }
    }
}

impl<T> Sender<T> {
    /// Makes a `Sink` of the sender. Clones of the sender may be used beside it.
    #[must_use]
    pub fn into_sink(self) -> SendSink<T> {
        self.core.into()
    }
}

impl<T> Queue<T> {
    /// Makes a `Sink` of the queue. Clones of the queue may be used beside it.
    #[must_use]
    pub fn into_sink(self) -> SendSink<T> {
        self.core.into()
    }
}

// Nothing here is pinned.
impl<T> Unpin for SendSink<T> {}

impl<T: Serialize + 'static> Sink<T> for SendSink<T> {
    type Error = PutError<T>;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), PutError<T>>> {
        self.poll_flush(cx)
    }

    fn start_send(mut self: Pin<&mut Self>, value: T) -> Result<(), PutError<T>> {
        self.unsent = Some(Unsent::new(value)?);
        Ok(())
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), PutError<T>>> {
        let SendSink { core, unsent, waiting } = &mut *self;
        core.poll_put(unsent, waiting, cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), PutError<T>>> {
        self.poll_flush(cx)
    }
}

impl<T> fmt::Debug for SendSink<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendSink")
            .field("len", &self.core.end.store.len())
            .field("is_flushed", &self.unsent.is_none())
            .finish_non_exhaustive()
    }
}
