//! Descriptors that nobody takes for standard streams.
//!
//! A process may have closed its standard streams. A new descriptor gets the lowest number that is
//! free, which is then one of theirs: the next line that is printed goes into shared memory, or to
//! the peer of a socket. So each descriptor of ours passes here when it is new.

use std::io;
use std::os::fd::{AsFd, AsRawFd, IntoRawFd, OwnedFd, RawFd};

use rustix::fs::{Mode, OFlags, open};
use rustix::io::{FdFlags, dup2, fcntl_dupfd_cloexec, fcntl_setfd};

/// The lowest number that is not that of a standard stream.
const FIRST: RawFd = 3;

/// Keeps a new descriptor out of the places of the standard streams.
///
/// One that has such a place gets another number. The streams that this process has closed are
/// then opened on `/dev/null`, as they are at the start of each Rust program.
///
/// # Errors
///
/// The system's error if there is no room for one more descriptor.
///
/// # Examples
///
/// ```
/// use std::os::fd::AsRawFd;
///
/// let (reader, writer) = std::io::pipe()?;
/// let reader = mp_handle::clear_of_streams(reader)?;
/// let writer = mp_handle::clear_of_streams(writer)?;
/// assert!(reader.as_raw_fd() > 2 && writer.as_raw_fd() > 2);
/// # Ok::<(), std::io::Error>(())
/// ```
#[inline]
pub fn clear_of_streams<T: AsFd + From<OwnedFd> + Into<OwnedFd>>(new: T) -> io::Result<T> {
    if new.as_fd().as_raw_fd() >= FIRST {
        return Ok(new);
    }
    move_away(new.into()).map(T::from)
}

#[cold]
fn move_away(low: OwnedFd) -> io::Result<OwnedFd> {
    let moved = fcntl_dupfd_cloexec(&low, FIRST)?;
    // Where `/dev/null` is not to be had, the place is free again.
    let _ = fill(low);
    Ok(moved)
}

/// Puts `/dev/null` in the place of `low`, and in those of closed streams, for good.
fn fill(mut low: OwnedFd) -> rustix::io::Result<()> {
    loop {
        let null = open("/dev/null", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())?;
        if null.as_raw_fd() >= FIRST {
            // No moment passes in which the place is free for somebody else.
            dup2(&null, &mut low)?;
            let _stream = low.into_raw_fd();
            return Ok(());
        }
        // Programs that are executed inherit standard streams.
        fcntl_setfd(&null, FdFlags::empty())?;
        let _stream = null.into_raw_fd();
    }
}
