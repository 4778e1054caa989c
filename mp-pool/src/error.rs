//! Why a pool could not be made, or not be used as asked.

use std::{error, fmt, io};

use mp_handle::RegionError;
use mp_process::{ForeignFunction, SpawnError};

/// A pool could not be made, or not be used as asked.
#[derive(Debug)]
#[non_exhaustive]
pub enum PoolError {
    /// A pool needs at least one worker, and each worker at least one task.
    Zero {
        /// Which number was zero.
        what: &'static str,
    },
    /// A worker could not be started.
    Spawn(SpawnError),
    /// There is no memory to share with a worker.
    Region(RegionError),
    /// The initializer's arguments cannot be encoded.
    Initializer(mp_handle::CodecError),
    /// The initializer is not part of the program itself.
    ForeignFunction(ForeignFunction),
    /// The system refused something.
    System {
        /// What was to be done.
        what: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// `join` was called on a pool that takes tasks: close or terminate it first.
    StillRunning,
}

impl PoolError {
    pub(crate) fn system(what: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::System { what, source }
    }
}

impl fmt::Display for PoolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Zero { what } => write!(f, "{what} must be at least one"),
            Self::Spawn(error) => write!(f, "cannot start a worker: {error}"),
            Self::Region(error) => write!(f, "cannot share memory with a worker: {error}"),
            Self::Initializer(error) => {
                write!(f, "the initializer's arguments cannot be encoded: {error}")
            }
            Self::ForeignFunction(error) => error.fmt(f),
            Self::System { what, source } => write!(f, "cannot {what}: {source}"),
            Self::StillRunning => {
                f.write_str("the pool still takes tasks: close or terminate it before join")
            }
        }
    }
}

impl error::Error for PoolError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Spawn(error) => Some(error),
            Self::Region(error) => Some(error),
            Self::Initializer(error) => Some(error),
            Self::ForeignFunction(error) => Some(error),
            Self::System { source, .. } => Some(source),
            Self::Zero { .. } | Self::StillRunning => None,
        }
    }
}

impl From<SpawnError> for PoolError {
    fn from(error: SpawnError) -> Self {
        Self::Spawn(error)
    }
}

impl From<RegionError> for PoolError {
    fn from(error: RegionError) -> Self {
        Self::Region(error)
    }
}

impl From<ForeignFunction> for PoolError {
    fn from(error: ForeignFunction) -> Self {
        Self::ForeignFunction(error)
    }
}
