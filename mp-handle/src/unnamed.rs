//! Files that have no name until all is in them: who opens one by its name finds it whole, and who
//! is killed before that leaves nothing.

use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Mode, OFlags, fchmod, linkat, open};

use crate::streams::clear_of_streams;

/// Creates an empty file in a folder, to be given a name there by [`publish`] when it is complete.
/// The umask does not change its permission bits.
///
/// # Errors
///
/// The system refuses; see `O_TMPFILE` in open(2).
///
/// # Examples
///
/// ```
/// use std::io::Write;
///
/// let path = format!("/dev/shm/doc-unnamed-{}", std::process::id());
/// let mut file = std::fs::File::from(mp_handle::unnamed("/dev/shm", 0o600)?);
/// file.write_all(b"whole")?;
/// mp_handle::publish(&file, &path)?;
/// assert_eq!(std::fs::read(&path)?, b"whole");
///
/// let taken = mp_handle::publish(&file, &path).unwrap_err();
/// assert_eq!(taken.kind(), std::io::ErrorKind::AlreadyExists);
/// # std::fs::remove_file(path)?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn unnamed(folder: impl AsRef<Path>, mode: u32) -> io::Result<OwnedFd> {
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    let file = clear_of_streams(open(folder.as_ref(), flags, Mode::empty())?)?;
    // Set afterwards, so that the umask does not change it.
    fchmod(&file, Mode::from_raw_mode(mode))?;
    Ok(file)
}

/// Gives an [`unnamed`] file its name, if that is not taken.
///
/// # Errors
///
/// [`AlreadyExists`](io::ErrorKind::AlreadyExists) if something has the name; the system refuses.
pub fn publish(file: impl AsFd, path: impl AsRef<Path>) -> io::Result<()> {
    let link = format!("/proc/self/fd/{}", file.as_fd().as_raw_fd());
    Ok(linkat(CWD, link, CWD, path.as_ref(), AtFlags::SYMLINK_FOLLOW)?)
}
