//! Memory that is there before it is touched, for files that are no regions.

use std::os::fd::AsFd;

use crate::region::RegionError;
use crate::sys;

/// Makes a file in memory at least `size` bytes long, with all their pages there, so that no
/// access to them can find the memory gone. Regions have theirs without it.
///
/// # Errors
///
/// [`NoMemory`](RegionError::NoMemory) if the machine or a cgroup has not that much left,
/// [`FileSizeLimit`](RegionError::FileSizeLimit) if the process may not make files of that size,
/// and [`Io`](RegionError::Io) for the system's refusal: the file system is full, the file is not
/// open for writing. The file may have some of the pages then.
///
/// # Examples
///
/// ```
/// # let path = format!("/dev/shm/doc-reserve-{}", std::process::id());
/// let file = std::fs::File::create_new(&path)?;
/// mp_handle::reserve(&file, 10_000)?;
/// assert_eq!(file.metadata()?.len(), 10_000);
/// # std::fs::remove_file(path)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn reserve(fd: impl AsFd, size: u64) -> Result<(), RegionError> {
    Ok(sys::reserve(fd, size)?)
}
