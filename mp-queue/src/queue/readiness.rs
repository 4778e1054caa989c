//! [`Readiness`]: a queue in a loop that waits for several things.

use std::fmt;
use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::OnceLock;

use super::{JoinableQueue, Queue};
use crate::channel::Receiver;
use crate::store::End;
use crate::wait::Waitable;

/// Tells by a descriptor that there is something to get, for loops over poll(2) or epoll(7).
///
/// The descriptor becomes readable when a message is put after it was [armed](Self::arm), and may
/// stay so until it is armed again. The protocol: `arm`; if it says that there is something, get
/// it; otherwise poll for at most [`SLICE`](mp_handle::SLICE), since a producer may be killed
/// between its message and the signal; get what is there whatever the poll said; begin again.
///
/// # Examples
///
/// ```
/// use mp_handle::{Deadline, SLICE, wait_readable};
///
/// let queue = mp_queue::Queue::new()?;
/// let readiness = queue.readiness();
/// assert!(!readiness.arm());
/// queue.put(7)?;
/// assert!(wait_readable(&readiness, Deadline::after(SLICE)));
/// assert_eq!(queue.try_get()?, 7);
/// assert!(!readiness.arm());
/// assert!(!wait_readable(&readiness, Deadline::now()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy)]
pub struct Readiness<'a> {
    end: &'a End,
}

impl Readiness<'_> {
    /// Sees to it that the descriptor becomes readable with the next message that is put; tells
    /// whether there is one already, or all senders are gone.
    #[must_use]
    pub fn arm(&self) -> bool {
        self.end.arm() || self.end.has_hung_up()
    }
}

impl AsFd for Readiness<'_> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.end.as_fd()
    }
}

impl fmt::Debug for Readiness<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Readiness").field(self.end).finish()
    }
}

/// Arms an end, and returns a descriptor that is readable if there is something now, or will be
/// when there is.
fn armed(end: &End) -> BorrowedFd<'_> {
    static READABLE: OnceLock<File> = OnceLock::new();
    if !end.arm() {
        return end.as_fd();
    }
    if READABLE.get().is_none()
        && let Ok(null) = File::open("/dev/null")
    {
        let _ = READABLE.set(null);
    }
    // Without a descriptor for that, the next message makes the other one readable.
    READABLE.get().map_or(end.as_fd(), AsFd::as_fd)
}

impl<T> Waitable for Queue<T> {
    fn as_wait_fd(&self) -> BorrowedFd<'_> {
        armed(&self.core.end)
    }
}

impl<T> Waitable for JoinableQueue<T> {
    fn as_wait_fd(&self) -> BorrowedFd<'_> {
        (**self).as_wait_fd()
    }
}

impl<T> Waitable for Receiver<T> {
    fn as_wait_fd(&self) -> BorrowedFd<'_> {
        armed(&self.core.end)
    }
}

impl<T> Queue<T> {
    /// Returns what tells by a descriptor that there is something to get.
    #[must_use]
    #[doc(alias = "_reader")]
    pub fn readiness(&self) -> Readiness<'_> {
        Readiness { end: &self.core.end }
    }
}

impl<T> Receiver<T> {
    /// Returns what tells by a descriptor that there is something to receive.
    #[must_use]
    pub fn readiness(&self) -> Readiness<'_> {
        Readiness { end: &self.core.end }
    }
}
