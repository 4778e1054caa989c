//! [`ByteConnection`]: messages of bytes over a stream socket, framed as CPython frames them.

mod error;
mod frame;
mod socket;
mod turn;
mod values;

use std::io::{self, IoSlice};
use std::net::TcpStream;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use mp_handle::{Deadline, wait_readable};

use crate::wait::wait_writable;
use turn::Turn;

pub use error::{RecvBytesError, SendBytesError};
pub(crate) use frame::FrameReader;
pub(crate) use socket::{Socket, is_disconnect};

/// The longest message that is received, unless another limit is set: 64 MiB.
pub(crate) const FRAME_LIMIT: u64 = 64 << 20;

/// A connection that carries messages of bytes to any program that speaks the protocol of
/// Python's `multiprocessing.connection`, on this machine or another.
///
/// [`Listener`](crate::connection::Listener) and [`Client`](crate::connection::Client) make them;
/// so does `From` of a Unix or TCP stream. Between Rust programs it also carries values, with
/// [`send`](Self::send) and [`recv`](Self::recv), though no handles: those travel through a
/// [`Connection`](crate::connection::Connection).
///
/// All methods take `&self`, and threads may share a connection: messages are never mixed up.
///
/// # Examples
///
/// ```
/// use std::os::unix::net::UnixStream;
/// use mp_queue::connection::{ByteConnection, RecvBytesError};
///
/// let (one, other) = UnixStream::pair()?;
/// let (one, other) = (ByteConnection::from(one), ByteConnection::from(other));
/// one.send_bytes(b"hello")?;
/// assert_eq!(other.recv_bytes()?, b"hello");
///
/// other.send(&("pi", 3.14))?;
/// assert_eq!(one.recv::<(String, f64)>()?, ("pi".to_owned(), 3.14));
///
/// drop(one);
/// assert!(matches!(other.recv_bytes(), Err(RecvBytesError::Disconnected)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct ByteConnection {
    socket: Socket,
    reader: Mutex<FrameReader>,
    turn: Turn,
    limit: AtomicU64,
}

impl ByteConnection {
    pub(crate) fn new(socket: Socket, limit: u64) -> Self {
        let limit = AtomicU64::new(limit);
        Self { socket, reader: Mutex::default(), turn: Turn::default(), limit }
    }

    /// Returns the length of the longest message that is received.
    #[must_use]
    pub fn frame_limit(&self) -> u64 {
        self.limit.load(Ordering::Relaxed)
    }

    /// Sets the length of the longest message that is received; 64 MiB if never set.
    ///
    /// Below the limit memory is taken as the bytes arrive, never on the peer's word alone.
    pub fn set_frame_limit(&self, bytes: u64) {
        self.limit.store(bytes, Ordering::Relaxed);
    }

    /// Sends a message, and waits while the peer leaves no room.
    ///
    /// # Errors
    ///
    /// See [`SendBytesError`].
    pub fn send_bytes(&self, message: &[u8]) -> Result<(), SendBytesError> {
        self.send_until(message, Deadline::NEVER)
    }

    /// Sends a message, and waits no longer than `timeout`.
    ///
    /// # Errors
    ///
    /// See [`SendBytesError`], [`Torn`](SendBytesError::Torn) above all.
    pub fn send_bytes_timeout(
        &self,
        message: &[u8],
        timeout: Duration,
    ) -> Result<(), SendBytesError> {
        self.send_until(message, Deadline::after(timeout))
    }

    /// Waits for the next message.
    ///
    /// # Errors
    ///
    /// See [`RecvBytesError`].
    pub fn recv_bytes(&self) -> Result<Vec<u8>, RecvBytesError> {
        self.recv_until(Deadline::NEVER)
    }

    /// Takes the next message if it is there already.
    ///
    /// # Errors
    ///
    /// See [`RecvBytesError`].
    pub fn try_recv_bytes(&self) -> Result<Vec<u8>, RecvBytesError> {
        self.recv_until(Deadline::now())
    }

    /// Waits for the next message, but no longer than `timeout`.
    ///
    /// # Errors
    ///
    /// See [`RecvBytesError`].
    pub fn recv_bytes_timeout(&self, timeout: Duration) -> Result<Vec<u8>, RecvBytesError> {
        self.recv_until(Deadline::after(timeout))
    }

    /// Waits for the next message, puts it at the beginning of `buffer`, and returns its length.
    ///
    /// # Errors
    ///
    /// See [`RecvBytesError`]; [`BufferTooShort`](RecvBytesError::BufferTooShort) has the message.
    pub fn recv_bytes_into(&self, buffer: &mut [u8]) -> Result<usize, RecvBytesError> {
        copy(self.recv_bytes()?, buffer)
    }

    /// Does as [`recv_bytes_into`](Self::recv_bytes_into), but waits no longer than `timeout`.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn recv_bytes_into_timeout(
        &self,
        buffer: &mut [u8],
        timeout: Duration,
    ) -> Result<usize, RecvBytesError> {
        copy(self.recv_bytes_timeout(timeout)?, buffer)
    }

    /// Waits until something has arrived or the peer is gone, but no longer than `timeout`, and
    /// tells whether it is so. What has arrived may be a part of a message only.
    #[must_use]
    pub fn poll(&self, timeout: Duration) -> bool {
        wait_readable(&self.socket, Deadline::after(timeout))
    }

    fn recv_until(&self, deadline: Deadline) -> Result<Vec<u8>, RecvBytesError> {
        loop {
            let limit = self.frame_limit();
            // Nobody waits with the lock held, so it bounds no other thread's deadline.
            let mut reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
            let received = reader.advance(&mut &self.socket, limit);
            drop(reader);
            match received {
                Err(RecvBytesError::TimedOut) if wait_readable(&self.socket, deadline) => {}
                other => return other,
            }
        }
    }

    pub(crate) fn send_until(
        &self,
        message: &[u8],
        deadline: Deadline,
    ) -> Result<(), SendBytesError> {
        let _turn = self.turn.take(deadline).ok_or(SendBytesError::TimedOut)?;
        let header = frame::header(message.len() as u64);
        let mut parts = &mut [IoSlice::new(&header), IoSlice::new(message)][..];
        let mut is_untouched = true;
        while !parts.is_empty() {
            let failure = match self.socket.write(parts) {
                Ok(sent) => {
                    is_untouched = false;
                    IoSlice::advance_slices(&mut parts, sent);
                    continue;
                }
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => failed(error),
                Err(_) if wait_writable(&self.socket, deadline) => continue,
                Err(_) => SendBytesError::TimedOut,
            };
            if is_untouched || matches!(failure, SendBytesError::Disconnected) {
                return Err(failure);
            }
            // Whatever followed would be taken for the rest of the message.
            self.socket.shut_down_writing();
            return Err(SendBytesError::Torn);
        }
        Ok(())
    }
}

fn failed(error: io::Error) -> SendBytesError {
    if is_disconnect(&error) { SendBytesError::Disconnected } else { SendBytesError::Io(error) }
}

fn copy(message: Vec<u8>, buffer: &mut [u8]) -> Result<usize, RecvBytesError> {
    match buffer.get_mut(..message.len()) {
        Some(part) => part.copy_from_slice(&message),
        None => return Err(RecvBytesError::BufferTooShort { message }),
    }
    Ok(message.len())
}

impl From<UnixStream> for ByteConnection {
    fn from(stream: UnixStream) -> Self {
        Self::new(Socket::new(stream.into()), FRAME_LIMIT)
    }
}

impl From<TcpStream> for ByteConnection {
    fn from(stream: TcpStream) -> Self {
        Self::new(Socket::new(stream.into()), FRAME_LIMIT)
    }
}

impl From<ByteConnection> for OwnedFd {
    /// Gives the socket away. What has arrived of an unfinished message is lost.
    fn from(connection: ByteConnection) -> Self {
        connection.socket.into()
    }
}

impl AsFd for ByteConnection {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl AsRawFd for ByteConnection {
    fn as_raw_fd(&self) -> RawFd {
        self.as_fd().as_raw_fd()
    }
}
