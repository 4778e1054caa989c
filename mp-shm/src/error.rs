//! Why a shared value could not be read or written.

use std::error::Error;
use std::fmt;
use std::io;

use mp_sync::LockError;

/// Why an access under a lock failed, where the guard is of no use to the caller.
///
/// [`Value::lock`](crate::Value::lock) and its like give the guard in their error; take them to
/// recover.
#[derive(Debug)]
#[non_exhaustive]
pub enum AccessError {
    /// A process died while it held the lock, and nobody has recovered it yet.
    OwnerDied {
        /// The process that died, if it could leave its number.
        process: Option<u32>,
    },
    /// This thread holds the lock: use the guard it has.
    AlreadyHeld,
    /// A thread of this process has ended and leaked its guard, which may be in use still.
    Abandoned,
    /// This thread holds so many locks that the kernel looks after no more.
    TooManyHeld,
    /// What lies in memory is no value of the type: a peer wrote something else there.
    Invalid {
        /// The type's name.
        type_name: &'static str,
    },
    /// There is no element of that index.
    OutOfBounds {
        /// The index asked for.
        index: usize,
        /// How many elements there are.
        len: usize,
    },
    /// The system refused the lock.
    System(io::Error),
}

impl<G> From<LockError<G>> for AccessError {
    /// Gives the lock back at once; that its owner died remains for the next one too.
    fn from(error: LockError<G>) -> Self {
        match error {
            LockError::OwnerDied(died) => AccessError::OwnerDied { process: died.process() },
            LockError::AlreadyHeld => AccessError::AlreadyHeld,
            LockError::Abandoned => AccessError::Abandoned,
            LockError::System(error) => AccessError::System(error),
            _ => AccessError::TooManyHeld,
        }
    }
}

impl fmt::Display for AccessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AccessError::OwnerDied { process: Some(process) } => {
                write!(f, "process {process} died while holding the lock: lock() and recover() it")
            }
            AccessError::OwnerDied { process: None } => {
                f.write_str("a process died while holding the lock: lock() and recover() it")
            }
            AccessError::AlreadyHeld => {
                f.write_str("this thread holds the lock already: use its guard, or drop it first")
            }
            AccessError::Abandoned => f.write_str(
                "a thread that has ended leaked its guard: use the value from another process",
            ),
            AccessError::TooManyHeld => {
                f.write_str("this thread holds 1000 locks: drop the guard of one first")
            }
            AccessError::Invalid { type_name } => {
                write!(f, "the shared bytes are no {type_name}: a peer wrote something else there")
            }
            AccessError::OutOfBounds { index, len } => {
                write!(f, "no element {index} in a shared array of {len}")
            }
            AccessError::System(error) => write!(f, "the system refused the lock: {error}"),
        }
    }
}

impl Error for AccessError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            AccessError::System(error) => Some(error),
            _ => None,
        }
    }
}
