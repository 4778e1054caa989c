//! How taking a lock ends, below the errors that users see.

use std::io;

/// How the lock was got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Taken {
    Clean,
    /// A holder has died; the number of its process, if it lived to write it down.
    OwnerDied(Option<u32>),
}

/// Why the lock cannot be got, not even by waiting.
#[derive(Debug)]
pub(crate) enum Refused {
    /// This thread holds it.
    AlreadyHeld,
    /// This thread holds so many locks that the kernel would forget some.
    TooManyHeld,
    /// The kernel keeps no list for this thread.
    System(io::Error),
}
