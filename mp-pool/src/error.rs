//! Why a pool could not be made, or not be used as asked.

use std::{error, fmt, io};

use mp_handle::RegionError;
use mp_process::{ForeignFunction, SpawnError};

/// The result is not there yet: Python's `TimeoutError`. The task goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotReady;

impl fmt::Display for NotReady {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the result is not there yet: ask again, or wait for longer")
    }
}

impl error::Error for NotReady {}

/// A pool could not be made, or not be used as asked.
///
/// Its `Debug` is the sentence that its `Display` is: what `unwrap` and a `main` that returns it show.
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
    /// The arguments of the initializer, or of the function that makes the state, cannot be encoded.
    Initializer(mp_handle::CodecError),
    /// The value that tasks are to share cannot be encoded.
    SharedValue(mp_handle::CodecError),
    /// The initializer is not part of the program itself.
    ForeignFunction(ForeignFunction),
    /// The system refused something.
    System {
        /// What was to be done.
        what: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// The pool would be one within too many others, or its tasks make pools without end; see
    /// [`Builder::max_depth`](crate::Builder::max_depth).
    #[non_exhaustive]
    TooDeep {
        /// How many pools may be around a process.
        limit: u32,
    },
    /// A worker cannot be pinned to a processor whose number is beyond those that Linux counts.
    #[non_exhaustive]
    NoSuchCpu {
        /// The number.
        cpu: usize,
    },
    /// The pool was made of another executor, which has no worker processes on this machine.
    NoProcesses,
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
            Self::SharedValue(error) => {
                write!(f, "the value that tasks share cannot be encoded: {error}")
            }
            Self::ForeignFunction(error) => error.fmt(f),
            Self::System { what, source } => write!(f, "cannot {what}: {source}"),
            Self::TooDeep { limit } => write!(
                f,
                "a pool within {limit} others: its tasks may be making pools without end; \
                 raise max_depth if they are not"
            ),
            Self::NoSuchCpu { cpu } => write!(f, "there is no processor {cpu} to pin a worker to"),
            Self::NoProcesses => f.write_str(
                "the pool has no worker processes of its own: ask the executor it was made with",
            ),
            Self::StillRunning => {
                f.write_str("the pool still takes tasks: close or terminate it before join")
            }
        }
    }
}

impl fmt::Debug for PoolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl error::Error for PoolError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Spawn(error) => Some(error),
            Self::Region(error) => Some(error),
            Self::Initializer(error) | Self::SharedValue(error) => Some(error),
            Self::ForeignFunction(error) => Some(error),
            Self::System { source, .. } => Some(source),
            Self::Zero { .. }
            | Self::TooDeep { .. }
            | Self::NoSuchCpu { .. }
            | Self::NoProcesses
            | Self::StillRunning => None,
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
