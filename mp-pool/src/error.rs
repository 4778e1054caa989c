//! Why a task gave no result, or a pool could not be made.

use std::time::Duration;
use std::{error, fmt, io};

use mp_handle::RegionError;
use mp_process::{ExitStatus, ForeignFunction, Panic, SpawnError};

/// A task gave no result. Other tasks are not affected, unless the variant says so.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TaskError {
    /// The task returned an error (see [`Task::fallible`](crate::Task::fallible)).
    #[non_exhaustive]
    Failed {
        /// What the error says.
        message: String,
        /// What its sources say, from the nearest to the root.
        chain: Vec<String>,
    },
    /// The task panicked.
    Panicked(Panic),
    /// The worker ended while it ran the task, and there were no retries left.
    #[non_exhaustive]
    WorkerLost {
        /// The process id that the worker had.
        pid: u32,
        /// How it ended.
        status: ExitStatus,
    },
    /// The task ran for longer than it may, and its worker was killed.
    #[non_exhaustive]
    TimedOut {
        /// How long it might have run.
        limit: Duration,
    },
    /// The arguments or the result cannot travel.
    #[non_exhaustive]
    Undecodable {
        /// What went wrong, and on which side.
        reason: String,
    },
    /// The pool was terminated, or the call that the task belongs to was given up.
    Cancelled,
    /// The pool was closed or terminated before, or belongs to the process that this one was
    /// forked from.
    PoolClosed,
    /// The pool has given up, because its workers do not live to run a task.
    #[non_exhaustive]
    PoolBroken {
        /// What became of the last worker.
        reason: String,
    },
    /// The function is not part of the program itself.
    ForeignFunction(ForeignFunction),
}

impl fmt::Display for TaskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed { message, chain } => {
                f.write_str(message)?;
                chain.iter().try_for_each(|source| write!(f, ": {source}"))
            }
            Self::Panicked(panic) => panic.fmt(f),
            Self::WorkerLost { pid, status } => write!(f, "worker {pid} {status}"),
            Self::TimedOut { limit } => {
                write!(f, "the task ran for more than {limit:?} and was killed")
            }
            Self::Undecodable { reason } => f.write_str(reason),
            Self::Cancelled => f.write_str("the task was cancelled"),
            Self::PoolClosed => f.write_str("the pool was closed before"),
            Self::PoolBroken { reason } => {
                write!(
                    f,
                    "the pool has given up, its workers end before their first task: {reason}"
                )
            }
            Self::ForeignFunction(error) => error.fmt(f),
        }
    }
}

impl error::Error for TaskError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::ForeignFunction(error) => Some(error),
            _ => None,
        }
    }
}

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
