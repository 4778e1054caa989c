//! Why an access to a segment was refused, and why one was not sealed.

use std::error::Error;
use std::fmt;
use std::io::{self, ErrorKind};

use mp_handle::RegionError;
use serde::{Deserialize, Serialize};

use super::SharedMemory;

/// Why an access to shared memory was refused. Nothing was read or written.
///
/// It travels, so that a function that runs in another process can return it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[non_exhaustive]
pub enum SegmentError {
    /// Not all of the bytes are inside.
    OutOfBounds {
        /// Where the access was to begin.
        offset: usize,
        /// How many bytes it was to take.
        size: usize,
        /// How many there are.
        len: usize,
    },
    /// A word would not lie at a multiple of its size.
    Misaligned {
        /// Where the access was to begin.
        offset: usize,
        /// What that has to be a multiple of.
        align: usize,
    },
    /// The memory was opened to be read only.
    ReadOnly,
}

impl fmt::Display for SegmentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SegmentError::OutOfBounds { offset, size, len } => {
                write!(f, "no access to {size} bytes at offset {offset} of shared memory of {len}")
            }
            SegmentError::Misaligned { offset, align } => {
                write!(f, "no word at offset {offset}, which is no multiple of {align}")
            }
            SegmentError::ReadOnly => f.write_str("the shared memory was opened to be read only"),
        }
    }
}

impl Error for SegmentError {}

impl From<SegmentError> for io::Error {
    fn from(error: SegmentError) -> io::Error {
        let kind = match error {
            SegmentError::OutOfBounds { .. } => ErrorKind::UnexpectedEof,
            SegmentError::Misaligned { .. } => ErrorKind::InvalidInput,
            SegmentError::ReadOnly => ErrorKind::PermissionDenied,
        };
        io::Error::new(kind, error)
    }
}

/// Why shared memory was not sealed; with the memory, unless that could not be mapped again.
#[derive(Debug)]
pub struct SealError {
    reason: SealErrorReason,
    memory: Option<SharedMemory>,
}

/// The reason of a [`SealError`].
#[derive(Debug)]
#[non_exhaustive]
pub enum SealErrorReason {
    /// It is mapped to be written elsewhere: by a clone, or by another process.
    InUse,
    /// It has, or had, a name: such files cannot be sealed.
    Named,
    /// Its missing pages were not to be had, or the system refused.
    Region(RegionError),
}

impl SealError {
    pub(super) fn new(reason: SealErrorReason, memory: Option<SharedMemory>) -> SealError {
        SealError { reason, memory }
    }

    /// Returns why it was not sealed.
    #[must_use]
    pub fn reason(&self) -> &SealErrorReason {
        &self.reason
    }

    /// Gives the memory back, as writable as it was.
    #[must_use]
    pub fn into_inner(self) -> Option<SharedMemory> {
        self.memory
    }
}

impl fmt::Display for SealError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.reason {
            SealErrorReason::InUse => {
                f.write_str("somebody else can still write to the memory: drop those handles first")
            }
            SealErrorReason::Named => f.write_str("memory with a name cannot be sealed"),
            SealErrorReason::Region(error) => write!(f, "cannot seal the memory: {error}"),
        }
    }
}

impl Error for SealError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.reason {
            SealErrorReason::Region(error) => Some(error),
            SealErrorReason::InUse | SealErrorReason::Named => None,
        }
    }
}
