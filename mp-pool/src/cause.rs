//! What probably ended a worker: what its status and its last words tell.

use std::fmt;

use libc::{SIGABRT, SIGBUS, SIGILL, SIGKILL, SIGSEGV, SIGSYS, SIGTRAP, SIGXCPU, SIGXFSZ};
use mp_process::ExitStatus;
use serde::{Deserialize, Serialize};

/// What probably ended a worker. It is a guess from signs, for people to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Cause {
    /// The system, or its control group, had no memory left, and the kernel chose this process:
    /// its count of such kills went up.
    OutOfMemory,
    /// There was no memory for an allocation: so says its standard error.
    AllocationFailed,
    /// There was none, where the memory of the worker is
    /// [limited](crate::Builder::memory_limit) to so many bytes.
    MemoryLimit(u64),
    /// The stack was too small, as for an endless recursion: so says its standard error.
    StackOverflow,
    /// Something has written where it must not: so says the allocator, or the stack's guard.
    MemoryCorruption,
    /// It read or wrote where no memory is, or ran what is no code.
    InvalidAccess,
    /// A panic came where it cannot be caught, such as in a destructor during another.
    UncatchablePanic,
    /// It has used up its [`CpuSeconds`](mp_process::Limit::CpuSeconds).
    CpuLimit,
    /// It has written a file larger than its limit allows.
    FileSizeLimit,
    /// It made a system call that a filter forbids.
    ForbiddenCall,
}

/// What processes say before they abort, and what it means.
const LAST_WORDS: [(&str, Cause); 13] = [
    ("has overflowed its stack", Cause::StackOverflow),
    ("memory allocation of ", Cause::AllocationFailed),
    ("std::bad_alloc", Cause::AllocationFailed),
    ("stack smashing detected", Cause::MemoryCorruption),
    ("malloc(): ", Cause::MemoryCorruption),
    ("realloc(): ", Cause::MemoryCorruption),
    ("free(): ", Cause::MemoryCorruption),
    ("double free or corruption", Cause::MemoryCorruption),
    ("corrupted size vs. prev_size", Cause::MemoryCorruption),
    ("corrupted double-linked list", Cause::MemoryCorruption),
    ("panic in a destructor during cleanup", Cause::UncatchablePanic),
    ("panic in a function that cannot unwind", Cause::UncatchablePanic),
    ("thread panicked while processing panic", Cause::UncatchablePanic),
];

/// Only the end of what a process said is about its end.
const LAST_LINES: usize = 20;

impl Cause {
    /// Guesses from how a process ended, and from the end of its standard error. `oom` says
    /// whether the kernel has killed something for want of memory just now.
    pub(crate) fn guess(status: ExitStatus, stderr: &str, oom: bool) -> Option<Self> {
        let ExitStatus::Signaled { signal, .. } = status else { return None };
        match signal {
            SIGKILL => oom.then_some(Self::OutOfMemory),
            SIGABRT | SIGTRAP => Self::from_words(stderr),
            // The stack's guard page is memory that is not there as well.
            SIGSEGV | SIGBUS | SIGILL => {
                Some(Self::from_words(stderr).unwrap_or(Self::InvalidAccess))
            }
            SIGXCPU => Some(Self::CpuLimit),
            SIGXFSZ => Some(Self::FileSizeLimit),
            SIGSYS => Some(Self::ForbiddenCall),
            _ => None,
        }
    }

    fn from_words(stderr: &str) -> Option<Self> {
        let said = |line: &str| LAST_WORDS.iter().find(|(words, _)| line.contains(words));
        // A backtrace may follow; its lines are indented.
        let lines = stderr.lines().rev().filter(|line| !line.starts_with(' '));
        lines.take(LAST_LINES).find_map(said).map(|&(_, cause)| cause)
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MemoryLimit(bytes) => {
                return write!(f, "an allocation failed at its limit of {bytes} bytes");
            }
            Self::OutOfMemory => "the system was out of memory",
            Self::AllocationFailed => "an allocation failed",
            Self::StackOverflow => "its stack overflowed",
            Self::MemoryCorruption => "its memory was corrupted",
            Self::InvalidAccess => "it used an invalid address or instruction",
            Self::UncatchablePanic => "it panicked where no panic can be caught",
            Self::CpuLimit => "it has used up its processor time",
            Self::FileSizeLimit => "it wrote a file larger than its limit",
            Self::ForbiddenCall => "it made a system call that is forbidden to it",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Cause;

    #[test]
    fn the_last_words_tell_the_cause() {
        let cases = [
            ("memory allocation of 8 bytes failed\n", Some(Cause::AllocationFailed)),
            (
                "terminate called after throwing an instance of 'std::bad_alloc'\n  what()",
                Some(Cause::AllocationFailed),
            ),
            (
                "thread 'main' (7) has overflowed its stack\nfatal runtime error",
                Some(Cause::StackOverflow),
            ),
            ("*** stack smashing detected ***: terminated", Some(Cause::MemoryCorruption)),
            ("malloc(): corrupted top size", Some(Cause::MemoryCorruption)),
            ("all is well", None),
        ];
        for (words, cause) in cases {
            assert_eq!(Cause::from_words(words), cause, "{words}");
        }
    }

    #[test]
    fn a_backtrace_hides_no_words() {
        let frame = "  10: alloc::alloc::handle_alloc_error\n             at alloc.rs:537:9\n";
        let words = "memory allocation of 8 bytes failed\nstack backtrace:\n";
        let stderr = format!("{words}{}", frame.repeat(30));
        assert_eq!(Cause::from_words(&stderr), Some(Cause::AllocationFailed));
    }

    #[test]
    fn what_was_said_long_ago_is_not_the_cause() {
        let words = format!("the file was corrupted, going on\n{}", "a line\n".repeat(30));
        assert_eq!(Cause::from_words(&words), None);
    }
}
