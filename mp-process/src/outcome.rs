//! How a process ended.

use std::{error, fmt};

use rustix::process::WaitIdStatus;
use serde::{Deserialize, Serialize};

/// What the system says of a process that has ended.
#[doc(alias = "exitcode")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum ExitStatus {
    /// It exited with this code.
    Exited(i32),
    /// A signal killed it.
    #[non_exhaustive]
    Signaled {
        /// The number of the signal.
        signal: i32,
        /// Whether the system wrote a core file.
        core_dumped: bool,
    },
    /// It has ended, but somebody else took its status: the program ignores SIGCHLD, or waits
    /// for all of its children somewhere.
    Unknown,
}

impl ExitStatus {
    pub(crate) fn from_wait(status: &WaitIdStatus) -> Self {
        if let Some(code) = status.exit_status() {
            return Self::Exited(code);
        }
        match status.terminating_signal() {
            Some(signal) => Self::Signaled { signal, core_dumped: status.dumped() },
            None => Self::Unknown,
        }
    }

    /// Whether the process exited with code 0.
    #[must_use]
    pub fn success(self) -> bool {
        self == Self::Exited(0)
    }
}

impl fmt::Display for ExitStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Exited(code) => write!(f, "exited with code {code}"),
            Self::Signaled { signal, core_dumped } => {
                write!(f, "was killed by signal {signal}")?;
                if let Some(name) = signal_name(signal) {
                    write!(f, " ({name})")?;
                }
                if core_dumped { f.write_str(", core dumped") } else { Ok(()) }
            }
            Self::Unknown => f.write_str("ended, but somebody else took its status"),
        }
    }
}

/// The names of the signals that kill processes.
fn signal_name(signal: i32) -> Option<&'static str> {
    Some(match signal {
        libc::SIGHUP => "SIGHUP",
        libc::SIGINT => "SIGINT",
        libc::SIGQUIT => "SIGQUIT",
        libc::SIGILL => "SIGILL",
        libc::SIGTRAP => "SIGTRAP",
        libc::SIGABRT => "SIGABRT",
        libc::SIGBUS => "SIGBUS",
        libc::SIGFPE => "SIGFPE",
        libc::SIGKILL => "SIGKILL",
        libc::SIGUSR1 => "SIGUSR1",
        libc::SIGSEGV => "SIGSEGV",
        libc::SIGUSR2 => "SIGUSR2",
        libc::SIGPIPE => "SIGPIPE",
        libc::SIGALRM => "SIGALRM",
        libc::SIGTERM => "SIGTERM",
        libc::SIGXCPU => "SIGXCPU",
        libc::SIGXFSZ => "SIGXFSZ",
        libc::SIGSYS => "SIGSYS",
        _ => return None,
    })
}

/// A panic in another process.
#[doc(alias = "RemoteTraceback")]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Panic {
    /// The message, or `Box<dyn Any>` if the payload was not a string.
    pub message: String,
    /// Where it happened: `file:line:column`.
    pub location: Option<String>,
    /// The backtrace, if `RUST_BACKTRACE` asked for one.
    pub backtrace: Option<String>,
}

impl fmt::Display for Panic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "panicked")?;
        if let Some(location) = &self.location {
            write!(f, " at {location}")?;
        }
        write!(f, ": {}", self.message)
    }
}

/// Why a process gave no result.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Failure {
    /// Its function panicked.
    Panicked(Panic),
    /// It exited before its function returned, with this code.
    Exited(i32),
    /// A signal killed it.
    #[non_exhaustive]
    Signaled {
        /// The number of the signal.
        signal: i32,
        /// Whether the system wrote a core file.
        core_dumped: bool,
    },
    /// It ended before its function began, or was stopped because it did not begin in time.
    #[non_exhaustive]
    FailedToStart {
        /// What went wrong.
        reason: String,
    },
    /// The result could not be encoded there, or not be decoded here.
    #[non_exhaustive]
    ResultUndecodable {
        /// What went wrong.
        reason: String,
    },
    /// It gave no result, and somebody else took its exit status: the program ignores SIGCHLD,
    /// or waits for all of its children somewhere.
    StatusUnknown,
    /// Its result was given out before.
    ResultTaken,
    /// It was awaited in a runtime that could not watch it. It may be running.
    #[non_exhaustive]
    Unwatched {
        /// What went wrong.
        reason: String,
    },
}

impl From<ExitStatus> for Failure {
    fn from(status: ExitStatus) -> Self {
        match status {
            ExitStatus::Exited(code) => Self::Exited(code),
            ExitStatus::Signaled { signal, core_dumped } => Self::Signaled { signal, core_dumped },
            ExitStatus::Unknown => Self::StatusUnknown,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Panicked(panic) => panic.fmt(f),
            Self::Exited(code) => {
                write!(f, "{} before its function returned", ExitStatus::Exited(*code))
            }
            Self::Signaled { signal, core_dumped } => {
                let status = ExitStatus::Signaled { signal: *signal, core_dumped: *core_dumped };
                status.fmt(f)
            }
            Self::FailedToStart { reason } => write!(f, "failed to start: {reason}"),
            Self::ResultUndecodable { reason } => {
                write!(f, "returned a result that cannot travel: {reason}")
            }
            Self::StatusUnknown => ExitStatus::Unknown.fmt(f),
            Self::ResultTaken => f.write_str("has given its result before"),
            Self::Unwatched { reason } => write!(f, "cannot be awaited: {reason}"),
        }
    }
}

/// A process gave no result; the error says which one, and why.
#[derive(Clone, PartialEq, Eq)]
pub struct JoinError {
    pub(crate) name: String,
    pub(crate) pid: u32,
    pub(crate) failure: Failure,
}

impl JoinError {
    /// The name of the process.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The id that the process had.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Why it gave no result.
    #[must_use]
    pub fn failure(&self) -> &Failure {
        &self.failure
    }

    /// Why it gave no result, by value.
    #[must_use]
    pub fn into_failure(self) -> Failure {
        self.failure
    }
}

impl fmt::Display for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {} (pid {}) {}", self.name, self.pid, self.failure)
    }
}

/// The sentence of its `Display`: what `unwrap` and a `main` that returns it show.
impl fmt::Debug for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl error::Error for JoinError {}
