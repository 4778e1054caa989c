//! Waiting for several things at once.
//!
//! The source is poll(2). It refuses more descriptors at once than the process may have open; then
//! they are looked at in parts, in slices of time, so that this rare case neither fails nor spins.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use mp_handle::Deadline;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Resource, getrlimit};

/// How long one part of too many descriptors is waited for before the others are looked at.
const SLICE: Duration = Duration::from_millis(10);

/// What [`wait`] can wait for: whatever has a descriptor that becomes readable.
pub trait Waitable {
    /// Returns the descriptor that is readable whenever there is something to take.
    fn as_wait_fd(&self) -> BorrowedFd<'_>;
}

impl<T: AsFd + ?Sized> Waitable for T {
    fn as_wait_fd(&self) -> BorrowedFd<'_> {
        self.as_fd()
    }
}

/// Waits until at least one of `objects` is ready, but no longer than `timeout` (`None` is for
/// ever), and returns the places of all that are.
///
/// Ready is a connection with something to receive or whose peer is gone, a listener at which
/// somebody knocks, the sentinel of a process that has ended. Nothing is taken: what is ready
/// stays so until it is received or accepted. A timeout of zero only looks. Signals do not
/// interrupt it.
///
/// # Errors
///
/// [`io::ErrorKind::InvalidInput`] for a wait for nothing without an end, otherwise the system's
/// error from poll(2), for want of memory.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use mp_queue::connection::{pipe, wait};
///
/// let (a, a_peer) = pipe::<(), u32>()?;
/// let (b, b_peer) = pipe::<(), u32>()?;
/// assert!(wait(&[&a, &b], Some(Duration::ZERO))?.is_empty());
///
/// b_peer.send(&7)?;
/// assert_eq!(wait(&[&a, &b], None)?, [1]);
/// drop(a_peer);
/// assert_eq!(wait(&[&a, &b], None)?, [0, 1]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn wait(objects: &[&dyn Waitable], timeout: Option<Duration>) -> io::Result<Vec<usize>> {
    let deadline = timeout.map_or(Deadline::NEVER, Deadline::after);
    if objects.is_empty() && deadline == Deadline::NEVER {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    loop {
        let ready = look(objects, deadline.min(Deadline::after(mp_handle::SLICE)))?;
        if !ready.is_empty() || deadline.is_expired() {
            return Ok(ready);
        }
    }
}

/// Asks each object for its descriptor, waits for these, and returns the places of what is ready.
///
/// A producer may be killed between its message and the signal, so this is done anew after each
/// slice: a queue that is asked for its descriptor looks for messages itself.
fn look(objects: &[&dyn Waitable], deadline: Deadline) -> io::Result<Vec<usize>> {
    let fds: Vec<BorrowedFd<'_>> = objects.iter().map(|object| object.as_wait_fd()).collect();
    let mut polled: Vec<PollFd<'_>> =
        fds.iter().map(|fd| PollFd::from_borrowed_fd(*fd, PollFlags::IN)).collect();
    match poll_until(&mut polled, deadline) {
        Err(Errno::INVAL) => poll_parts(&mut polled, deadline)?,
        other => other?,
    }
    let places = polled.iter().enumerate();
    Ok(places.filter(|(_, fd)| !fd.revents().is_empty()).map(|(place, _)| place).collect())
}

/// Waits until `fd` takes more bytes or its peer is gone, but no longer than the deadline; returns
/// whether it is so.
pub(crate) fn wait_writable(fd: impl AsFd, deadline: Deadline) -> bool {
    let mut polled = [PollFd::new(&fd, PollFlags::OUT)];
    poll_until(&mut polled, deadline).is_ok() && !polled[0].revents().is_empty()
}

/// Polls until something is ready or the deadline has come. The timeout is computed anew after
/// each signal.
fn poll_until(fds: &mut [PollFd<'_>], deadline: Deadline) -> rustix::io::Result<()> {
    loop {
        let timeout: Option<Timespec> = deadline.remaining().and_then(|left| left.try_into().ok());
        match poll(fds, timeout.as_ref()) {
            Ok(0) if !deadline.is_expired() => {}
            Err(Errno::INTR) if !deadline.is_expired() => {}
            Ok(_) | Err(Errno::INTR) => return Ok(()),
            Err(errno) => return Err(errno),
        }
    }
}

/// Does as [`poll_until`] with as many descriptors at once as the process may have open.
fn poll_parts(fds: &mut [PollFd<'_>], deadline: Deadline) -> rustix::io::Result<()> {
    let limit = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let part = usize::try_from(limit).unwrap_or(usize::MAX).min(fds.len()).max(1);
    loop {
        let mut is_any_ready = false;
        for fds in fds.chunks_mut(part) {
            poll_until(fds, Deadline::now())?;
            is_any_ready |= fds.iter().any(|fd| !fd.revents().is_empty());
        }
        if is_any_ready || deadline.is_expired() {
            return Ok(());
        }
        // Any part will do: after the slice all of them are looked at.
        poll_until(&mut fds[..part], deadline.min(Deadline::after(SLICE)))?;
    }
}
