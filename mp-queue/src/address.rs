//! [`Address`]: where a listener is found.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use rustix::net::SocketAddrUnix;
use serde::{Deserialize, Serialize};

use crate::auth::random_bytes;

/// Where a [`Listener`](crate::connection::Listener) is found.
///
/// # Examples
///
/// ```
/// use std::net::SocketAddr;
/// use mp_queue::connection::Address;
///
/// let local: SocketAddr = "127.0.0.1:6000".parse()?;
/// assert_eq!(Address::from(local).to_string(), "tcp:127.0.0.1:6000");
/// assert_ne!(Address::private()?, Address::private()?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Address {
    /// A socket file, which only its owner can open. A parent directory that does not exist is
    /// made with the listener, for its owner alone, and goes with it.
    Unix(PathBuf),
    /// A name in the system's table of names, without a file. Any user can knock there, so the
    /// system is asked who it is: only the same user and root get in, on either side.
    Abstract(Vec<u8>),
    /// An internet address. Port 0 lets the system choose one.
    Tcp(SocketAddr),
}

impl Address {
    /// Returns the address of a socket file that nobody else has, in a directory of its own.
    ///
    /// # Errors
    ///
    /// The system's error from getrandom(2).
    pub fn private() -> io::Result<Self> {
        let random = u64::from_ne_bytes(random_bytes()?);
        Ok(Self::Unix(std::env::temp_dir().join(format!("mp-{random:016x}")).join("socket")))
    }

    /// Returns the form that the system takes.
    pub(crate) fn resolve(&self) -> Result<Resolved, UnixAddressError> {
        let (len, address) = match self {
            Self::Tcp(address) => return Ok(Resolved::Tcp(*address)),
            Self::Unix(path) => (path.as_os_str().len(), SocketAddrUnix::new(path)),
            Self::Abstract(name) => (name.len(), SocketAddrUnix::new_abstract_name(name)),
        };
        if len > PathTooLong::LIMIT {
            return Err(UnixAddressError::TooLong(PathTooLong { len }));
        }
        address.map(Resolved::Unix).map_err(|errno| UnixAddressError::Io(errno.into()))
    }
}

/// An address as the system takes it.
#[derive(Debug)]
pub(crate) enum Resolved {
    Tcp(SocketAddr),
    Unix(SocketAddrUnix),
}

/// Why a Unix address is none.
#[derive(Debug)]
pub(crate) enum UnixAddressError {
    TooLong(PathTooLong),
    Io(io::Error),
}

/// Says that the path of a socket is longer than the system takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PathTooLong {
    len: usize,
}

impl PathTooLong {
    /// The length of the longest path, in bytes.
    pub const LIMIT: usize = 107;
}

impl fmt::Display for PathTooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (len, limit) = (self.len, Self::LIMIT);
        write!(f, "a socket path of {len} bytes, where the system takes {limit}")
    }
}

impl std::error::Error for PathTooLong {}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Abstract(name) => write!(f, "abstract:{}", name.escape_ascii()),
            Self::Tcp(address) => write!(f, "tcp:{address}"),
        }
    }
}

impl From<SocketAddr> for Address {
    fn from(address: SocketAddr) -> Self {
        Self::Tcp(address)
    }
}

impl From<PathBuf> for Address {
    fn from(path: PathBuf) -> Self {
        Self::Unix(path)
    }
}

impl From<&Path> for Address {
    fn from(path: &Path) -> Self {
        Self::Unix(path.to_owned())
    }
}

impl From<&Address> for Address {
    fn from(address: &Address) -> Self {
        address.clone()
    }
}
