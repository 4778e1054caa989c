//! How much of what was sent may lie unread.
//!
//! The system bounds what it holds in a socket's buffer. But a large message lies in a memory file
//! of which the socket holds the descriptor only: hundreds of them would fit. So their bytes are
//! counted, and when there are too many, the buffer is made as small as it gets. The socket then
//! has room again, for poll(2) and for epoll(7), only when at most one message is unread; nobody
//! has to look again and again. With that the count begins anew.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use mp_handle::{Deadline, Parcel, Post};
use rustix::net::sockopt::set_socket_send_buffer_size;

use crate::wait::wait_writable;

/// Messages up to this size are in the socket's buffer, or are as few as would be.
const SMALL: usize = 16 << 10;
/// What may lie unread in large messages. One message alone may be larger.
const UNREAD_MAX: usize = 64 << 20;
/// The usual size of the buffer, in the terms of the call, which doubles it.
const WIDE: usize = 104 << 10;
/// The system makes the smallest that it knows of it.
const NARROW: usize = 0;

/// What is known of the other end's backlog.
#[derive(Debug, Default)]
pub(super) struct Flow {
    /// Bytes of the large messages since the other end was last seen to have read them.
    unread: usize,
    is_narrow: bool,
}

impl Flow {
    /// Sends a parcel, or returns [`io::ErrorKind::WouldBlock`] if there is no room for it: then
    /// the socket tells when there is.
    pub(super) fn send(&mut self, post: &Post, tag: u64, parcel: &Parcel) -> io::Result<()> {
        let len = parcel.bytes().len();
        let large = if len > SMALL { len } else { 0 };
        let unread = self.unread.saturating_add(large);
        if large > 0 && self.unread > 0 && unread > UNREAD_MAX {
            set_socket_send_buffer_size(post, NARROW)?;
            self.is_narrow = true;
        }
        if self.is_narrow {
            self.widen(post.as_fd())?;
        }
        post.send(tag, parcel)?;
        self.unread = self.unread.saturating_add(large);
        Ok(())
    }

    /// Makes the buffer as large as ever, once there is room in the small one.
    fn widen(&mut self, socket: BorrowedFd<'_>) -> io::Result<()> {
        if !wait_writable(socket, Deadline::now()) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        reset(socket)?;
        *self = Self::default();
        Ok(())
    }
}

/// Gives a socket that comes from another process a buffer of the usual size: its former owner may
/// have left a small one.
pub(super) fn reset(socket: impl AsFd) -> io::Result<()> {
    Ok(set_socket_send_buffer_size(socket, WIDE)?)
}
