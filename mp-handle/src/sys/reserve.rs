//! Memory that is there before it is touched.
//!
//! A file in memory gets its pages when they are first written, and if there are none left then,
//! the writer is killed. So the pages are reserved beforehand, where failure is an error. That
//! alone is not enough, for a cgroup at its limit kills during the reservation: large wishes look
//! at the headroom first. Between look and reservation others may take the memory, which is why
//! the look is repeated for each piece.

use std::io;
use std::os::fd::AsFd;

use rustix::fs::{FallocateFlags, fallocate, ftruncate};
use rustix::io::{Errno, retry_on_intr};

use super::headroom::{file_size_limit, memory_headroom};

/// Wishes below this are not worth the look, which reads several files.
const LOOK_FROM: u64 = 1 << 20;
/// What is reserved between two looks.
const PIECE: u64 = 16 << 20;
/// What is reserved at once, at least, when signals keep interrupting.
const PIECE_MIN: u64 = 64 << 10;

/// Why memory was not reserved.
#[derive(Debug)]
pub(crate) enum ReserveError {
    /// The system refused.
    Io(io::Error),
    /// The machine or a cgroup has not that much left.
    NoMemory { wanted: u64, available: u64 },
    /// The write would have killed the process.
    FileSizeLimit { wanted: u64, limit: u64 },
}

/// Makes the memory file behind `fd` at least `size` bytes long, with all their pages there.
///
/// After an error the file may have some of them; close it.
pub(crate) fn reserve(fd: impl AsFd, size: u64) -> Result<(), ReserveError> {
    check_file_size(size)?;
    reserve_range(fd, 0, size)
}

/// Takes the pages of `len` bytes from `offset` on, all within the file.
pub(crate) fn reserve_range(fd: impl AsFd, offset: u64, len: u64) -> Result<(), ReserveError> {
    let mut done = 0;
    while done < len {
        check_headroom(len - done)?;
        done += reserve_piece(&fd, offset + done, PIECE.min(len - done))?;
    }
    Ok(())
}

/// Gives the whole pages among `len` bytes from `offset` on back; the bytes are zero from then on.
pub(crate) fn release_range(fd: impl AsFd, offset: u64, len: u64) -> io::Result<()> {
    let flags = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
    Ok(retry_on_intr(|| fallocate(&fd, flags, offset, len))?)
}

/// Makes the memory file `size` bytes long, without any pages.
pub(crate) fn extend(fd: impl AsFd, size: u64) -> Result<(), ReserveError> {
    check_file_size(size)?;
    ftruncate(fd, size).map_err(|errno| ReserveError::Io(errno.into()))
}

/// Reserves up to `len` bytes from `offset` on and returns how many.
///
/// A signal undoes what the interrupted call did, so after each the next call asks for less: in a
/// process with a profiler's timer a large piece would never be done.
fn reserve_piece(fd: impl AsFd, offset: u64, mut len: u64) -> Result<u64, ReserveError> {
    loop {
        match fallocate(&fd, FallocateFlags::empty(), offset, len) {
            Ok(()) => return Ok(len),
            Err(Errno::INTR) => len = len.min(PIECE_MIN.max(len / 2)),
            Err(errno) => return Err(ReserveError::Io(errno.into())),
        }
    }
}

fn check_file_size(wanted: u64) -> Result<(), ReserveError> {
    match file_size_limit() {
        Some(limit) if wanted > limit => Err(ReserveError::FileSizeLimit { wanted, limit }),
        _ => Ok(()),
    }
}

fn check_headroom(wanted: u64) -> Result<(), ReserveError> {
    if wanted < LOOK_FROM {
        return Ok(());
    }
    let available = memory_headroom();
    if wanted > available {
        return Err(ReserveError::NoMemory { wanted, available });
    }
    Ok(())
}
