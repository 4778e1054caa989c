//! [`Stream`]: a connected socket, over TCP or Unix.

use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::buffer::spare_capacity;
use rustix::io::retry_on_intr;
use rustix::net::sockopt::{
    Timeout, set_socket_keepalive, set_socket_timeout, set_tcp_keepcnt, set_tcp_keepidle,
    set_tcp_keepintvl, set_tcp_nodelay, set_tcp_user_timeout, socket_incoming_cpu,
};
use rustix::net::{RecvFlags, SendFlags, getpeername, recv, send};

/// A machine that is silent for so long is asked for a sign of life, and again, and again.
const SILENCE: Duration = Duration::from_secs(10);
const AGAIN: Duration = Duration::from_secs(5);
const TIMES: u32 = 3;

/// What was sent has to have arrived in this time.
const ON_THE_WAY_MS: u32 = 25_000;

/// A connected socket.
#[derive(Debug)]
pub(super) struct Stream {
    fd: OwnedFd,
}

impl Stream {
    /// Takes a connected socket. A machine may vanish without a word: then the system says so
    /// after a while.
    pub(super) fn new(fd: OwnedFd) -> Self {
        let stream = Self { fd };
        // A Unix socket refuses, and needs it not.
        let _ = stream.set_up_tcp();
        stream
    }

    fn set_up_tcp(&self) -> io::Result<()> {
        set_tcp_nodelay(&self.fd, true)?;
        set_socket_keepalive(&self.fd, true)?;
        set_tcp_keepidle(&self.fd, SILENCE)?;
        set_tcp_keepintvl(&self.fd, AGAIN)?;
        set_tcp_keepcnt(&self.fd, TIMES)?;
        Ok(set_tcp_user_timeout(&self.fd, ON_THE_WAY_MS)?)
    }

    /// Sets how long a call that waits may take; `None` is for ever.
    pub(super) fn set_patience(&self, limit: Option<Duration>) -> io::Result<()> {
        set_socket_timeout(&self.fd, Timeout::Recv, limit)?;
        Ok(set_socket_timeout(&self.fd, Timeout::Send, limit)?)
    }

    /// Tells whether the other side is reached by the loopback interface.
    pub(super) fn is_loopback(&self) -> bool {
        let peer = getpeername(&self.fd).ok().flatten();
        let peer = peer.and_then(|peer| SocketAddr::try_from(peer).ok());
        peer.is_some_and(|peer| peer.ip().is_loopback())
    }

    /// The processor on which the last packet was received.
    pub(super) fn incoming_cpu(&self) -> io::Result<u32> {
        Ok(socket_incoming_cpu(&self.fd)?)
    }

    pub(super) fn try_clone(&self) -> io::Result<Self> {
        Ok(Self { fd: self.fd.try_clone()? })
    }

    /// Waits for bytes, and puts those that come behind what is in the buffer, as far as that has
    /// capacity; returns how many. None means the end.
    pub(super) fn read(&self, buffer: &mut Vec<u8>) -> io::Result<usize> {
        self.receive(buffer, RecvFlags::empty())
    }

    /// Reads what is there; [`io::ErrorKind::WouldBlock`] if nothing is.
    pub(super) fn try_read(&self, buffer: &mut Vec<u8>) -> io::Result<usize> {
        self.receive(buffer, RecvFlags::DONTWAIT)
    }

    fn receive(&self, buffer: &mut Vec<u8>, flags: RecvFlags) -> io::Result<usize> {
        let received = retry_on_intr(|| recv(&self.fd, spare_capacity(buffer), flags))?;
        Ok(received.1)
    }

    /// Sends all of it, and waits for room.
    pub(super) fn write_all(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let sent = retry_on_intr(|| send(&self.fd, bytes, SendFlags::NOSIGNAL))?;
            bytes = bytes.get(sent..).unwrap_or_default();
        }
        Ok(())
    }

    /// Sends as much as there is room for; [`io::ErrorKind::WouldBlock`] if there is none.
    pub(super) fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
        Ok(retry_on_intr(|| send(&self.fd, bytes, flags))?)
    }
}

impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl From<Stream> for OwnedFd {
    fn from(stream: Stream) -> Self {
        stream.fd
    }
}
