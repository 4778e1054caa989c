//! Why a task gave no result.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;
use std::{error, fmt};

use mp_process::{ExitStatus, ForeignFunction, Panic};
use serde::{Deserialize, Serialize};

use crate::cause::Cause;
use crate::output::Failure;

/// A task gave no result: which one, in which worker, and why. Other tasks are not affected,
/// unless the kind says so.
///
/// # Examples
///
/// ```
/// use mp_pool::{Pool, TaskError, TaskErrorKind};
///
/// fn crash(n: u32) -> u32 {
///     if n == 2 { std::process::abort() } else { n }
/// }
///
/// mp_process::init();
/// let pool = Pool::new(1)?;
/// let results = pool.try_map(crash, 0..4);
/// let lost = results[2].as_ref().unwrap_err();
/// assert!(matches!(lost, TaskError { kind: TaskErrorKind::WorkerLost { .. }, .. }));
/// assert_eq!(lost.index(), Some(2));
/// let pid = lost.pid().ok_or("a worker had it")?;
/// assert!(lost.to_string().starts_with(&format!("task 2 in worker {pid}: it was killed")));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TaskError {
    /// Why.
    pub kind: TaskErrorKind,
    index: Option<usize>,
    pid: Option<u32>,
    stderr: Option<Box<str>>,
    /// The machine of the worker, if that may be another.
    #[serde(skip)]
    host: Option<Arc<str>>,
}

/// Why a task gave no result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum TaskErrorKind {
    /// The task returned an error (see [`Task::fallible`](crate::Task::fallible)).
    Failed(Box<Failure>),
    /// The task panicked.
    Panicked(Box<Panic>),
    /// The worker ended while it ran the task, and there were no retries left.
    #[non_exhaustive]
    WorkerLost {
        /// How it ended.
        status: ExitStatus,
        /// What probably ended it, if there are signs of something.
        cause: Option<Cause>,
        /// How often the task was begun.
        attempts: u32,
    },
    /// The task ran for longer than it may, and its worker was killed.
    #[non_exhaustive]
    TimedOut {
        /// How long it might have run.
        limit: Duration,
    },
    /// The worker used more memory than it may, and was killed; see
    /// [`Builder::memory_limit`](crate::Builder::memory_limit).
    #[non_exhaustive]
    OutOfMemory {
        /// How many bytes it used.
        used: u64,
        /// How many it might have used.
        limit: u64,
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
    /// The executor cannot do what an option of the call asks for.
    #[non_exhaustive]
    Unsupported {
        /// What it cannot do, and what to use instead.
        what: Cow<'static, str>,
    },
    /// What was to run the task runs only certain functions, and not this one.
    #[non_exhaustive]
    NotAllowed {
        /// The function, as its type is called.
        function: String,
    },
    /// What is to run the task is out of reach.
    #[non_exhaustive]
    Unavailable {
        /// What is missing, and for how long it was.
        reason: String,
    },
}

impl TaskError {
    /// The place of the task among the inputs of its call.
    #[must_use]
    pub fn index(&self) -> Option<usize> {
        self.index
    }

    /// The process id of the worker that ran it, or that was to.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.pid
    }

    /// The machine of that worker, if tasks run on several.
    #[must_use]
    pub fn host(&self) -> Option<&str> {
        self.host.as_deref()
    }

    /// The last that a worker which was lost has written to its standard error, 16 KiB at
    /// most; empty if there is nothing, or if the pool does not read it (see
    /// [`Output`](crate::Output)).
    #[must_use]
    pub fn stderr_tail(&self) -> &str {
        self.stderr.as_deref().unwrap_or_default()
    }

    /// Says which of the inputs it was.
    pub(crate) fn at(self, index: usize) -> Self {
        Self { index: Some(index), ..self }
    }

    /// Says what the worker has written to its standard error at last.
    pub(crate) fn saying(self, tail: &str) -> Self {
        Self { stderr: (!tail.is_empty()).then(|| tail.into()), ..self }
    }

    /// Says on which machine the worker was.
    #[must_use]
    pub fn on(self, host: Arc<str>) -> Self {
        Self { host: Some(host), ..self }
    }

    /// Says which worker it was.
    pub(crate) fn of(self, pid: u32) -> Self {
        Self { pid: Some(pid), ..self }
    }
}

/// What executors of other crates say.
impl TaskErrorKind {
    /// The worker was lost so often.
    #[must_use]
    pub fn worker_lost(status: ExitStatus, attempts: u32) -> Self {
        Self::WorkerLost { status, cause: None, attempts }
    }

    /// Arguments or results cannot travel, for this reason.
    #[must_use]
    pub fn undecodable(reason: impl Into<String>) -> Self {
        Self::Undecodable { reason: reason.into() }
    }

    /// The executor cannot do that; `what` says what to use instead.
    #[must_use]
    pub fn unsupported(what: impl Into<Cow<'static, str>>) -> Self {
        Self::Unsupported { what: what.into() }
    }

    /// This function is none of those that are run there.
    #[must_use]
    pub fn not_allowed(function: impl Into<String>) -> Self {
        Self::NotAllowed { function: function.into() }
    }

    /// What is to run the task is out of reach.
    #[must_use]
    pub fn unavailable(reason: impl Into<String>) -> Self {
        Self::Unavailable { reason: reason.into() }
    }
}

impl From<TaskErrorKind> for TaskError {
    fn from(kind: TaskErrorKind) -> Self {
        Self { kind, index: None, pid: None, stderr: None, host: None }
    }
}

impl fmt::Display for TaskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("task")?;
        if let Some(index) = self.index {
            write!(f, " {index}")?;
        }
        if let Some(pid) = self.pid {
            write!(f, " in worker {pid}")?;
        }
        if let Some(host) = &self.host {
            write!(f, " on {host}")?;
        }
        write!(f, ": {}", self.kind)
    }
}

impl fmt::Display for TaskErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(failure) => failure.fmt(f),
            Self::Panicked(panic) => panic.fmt(f),
            Self::WorkerLost { status, cause, attempts } => {
                write!(f, "it {status}")?;
                if let ExitStatus::Exited(_) = status {
                    f.write_str(" before its function returned")?;
                }
                if let Some(cause) = cause {
                    write!(f, ", probably because {cause}")?;
                }
                if *attempts > 1 { write!(f, ", in attempt {attempts}") } else { Ok(()) }
            }
            Self::TimedOut { limit } => write!(f, "it ran for more than {limit:?} and was killed"),
            Self::OutOfMemory { used, limit } => write!(
                f,
                "its worker used {used} bytes of memory, where {limit} are allowed, and was killed"
            ),
            Self::Undecodable { reason } => f.write_str(reason),
            Self::Cancelled => {
                f.write_str("it was cancelled, or its pool was terminated or dropped")
            }
            Self::PoolClosed => f.write_str("the pool was closed before, and takes no more tasks"),
            Self::PoolBroken { reason } => {
                write!(
                    f,
                    "the pool has given up, its workers end before their first task: {reason}"
                )
            }
            Self::ForeignFunction(error) => error.fmt(f),
            Self::Unsupported { what } => f.write_str(what),
            Self::NotAllowed { function } => write!(
                f,
                "`{function}` is none of the functions that are allowed there: allow it before \
                 the worker begins to serve"
            ),
            Self::Unavailable { reason } => f.write_str(reason),
        }
    }
}

/// What `unwrap` and a `main` that returns it show: the sentence of its `Display`, and the last words
/// of a lost worker.
impl fmt::Debug for TaskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)?;
        match self.stderr_tail().trim_end() {
            "" => Ok(()),
            tail => write!(f, "\nits standard error ended with\n{tail}"),
        }
    }
}

impl error::Error for TaskError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match &self.kind {
            TaskErrorKind::ForeignFunction(error) => Some(error),
            _ => None,
        }
    }
}
