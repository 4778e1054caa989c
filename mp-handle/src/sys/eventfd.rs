//! A counter in the kernel with a descriptor that is readable while it is not zero.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::event::{EventfdFlags, eventfd};
use rustix::io::{Errno, read, retry_on_intr, write};

use crate::streams::clear_of_streams;

/// Creates the counter at zero; no operation on it blocks.
pub(crate) fn eventfd_create() -> io::Result<OwnedFd> {
    clear_of_streams(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?)
}

/// Adds one, which makes the descriptor readable.
pub(crate) fn eventfd_add(fd: impl AsFd) -> io::Result<()> {
    match retry_on_intr(|| write(&fd, &1_u64.to_ne_bytes())) {
        // "Would block" means that the counter is full: the descriptor is readable already.
        Ok(_) | Err(Errno::AGAIN) => Ok(()),
        Err(errno) => Err(errno.into()),
    }
}

/// Sets the counter to zero; tells whether it was something else.
pub(crate) fn eventfd_clear(fd: impl AsFd) -> io::Result<bool> {
    let mut count = [0; 8];
    match retry_on_intr(|| read(&fd, &mut count)) {
        Ok(_) => Ok(true),
        Err(Errno::AGAIN) => Ok(false),
        Err(errno) => Err(errno.into()),
    }
}
