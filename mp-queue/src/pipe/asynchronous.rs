//! [`AsyncConnection`]: a [`Connection`] that tokio waits for.
#![allow(unsafe_code)]

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use futures_sink::Sink;
use mp_handle::Parcel;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::unix::AsyncFd;

use super::{Connection, RecvError, SendError};

/// A [`Connection`] for asynchronous code, made by [`Connection::into_async`].
///
/// The runtime's own poll waits for it: there is no thread behind it. Both methods may be
/// cancelled; a message is taken or sent whole, or not at all. It is a `Stream` too, which ends
/// with the other end, and a `Sink`.
///
/// # Examples
///
/// ```
/// # let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
/// # runtime.block_on(async {
/// let (ours, theirs) = mp_queue::connection::pipe::<u32, u32>()?;
/// let (ours, theirs) = (ours.into_async()?, theirs.into_async()?);
/// ours.send(&21).await?;
/// let n = theirs.recv().await?;
/// theirs.send(&(2 * n)).await?;
/// assert_eq!(ours.recv().await?, 42);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct AsyncConnection<S, R> {
    connection: AsyncFd<Connection<S, R>>,
    /// What the sink has taken and not yet sent.
    unsent: Option<Parcel>,
}

impl<S, R> Connection<S, R> {
    /// Hands the connection to the runtime.
    ///
    /// # Errors
    ///
    /// The system's error from epoll_ctl(2).
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime, or in one without I/O.
    pub fn into_async(self) -> io::Result<AsyncConnection<S, R>> {
        // SAFETY: a connection owns its socket, never exchanges it, and closes it when dropped.
        let connection = unsafe { AsyncFd::register(self) }?;
        Ok(AsyncConnection { connection, unsent: None })
    }
}

impl<S, R> AsyncConnection<S, R> {
    /// Gives the connection back. What the sink has not sent is lost.
    #[must_use]
    pub fn into_inner(self) -> Connection<S, R> {
        self.connection.into_inner()
    }
}

impl<S: Serialize, R> AsyncConnection<S, R> {
    /// Sends a value, once there is room.
    ///
    /// # Errors
    ///
    /// See [`SendError`].
    pub async fn send(&self, value: &S) -> Result<(), SendError> {
        let parcel = Parcel::encode(value).map_err(SendError::Codec)?;
        loop {
            let mut ready = self.connection.writable().await?;
            match self.connection.get_ref().post(&parcel) {
                Err(SendError::TimedOut) => ready.clear_ready(),
                other => return other,
            }
        }
    }
}

impl<S, R: DeserializeOwned> AsyncConnection<S, R> {
    /// Receives the next value.
    ///
    /// # Errors
    ///
    /// See [`RecvError`].
    pub async fn recv(&self) -> Result<R, RecvError> {
        loop {
            let mut ready = self.connection.readable().await?;
            match self.connection.get_ref().take() {
                Err(RecvError::TimedOut) => ready.clear_ready(),
                other => return other?.decode().map_err(RecvError::Codec),
            }
        }
    }
}

impl<S, R: DeserializeOwned> Stream for AsyncConnection<S, R> {
    type Item = Result<R, RecvError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            let mut ready = ready!(self.connection.poll_read_ready(cx))?;
            match self.connection.get_ref().take() {
                Err(RecvError::TimedOut) => ready.clear_ready(),
                Err(RecvError::Disconnected) => return Poll::Ready(None),
                Err(error) => return Poll::Ready(Some(Err(error))),
                Ok(parcel) => {
                    return Poll::Ready(Some(parcel.decode().map_err(RecvError::Codec)));
                }
            }
        }
    }
}

impl<S: Serialize, R> Sink<S> for AsyncConnection<S, R> {
    type Error = SendError;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        Sink::<S>::poll_flush(self, cx)
    }

    fn start_send(mut self: Pin<&mut Self>, value: S) -> Result<(), SendError> {
        self.unsent = Some(Parcel::encode(&value).map_err(SendError::Codec)?);
        Ok(())
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        while let Some(parcel) = &self.unsent {
            let mut ready = ready!(self.connection.poll_write_ready(cx))?;
            match self.connection.get_ref().post(parcel) {
                Err(SendError::TimedOut) => ready.clear_ready(),
                sent => {
                    drop(ready);
                    self.unsent = None;
                    return Poll::Ready(sent);
                }
            }
        }
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        Sink::<S>::poll_flush(self, cx)
    }
}
