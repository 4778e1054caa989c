//! Files in memory, with and without a name.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use mp_handle::clear_of_streams;
use rustix::fs::{
    FileType, MemfdFlags, Mode, OFlags, SealFlags, fcntl_add_seals, fcntl_get_seals, fcntl_getfl,
    fstat, fstatfs, ftruncate, memfd_create,
};
use rustix::io::Errno;
use rustix::process::{Resource, geteuid, getrlimit};

/// The file system of memfds of ordinary pages, and of named shared memory.
const TMPFS_MAGIC: u64 = 0x0102_1994;
const FIXED: SealFlags = SealFlags::SHRINK.union(SealFlags::GROW);

/// What a file promises about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seals {
    /// Neither size nor contents will ever change.
    Frozen,
    /// The size will never change.
    Fixed,
    /// Nothing, though it could have been sealed.
    Open,
    /// Nothing, as a file with a name can be given no seals.
    Never,
    /// It is no file in memory.
    NotMemory,
}

/// What is known of a file that came from elsewhere.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts {
    pub(crate) seals: Seals,
    pub(crate) size: u64,
    /// The bytes for which there are pages.
    pub(crate) reserved: u64,
    pub(crate) owner: u32,
    /// Whether it is a file at all, and no folder, pipe or device.
    pub(crate) is_file: bool,
    /// Whether the descriptor may write.
    pub(crate) writable: bool,
}

/// Creates an empty file without a name, which can be sealed.
pub(crate) fn memfd() -> io::Result<OwnedFd> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    clear_of_streams(memfd_create("mp-segment", flags)?)
}

/// Opens a file, but follows no symbolic link and waits for no pipe; `None` if there is something
/// else than a file.
pub(crate) fn open(path: &Path, write: bool) -> io::Result<Option<OwnedFd>> {
    let access = if write { OFlags::RDWR } else { OFlags::RDONLY };
    let flags = access | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
    match rustix::fs::open(path, flags, Mode::empty()) {
        // A symbolic link, a folder, a socket.
        Err(Errno::LOOP | Errno::ISDIR | Errno::NXIO) => Ok(None),
        opened => clear_of_streams(opened?).map(Some),
    }
}

/// Takes a name away.
pub(crate) fn unlink(path: &Path) -> io::Result<()> {
    Ok(rustix::fs::unlink(path)?)
}

/// Returns the size beyond which a file is not to be extended, since that ends the process by a
/// signal; `None` if there is none.
pub(crate) fn file_size_limit() -> Option<u64> {
    getrlimit(Resource::Fsize).current
}

/// Sets the size of a new file, whose pages come when they are first touched.
pub(crate) fn set_size(fd: impl AsFd, size: u64) -> io::Result<()> {
    Ok(ftruncate(fd, size)?)
}

/// Fixes the size for ever, for all who have the file.
pub(crate) fn fix_size(fd: impl AsFd) -> io::Result<()> {
    Ok(fcntl_add_seals(fd, FIXED)?)
}

/// Fixes the contents for ever, for all who have the file. Fails with
/// [`ResourceBusy`](io::ErrorKind::ResourceBusy) while it is mapped to be written anywhere.
pub(crate) fn seal(fd: impl AsFd) -> io::Result<()> {
    Ok(fcntl_add_seals(fd, SealFlags::WRITE | SealFlags::SEAL)?)
}

/// Looks at a file that came from elsewhere.
pub(crate) fn examine(fd: impl AsFd) -> io::Result<Facts> {
    // The seals first: what they promise is true of all that is asked afterwards.
    let seals = seals(&fd)?;
    let stat = fstat(&fd)?;
    Ok(Facts {
        seals,
        size: u64::try_from(stat.st_size).unwrap_or(0),
        reserved: u64::try_from(stat.st_blocks).unwrap_or(0).saturating_mul(512),
        owner: stat.st_uid,
        is_file: FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile,
        writable: (fcntl_getfl(&fd)? & OFlags::RWMODE) == OFlags::RDWR,
    })
}

impl Facts {
    /// Tells whether the file belongs to this process's user.
    pub(crate) fn is_own(&self) -> bool {
        self.owner == geteuid().as_raw()
    }
}

fn seals(fd: impl AsFd) -> io::Result<Seals> {
    let seals = match fcntl_get_seals(&fd) {
        Err(Errno::INVAL) => return Ok(Seals::NotMemory),
        seals => seals?,
    };
    // On the file system of huge pages a page may be missing whatever the seals say.
    if u64::try_from(fstatfs(&fd)?.f_type) != Ok(TMPFS_MAGIC) {
        return Ok(Seals::NotMemory);
    }
    Ok(match seals {
        all if all.contains(FIXED | SealFlags::WRITE) => Seals::Frozen,
        size if size.contains(FIXED) => Seals::Fixed,
        SealFlags::SEAL => Seals::Never,
        _ => Seals::Open,
    })
}
