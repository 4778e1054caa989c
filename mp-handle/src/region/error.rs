//! Why a region could not be had, and why an access to one was refused.

use std::error::Error;
use std::fmt;
use std::io::{self, ErrorKind};

use super::Kind;
use crate::sys::ReserveError;

/// Why a [`Region`](super::Region) could not be created or opened.
#[derive(Debug)]
#[non_exhaustive]
pub enum RegionError {
    /// The system refused a call, most often for want of descriptors or address space.
    Io(io::Error),
    /// The machine, or a cgroup of this process, does not have that much memory left.
    NoMemory {
        /// The bytes asked for.
        wanted: u64,
        /// The bytes that were to be had.
        available: u64,
    },
    /// The process may not write files of that size (`RLIMIT_FSIZE`).
    FileSizeLimit {
        /// The bytes asked for, header included.
        wanted: u64,
        /// The limit.
        limit: u64,
    },
    /// No address space could hold that much.
    TooLarge {
        /// The payload bytes asked for.
        len: usize,
    },
    /// No region can have such a name.
    Name {
        /// The name asked for.
        name: String,
    },
    /// What has a name has bytes too; or its maker has not yet given it any.
    Empty {
        /// Its name.
        name: String,
    },
    /// A named region exists already.
    Exists {
        /// Its name.
        name: String,
    },
    /// No region has the name.
    NotFound {
        /// The name asked for.
        name: String,
    },
    /// The named region belongs to a user whom the opener does not trust with it.
    Owner {
        /// Its name.
        name: String,
        /// The user to whom it had to belong.
        expected: u32,
        /// The user to whom it belongs.
        found: u32,
    },
    /// The descriptor is not that of a memfd.
    NotMemory,
    /// The descriptor is that of a file in memory that somebody could still shrink.
    NotSealed,
    /// The file is too short to have a header.
    Truncated {
        /// The file's size in bytes.
        size: u64,
    },
    /// The file does not begin as a region does.
    NoHeader,
    /// The region was made by a program with another layout.
    Layout {
        /// The layout of this program.
        expected: u32,
        /// The layout of the region.
        found: u32,
    },
    /// The region was made in another PID namespace, where process numbers mean other processes.
    PidNamespace {
        /// The inode of this process's namespace.
        expected: u64,
        /// The inode of its maker's namespace.
        found: u64,
    },
    /// The length in the header does not fit the file.
    Length {
        /// The payload bytes that the header states.
        stated: u64,
        /// The file's size in bytes.
        size: u64,
    },
    /// The region is of another kind.
    Kind {
        /// The kind asked for.
        expected: Kind,
        /// The kind that the region has.
        found: Kind,
        /// The layout version of both.
        layout: u32,
    },
    /// The region is too small for what was expected inside.
    TooSmall(OutOfRegion),
    /// The region is of the kind asked for, but holds another type.
    Fingerprint {
        /// The kind of both.
        kind: Kind,
        /// The fingerprint asked for.
        expected: u64,
        /// The fingerprint that the region has.
        found: u64,
    },
}

impl fmt::Display for RegionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RegionError::Io(error) => write!(f, "cannot make a shared region: {error}"),
            RegionError::NoMemory { wanted, available } => {
                write!(f, "no memory for {wanted} shared bytes: {available} are left")
            }
            RegionError::FileSizeLimit { wanted, limit } => {
                write!(f, "{wanted} shared bytes exceed the file size limit of {limit}")
            }
            RegionError::TooLarge { len } => {
                write!(f, "{len} shared bytes exceed the address space")
            }
            RegionError::Name { name } => {
                write!(f, "no region can be named {name:?}: use 1 to 200 bytes without / or NUL")
            }
            RegionError::Empty { name } => {
                write!(f, "shared memory named {name:?} must have at least one byte")
            }
            RegionError::Exists { name } => {
                write!(f, "a region named {name:?} exists already: open it, or unlink it first")
            }
            RegionError::NotFound { name } => {
                write!(f, "no region is named {name:?}: it was not created, or is unlinked already")
            }
            RegionError::Owner { name, expected, found } => {
                write!(f, "expected {name:?} to belong to user {expected}, it belongs to {found}")
            }
            RegionError::NotMemory => {
                f.write_str("expected a sealed memfd, found another kind of file")
            }
            RegionError::NotSealed => {
                f.write_str("expected a memfd of fixed size, found one that can be resized")
            }
            RegionError::Truncated { size } => {
                write!(f, "expected a region, found a file of {size} bytes")
            }
            RegionError::NoHeader => {
                f.write_str("expected a region, found a file without its header")
            }
            RegionError::Layout { expected, found } => {
                write!(f, "expected a region of layout {expected}, found layout {found}")
            }
            RegionError::PidNamespace { expected, found } => {
                write!(f, "expected a region of pid namespace {expected}, found {found}")
            }
            RegionError::Length { stated, size } => {
                write!(f, "expected a region of {stated} bytes, found a file of {size}")
            }
            RegionError::Kind { expected, found, layout } => {
                write!(f, "expected {expected} (layout {layout}), found {found} (layout {layout})")
            }
            RegionError::TooSmall(access) => write!(f, "expected more in the region: {access}"),
            RegionError::Fingerprint { kind, expected, found } => {
                write!(
                    f,
                    "expected {kind} of type {expected:#018x}, found type {found:#018x}: its type \
                     was another one where it was created, or had other fields"
                )
            }
        }
    }
}

impl Error for RegionError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            RegionError::Io(error) => Some(error),
            RegionError::TooSmall(access) => Some(access),
            _ => None,
        }
    }
}

impl From<io::Error> for RegionError {
    fn from(error: io::Error) -> Self {
        RegionError::Io(error)
    }
}

impl From<OutOfRegion> for RegionError {
    fn from(access: OutOfRegion) -> Self {
        RegionError::TooSmall(access)
    }
}

impl From<ReserveError> for RegionError {
    fn from(error: ReserveError) -> Self {
        match error {
            ReserveError::Io(error) => RegionError::Io(error),
            ReserveError::NoMemory { wanted, available } => {
                RegionError::NoMemory { wanted, available }
            }
            ReserveError::FileSizeLimit { wanted, limit } => {
                RegionError::FileSizeLimit { wanted, limit }
            }
        }
    }
}

impl From<RegionError> for io::Error {
    /// Keeps a system error as it is, and gives the others the nearest kind.
    fn from(error: RegionError) -> Self {
        let kind = match error {
            RegionError::Io(error) => return error,
            RegionError::NoMemory { .. } | RegionError::TooLarge { .. } => ErrorKind::OutOfMemory,
            RegionError::FileSizeLimit { .. } => ErrorKind::FileTooLarge,
            RegionError::Name { .. } | RegionError::Empty { .. } => ErrorKind::InvalidInput,
            RegionError::Exists { .. } => ErrorKind::AlreadyExists,
            RegionError::NotFound { .. } => ErrorKind::NotFound,
            RegionError::Owner { .. } => ErrorKind::PermissionDenied,
            _ => ErrorKind::InvalidData,
        };
        io::Error::new(kind, error)
    }
}

impl From<ReserveError> for io::Error {
    fn from(error: ReserveError) -> Self {
        RegionError::from(error).into()
    }
}

/// An access to bytes that a region does not have, or to a word across its alignment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OutOfRegion {
    /// Where the access was to begin.
    pub offset: usize,
    /// How many bytes it was to take.
    pub size: usize,
    /// What `offset` must be a multiple of.
    pub align: usize,
    /// The payload bytes that the region has.
    pub len: usize,
}

impl fmt::Display for OutOfRegion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let OutOfRegion { offset, size, align, len } = self;
        write!(f, "no access to {size} bytes at offset {offset} of a region of {len}")?;
        if offset % align != 0 {
            write!(f, ", which must be aligned to {align}")?;
        }
        Ok(())
    }
}

impl Error for OutOfRegion {}
