//! A stream socket that never blocks by itself: waiting is the caller's, with a deadline.

use std::io::{self, IoSlice, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::{Errno, retry_on_intr};
use rustix::net::{RecvFlags, SendAncillaryBuffer, SendFlags, Shutdown};

/// A connected socket, over Unix or TCP.
#[derive(Debug)]
pub(crate) struct Socket {
    fd: OwnedFd,
}

impl Socket {
    /// Takes a connected stream socket. Over TCP small messages shall not wait for others.
    pub(crate) fn new(fd: OwnedFd) -> Self {
        // The socket of another family refuses, and needs it not.
        let _ = rustix::net::sockopt::set_tcp_nodelay(&fd, true);
        Self { fd }
    }

    /// Sends as much as there is room for; [`io::ErrorKind::WouldBlock`] if there is none.
    pub(crate) fn write(&self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        // The flag, and not a mode of the socket, which another holder of it may have set.
        let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
        let mut nothing = SendAncillaryBuffer::default();
        Ok(retry_on_intr(|| rustix::net::sendmsg(&self.fd, parts, &mut nothing, flags))?)
    }

    /// Sends a message that is small against any socket's buffer, whole or with an error.
    pub(crate) fn write_small(&self, message: &[u8]) -> io::Result<()> {
        let header = super::frame::header(message.len() as u64);
        let whole = [&header, message].concat();
        match self.write(&[IoSlice::new(&whole)])? {
            sent if sent == whole.len() => Ok(()),
            _ => Err(io::ErrorKind::WouldBlock.into()),
        }
    }

    /// Sends nothing more, so that the peer finds the end.
    pub(crate) fn shut_down_writing(&self) {
        // It fails where the peer is gone already.
        let _ = rustix::net::shutdown(&self.fd, Shutdown::Write);
    }
}

impl Read for &Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = retry_on_intr(|| rustix::net::recv(&self.fd, &mut *buffer, RecvFlags::DONTWAIT));
        Ok(read?.0)
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl From<Socket> for OwnedFd {
    fn from(socket: Socket) -> Self {
        socket.fd
    }
}

/// Tells whether an error says that the peer is gone.
pub(crate) fn is_disconnect(error: &io::Error) -> bool {
    matches!(
        Errno::from_io_error(error),
        Some(Errno::PIPE | Errno::CONNRESET | Errno::NOTCONN | Errno::CONNABORTED)
    )
}
