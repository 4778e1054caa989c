//! [`Connection`]: one end of a pipe that carries values both ways.

#[cfg(feature = "async")]
mod asynchronous;
mod error;
mod flow;

use std::convert::Infallible;
use std::fmt;
use std::io;
use std::marker::PhantomData;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use mp_handle::{Deadline, Descriptor, LastCpu, Parcel, Post, spin, wait_readable};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::wait::wait_writable;

#[cfg(feature = "async")]
pub use asynchronous::AsyncConnection;
pub use error::{RecvError, SendError};
use flow::Flow;

/// Makes a pipe: two connected ends, each of which sends and receives.
///
/// # Errors
///
/// The system's error from socketpair(2), for want of descriptors.
///
/// # Examples
///
/// ```
/// use mp_queue::connection::{Connection, RecvError, pipe};
///
/// fn double(server: Connection<u64, u64>) {
///     while let Ok(n) = server.recv() {
///         server.send(&(2 * n)).unwrap();
///     }
/// }
///
/// mp_process::init();
/// let (ours, theirs) = pipe::<u64, u64>()?;
/// let child = mp_process::spawn(double, (theirs,))?;
/// ours.send(&21)?;
/// assert_eq!(ours.recv()?, 42);
///
/// child.kill()?;
/// assert!(matches!(ours.recv(), Err(RecvError::Disconnected)));
/// # child.join().unwrap_err();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[doc(alias = "Pipe")]
pub fn pipe<S, R>() -> io::Result<(Connection<S, R>, Connection<R, S>)> {
    let (one, other) = Post::pair()?;
    Ok((Connection::new(one), Connection::new(other)))
}

/// Makes a pipe with one direction: a receiving end and a sending end, as Python's
/// `Pipe(duplex=False)`. The other direction has no values to send.
///
/// # Errors
///
/// As [`pipe`].
///
/// # Examples
///
/// ```
/// let (reader, writer) = mp_queue::connection::pipe_one_way::<String>()?;
/// writer.send(&"hello".to_owned())?;
/// assert_eq!(reader.recv()?, "hello");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn pipe_one_way<T>() -> io::Result<(Connection<Infallible, T>, Connection<T, Infallible>)> {
    pipe()
}

/// One end of a [`pipe`], which sends values of type `S` and receives values of type `R`.
///
/// A message arrives whole or not at all, whatever becomes of its sender, and takes its handles
/// along: locks, queues, descriptors, other connections. Messages of any size travel. Large ones
/// lie in memory until they are received; beyond 64 MiB of them, a sender waits.
///
/// A connection itself travels: to a child as an argument, or through another connection. What
/// was sent is a second handle on the same end, which is meant to replace the first: drop that,
/// or else the peer does not see when the end is gone. Threads may share a connection.
///
/// Who waits for a message looks for it for up to 50 us before it sleeps, if the last one came from
/// another processor: most answers come sooner than a wake would.
///
/// As a descriptor ([`AsFd`], for [`wait`](crate::connection::wait)) it is readable when there is
/// a message, or the other end is gone.
pub struct Connection<S, R> {
    post: Post,
    flow: Mutex<Flow>,
    /// Where the peer ran when it sent the last message that was taken: each has the number for a
    /// tag.
    peer: LastCpu,
    types: PhantomData<fn(S) -> R>,
}

impl<S, R> Connection<S, R> {
    fn new(post: Post) -> Self {
        Self { post, flow: Mutex::default(), peer: LastCpu::default(), types: PhantomData }
    }

    /// Waits until there is a message or the other end is gone, but no longer than `timeout`, and
    /// tells whether it is so.
    #[must_use]
    pub fn poll(&self, timeout: Duration) -> bool {
        let deadline = Deadline::after(timeout);
        let is_ready = |deadline| wait_readable(&self.post, deadline);
        spin(&self.peer, deadline, || is_ready(Deadline::now())) || is_ready(deadline)
    }

    /// Sends a parcel if there is room.
    fn post(&self, parcel: &Parcel) -> Result<(), SendError> {
        let mut flow = self.flow.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(flow.send(&self.post, LastCpu::here().into(), parcel)?)
    }

    /// Takes the next parcel if it is there already.
    fn take(&self) -> Result<Parcel, RecvError> {
        self.open(self.post.try_receive())
    }

    fn open(&self, received: io::Result<Option<(u64, Parcel)>>) -> Result<Parcel, RecvError> {
        let (tag, parcel) = received?.ok_or(RecvError::Disconnected)?;
        self.peer.note(tag as u32);
        Ok(parcel)
    }

    /// Takes the next parcel, waiting for it up to the deadline.
    ///
    /// A peer on another processor likely answers before this process would be asleep, so for a
    /// moment it looks again and again.
    fn next(&self, deadline: Deadline) -> Result<Parcel, RecvError> {
        let mut received = Err(RecvError::TimedOut);
        let mut look = || {
            received = self.take();
            !matches!(received, Err(RecvError::TimedOut))
        };
        if spin(&self.peer, deadline, &mut look) {
            return received;
        }
        if deadline == Deadline::NEVER {
            let received = self.open(self.post.receive());
            // Someone may have made the socket one that does not wait.
            if !matches!(received, Err(RecvError::TimedOut)) {
                return received;
            }
        }
        while !look() && !deadline.is_expired() && wait_readable(&self.post, deadline) {}
        received
    }
}

impl<S: Serialize, R> Connection<S, R> {
    /// Sends a value, and waits while the other end leaves no room. The value stays with the
    /// caller, who can try again after an error.
    ///
    /// # Errors
    ///
    /// See [`SendError`].
    pub fn send(&self, value: &S) -> Result<(), SendError> {
        self.send_until(value, Deadline::NEVER)
    }

    /// Sends a value if there is room; [`TimedOut`](SendError::TimedOut) if not.
    ///
    /// # Errors
    ///
    /// See [`SendError`].
    pub fn try_send(&self, value: &S) -> Result<(), SendError> {
        self.send_until(value, Deadline::now())
    }

    /// Sends a value, and waits no longer than `timeout`.
    ///
    /// # Errors
    ///
    /// See [`SendError`].
    pub fn send_timeout(&self, value: &S, timeout: Duration) -> Result<(), SendError> {
        self.send_until(value, Deadline::after(timeout))
    }

    fn send_until(&self, value: &S, deadline: Deadline) -> Result<(), SendError> {
        let parcel = Parcel::encode(value).map_err(SendError::Codec)?;
        loop {
            match self.post(&parcel) {
                Err(SendError::TimedOut) if wait_writable(&self.post, deadline) => {}
                other => return other,
            }
        }
    }
}

impl<S, R: DeserializeOwned> Connection<S, R> {
    /// Waits for the next value.
    ///
    /// # Errors
    ///
    /// See [`RecvError`].
    pub fn recv(&self) -> Result<R, RecvError> {
        self.recv_until(Deadline::NEVER)
    }

    /// Takes the next value if it is there already; [`TimedOut`](RecvError::TimedOut) if not.
    ///
    /// # Errors
    ///
    /// See [`RecvError`].
    pub fn try_recv(&self) -> Result<R, RecvError> {
        self.recv_until(Deadline::now())
    }

    /// Waits for the next value, but no longer than `timeout`.
    ///
    /// # Errors
    ///
    /// See [`RecvError`].
    pub fn recv_timeout(&self, timeout: Duration) -> Result<R, RecvError> {
        self.recv_until(Deadline::after(timeout))
    }

    fn recv_until(&self, deadline: Deadline) -> Result<R, RecvError> {
        self.next(deadline)?.decode().map_err(RecvError::Codec)
    }
}

impl<S, R> fmt::Debug for Connection<S, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("fd", &self.as_raw_fd()).finish_non_exhaustive()
    }
}

impl<S, R> Serialize for Connection<S, R> {
    fn serialize<Z: Serializer>(&self, serializer: Z) -> Result<Z::Ok, Z::Error> {
        let copy = self.as_fd().try_clone_to_owned().map_err(serde::ser::Error::custom)?;
        Descriptor::from(copy).serialize(serializer)
    }
}

impl<'de, S, R> Deserialize<'de> for Connection<S, R> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let descriptor = Descriptor::deserialize(deserializer)?;
        let socket: OwnedFd = descriptor.into_owned().map_err(serde::de::Error::custom)?;
        flow::reset(&socket).map_err(serde::de::Error::custom)?;
        Ok(Self::new(socket.into()))
    }
}

impl<S, R> AsFd for Connection<S, R> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.post.as_fd()
    }
}

impl<S, R> AsRawFd for Connection<S, R> {
    fn as_raw_fd(&self) -> RawFd {
        self.as_fd().as_raw_fd()
    }
}
