//! What probably ended a worker.

use std::fmt;

use libc::{SIGBUS, SIGILL, SIGKILL, SIGSEGV, SIGSYS, SIGXCPU, SIGXFSZ};
use mp_process::ExitStatus;

/// What probably ended a worker. It is a guess from signs, for people to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// The system, or its control group, had no memory left, and the kernel chose this process:
    /// its count of such kills went up.
    OutOfMemory,
    /// It read or wrote where no memory is, or ran what is no code.
    InvalidAccess,
    /// It has used up its [`CpuSeconds`](mp_process::Limit::CpuSeconds).
    CpuLimit,
    /// It has written a file larger than its limit allows.
    FileSizeLimit,
    /// It made a system call that a filter forbids.
    ForbiddenCall,
}

impl Cause {
    /// Guesses from how a process ended. `oom` says whether the kernel has killed something for
    /// want of memory just now.
    pub(crate) fn guess(status: ExitStatus, oom: bool) -> Option<Self> {
        let ExitStatus::Signaled { signal, .. } = status else { return None };
        match signal {
            SIGKILL => oom.then_some(Self::OutOfMemory),
            SIGSEGV | SIGBUS | SIGILL => Some(Self::InvalidAccess),
            SIGXCPU => Some(Self::CpuLimit),
            SIGXFSZ => Some(Self::FileSizeLimit),
            SIGSYS => Some(Self::ForbiddenCall),
            _ => None,
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OutOfMemory => "the system was out of memory",
            Self::InvalidAccess => "it used an invalid address or instruction",
            Self::CpuLimit => "it has used up its processor time",
            Self::FileSizeLimit => "it wrote a file larger than its limit",
            Self::ForbiddenCall => "it made a system call that is forbidden to it",
        })
    }
}
