//! To put, from asynchronous code.

use std::future::poll_fn;
use std::task::{Context, Poll, ready};

use mp_handle::{CodecError, Parcel};
use serde::Serialize;

use super::Waiting;
use super::waiting::poll_until;
use crate::channel::Sender;
use crate::queue::message::Outgoing;
use crate::queue::{Core, PutError, PutReason, Queue};
use crate::store::{Content, Message};

/// A value that is on its way: encoded once, however often it is tried to put it.
pub(super) struct Unsent<T> {
    value: T,
    /// `None` if the value is bytes that travel as they are.
    parcel: Option<Parcel>,
}

impl<T: Serialize + 'static> Unsent<T> {
    pub(super) fn new(value: T) -> Result<Unsent<T>, PutError<T>> {
        match encode(&value) {
            Ok(parcel) => Ok(Unsent { value, parcel }),
            Err(error) => Err(PutError::new(value, error)),
        }
    }

    fn put(&self, core: &Core<T>) -> Result<(), PutReason> {
        if core.is_closed() {
            return Err(PutReason::Closed);
        }
        match &self.parcel {
            None => core.end.put(&Outgoing::new(&self.value)?.message(), None)?,
            Some(parcel) => {
                let (bytes, descriptors) = (parcel.bytes(), parcel.descriptors());
                let message = Message { content: Content::Encoded, bytes, descriptors };
                core.end.put(&message, None)?;
            }
        }
        Ok(())
    }
}

fn encode<T: Serialize + 'static>(value: &T) -> Result<Option<Parcel>, CodecError> {
    Ok(match Outgoing::new(value)? {
        Outgoing::Raw(_) => None,
        Outgoing::Encoded(parcel) => Some(parcel),
    })
}

impl<T: Serialize + 'static> Core<T> {
    /// Puts what is not sent yet, or waits for room by `waiting`. If there is nothing it is
    /// done.
    pub(super) fn poll_put(
        &self,
        unsent: &mut Option<Unsent<T>>,
        waiting: &mut Option<Waiting>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), PutError<T>>> {
        let Some(sending) = unsent else { return Poll::Ready(Ok(())) };
        let put_now = || Some(sending.put(self)).filter(|put| !matches!(put, Err(PutReason::Full)));
        let attempt = || {
            put_now().or_else(|| {
                // Who has armed looks once more: somebody may have made room before.
                self.end.arm_for_room();
                put_now()
            })
        };
        let put = ready!(poll_until(waiting, self.end.producers_fd(), cx, attempt));
        Poll::Ready(match (put, unsent.take()) {
            (Err(reason), Some(unsent)) => Err(PutError::new(unsent.value, reason)),
            _ => Ok(()),
        })
    }

    async fn put_async(&self, value: T) -> Result<(), PutError<T>> {
        let (mut unsent, mut waiting) = (Some(Unsent::new(value)?), None);
        poll_fn(|cx| self.poll_put(&mut unsent, &mut waiting, cx)).await
    }
}

impl<T: Serialize + 'static> Queue<T> {
    /// Puts a value, letting other tasks run until there is room.
    ///
    /// A future that is dropped before its end has put nothing, and drops the value. An example is
    /// at [`get_async`](Self::get_async).
    ///
    /// # Errors
    ///
    /// Those of [`put`](Self::put).
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime, or in one without I/O or time, if it has to wait.
    pub async fn put_async(&self, value: T) -> Result<(), PutError<T>> {
        self.core.put_async(value).await
    }
}

impl<T: Serialize + 'static> Sender<T> {
    /// Sends a value, letting other tasks run until there is room.
    ///
    /// A future that is dropped before its end has sent nothing, and drops the value.
    ///
    /// # Errors
    ///
    /// Those of [`send`](Self::send).
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime, or in one without I/O or time, if it has to wait.
    ///
    /// # Examples
    ///
    /// ```
    /// # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    /// # runtime.block_on(async {
    /// let (sender, receiver) = mp_queue::sync_channel(1)?;
    /// sender.send_async("one".to_string()).await?;
    /// assert_eq!(receiver.recv_async().await?, "one");
    /// drop(receiver);
    /// assert!(sender.send_async("two".to_string()).await.unwrap_err().is_disconnected());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub async fn send_async(&self, value: T) -> Result<(), PutError<T>> {
        self.core.put_async(value).await
    }
}
