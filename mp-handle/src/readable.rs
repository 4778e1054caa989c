//! Waiting for a descriptor.

use std::os::fd::AsFd;

use rustix::event::{PollFd, PollFlags, Timespec};

use crate::deadline::Deadline;

/// Waits until a descriptor is readable or hung up, but no longer than the deadline; returns
/// whether it is. Signals do not interrupt it. The source is poll(2).
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use mp_handle::{Deadline, wait_readable};
///
/// let (reader, writer) = std::io::pipe()?;
/// assert!(!wait_readable(&reader, Deadline::after(Duration::from_millis(10))));
/// drop(writer);
/// assert!(wait_readable(&reader, Deadline::NEVER));
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn wait_readable(fd: impl AsFd, deadline: Deadline) -> bool {
    loop {
        let timeout: Option<Timespec> = deadline.remaining().and_then(|left| left.try_into().ok());
        let mut fds = [PollFd::new(&fd, PollFlags::IN)];
        match rustix::event::poll(&mut fds, timeout.as_ref()) {
            Ok(0) | Err(_) if deadline.is_expired() => return false,
            Ok(0) | Err(_) => {}
            Ok(_) => return true,
        }
    }
}
