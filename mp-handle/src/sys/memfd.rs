//! Anonymous files in memory.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, fcntl_get_seals, fstat, fstatfs, stat};
use rustix::io::{Errno, pread, retry_on_intr};

use crate::streams::clear_of_streams;

/// The file system of ordinary memfds. Those of huge pages are on another, and touching a page of
/// theirs can end in SIGBUS whatever the seals.
const TMPFS_MAGIC: u64 = 0x0102_1994;

/// What a descriptor promises about the size of its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seal {
    /// A memfd whose size can never change again.
    Fixed,
    /// A memfd, or a file on a tmpfs, that somebody could still shrink.
    Open,
    /// Something else: an ordinary file, a pipe, a memfd of huge pages.
    NotMemory,
}

/// Creates an empty memfd that can be sealed.
pub(crate) fn memfd_create(name: &str) -> io::Result<OwnedFd> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    clear_of_streams(rustix::fs::memfd_create(name, flags)?)
}

/// Fixes the size for ever, for all who have the file.
pub(crate) fn memfd_seal(fd: impl AsFd) -> io::Result<()> {
    Ok(fcntl_add_seals(fd, SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL)?)
}

/// Tells what a foreign descriptor promises.
pub(crate) fn seal_of(fd: impl AsFd) -> io::Result<Seal> {
    let seals = match fcntl_get_seals(&fd) {
        Err(Errno::INVAL) => return Ok(Seal::NotMemory),
        seals => seals?,
    };
    if u64::try_from(fstatfs(&fd)?.f_type) != Ok(TMPFS_MAGIC) {
        return Ok(Seal::NotMemory);
    }
    let fixed = seals.contains(SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL);
    Ok(if fixed { Seal::Fixed } else { Seal::Open })
}

/// Returns the file's size in bytes.
pub(crate) fn memfd_size(fd: impl AsFd) -> io::Result<u64> {
    Ok(u64::try_from(fstat(fd)?.st_size).unwrap_or(0))
}

/// Reads the file's first bytes into `buffer`; returns how many there were.
pub(crate) fn read_at(fd: impl AsFd, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    Ok(retry_on_intr(|| pread(&fd, &mut *buffer, offset))?)
}

/// Returns the inode of this process's PID namespace, 0 where `/proc` is not mounted.
///
/// Not kept: a child forked into a new namespace would inherit its parent's answer.
pub(crate) fn pid_namespace() -> u64 {
    stat("/proc/self/ns/pid").map_or(0, |found| found.st_ino)
}
