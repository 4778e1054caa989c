//! A socket that listens, and its file.
//!
//! The file of a listener that was killed stays behind. It is recognized by nobody answering, and
//! replaced. So that two who replace it, or one who has bound and does not listen yet, are not
//! taken for dead, all of it happens under a lock (flock(2)) on the directory.
//!
//! A listener that goes takes its file away first, and closes its socket then. So nobody finds the
//! file of one that is about to go, takes it for left behind, and has its own removed in its stead.

use std::fs::{self, DirBuilder, File, Metadata};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use mp_handle::{Deadline, clear_of_streams};
use rustix::fs::{FlockOperation, Mode, fchmod, flock};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, SocketAddrUnix, SocketFlags, SocketType, bind, connect, listen, socket_with,
};

use super::error::BindError;
use crate::address::{Address, Resolved};

/// How long others may be at a directory: what they do there takes no time.
const LOCK_TIMEOUT: Duration = Duration::from_secs(1);

/// How often a file or a directory may be gone when it is needed: another listener takes it away.
const TRIES: u32 = 10;

/// A listening socket that does not block, where it is, and the file to remove before it.
#[derive(Debug)]
pub(super) struct Bound {
    pub(super) file: Option<SocketFile>,
    pub(super) socket: OwnedFd,
    pub(super) address: Address,
}

/// Listens at `address`.
pub(super) fn bind_to(address: Address, backlog: i32) -> Result<Bound, BindError> {
    match (address.resolve()?, address) {
        (Resolved::Tcp(tcp), _) => Ok(bind_tcp(tcp, backlog)?),
        (Resolved::Unix(unix), Address::Unix(path)) => Ok(bind_file(&path, &unix, backlog)?),
        (Resolved::Unix(unix), address) => {
            let socket = unix_socket()?;
            bind(&socket, &unix)
                .and_then(|()| listen(&socket, backlog))
                .map_err(io::Error::from)?;
            Ok(Bound { socket, address, file: None })
        }
    }
}

fn bind_tcp(address: SocketAddr, backlog: i32) -> io::Result<Bound> {
    let listener = clear_of_streams(TcpListener::bind(address)?)?;
    listener.set_nonblocking(true)?;
    // A second call sets the backlog anew.
    listen(&listener, backlog)?;
    let address = Address::Tcp(listener.local_addr()?);
    Ok(Bound { socket: listener.into(), address, file: None })
}

fn bind_file(path: &Path, address: &SocketAddrUnix, backlog: i32) -> io::Result<Bound> {
    for _ in 1..TRIES {
        match try_bind_file(path, address, backlog) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            bound => return bound,
        }
    }
    try_bind_file(path, address, backlog)
}

fn try_bind_file(path: &Path, address: &SocketAddrUnix, backlog: i32) -> io::Result<Bound> {
    let directory = Directory::enter(path)?;
    let socket = unix_socket()?;
    // The file gets the mode of the socket, less the umask: at no time can others open it.
    fchmod(&socket, Mode::RUSR | Mode::WUSR)?;
    match bind(&socket, address) {
        Err(Errno::ADDRINUSE) if is_left_behind(path, address)? => {
            fs::remove_file(path)?;
            bind(&socket, address)?;
        }
        other => other?,
    }
    let file = SocketFile::at(path.to_owned(), directory.made)?;
    listen(&socket, backlog)?;
    Ok(Bound { file: Some(file), socket, address: Address::Unix(path.to_owned()) })
}

fn unix_socket() -> io::Result<OwnedFd> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    clear_of_streams(socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?)
}

/// Tells whether the file at `path` is a socket at which nobody listens.
fn is_left_behind(path: &Path, address: &SocketAddrUnix) -> io::Result<bool> {
    let is_socket = fs::symlink_metadata(path)?.file_type().is_socket();
    Ok(is_socket && connect(unix_socket()?, address) == Err(Errno::CONNREFUSED))
}

/// The locked directory of a socket file.
struct Directory {
    /// Its path, if it was made for this file.
    made: Option<PathBuf>,
    _lock: File,
}

impl Directory {
    fn enter(path: &Path) -> io::Result<Self> {
        let parent = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let made = match DirBuilder::new().mode(0o700).create(parent) {
            Ok(()) => Some(parent.to_owned()),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => None,
            Err(error) => return Err(error),
        };
        Ok(Self { made, _lock: locked(parent)? })
    }
}

/// Opens a directory and locks it; not one that somebody has taken away meanwhile.
fn locked(path: &Path) -> io::Result<File> {
    let directory = File::open(path)?;
    let deadline = Deadline::after(LOCK_TIMEOUT);
    // Without a blocking call: in a public directory anybody may keep the lock for ever.
    while let Err(errno) = flock(&directory, FlockOperation::NonBlockingLockExclusive) {
        if !matches!(errno, Errno::WOULDBLOCK | Errno::INTR) || deadline.is_expired() {
            return Err(errno.into());
        }
        thread::sleep(Duration::from_millis(1));
    }
    match identity_of(&fs::metadata(path)?) == identity_of(&directory.metadata()?) {
        true => Ok(directory),
        false => Err(io::ErrorKind::NotFound.into()),
    }
}

/// The file of a socket, removed in the end if it is still the same one.
#[derive(Debug)]
pub(super) struct SocketFile {
    path: PathBuf,
    /// Device and inode.
    identity: (u64, u64),
    /// The directory that was made for it.
    directory: Option<PathBuf>,
}

impl SocketFile {
    fn at(path: PathBuf, directory: Option<PathBuf>) -> io::Result<Self> {
        let identity = identity(&path)?;
        Ok(Self { path, identity, directory })
    }
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    fs::symlink_metadata(path).map(|file| identity_of(&file))
}

fn identity_of(file: &Metadata) -> (u64, u64) {
    (file.dev(), file.ino())
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        // What cannot be removed is replaced by the next listener.
        if identity(&self.path).is_ok_and(|identity| identity == self.identity) {
            let _ = fs::remove_file(&self.path);
        }
        if let Some(directory) = &self.directory
            && let Ok(_lock) = locked(directory)
        {
            let _ = fs::remove_dir(directory);
        }
    }
}
