//! What taking a lock can end in, other than with a guard.

use std::error::Error;
use std::fmt;
use std::io;

use crate::guard::Recover;
use crate::outcome::Refused;

/// Why a lock did not give its guard as it should.
///
/// `G` is the guard. As it borrows from the lock, the error does too; where it has to leave the
/// function, as with `?`, [`recover`](Self::recover) first, or turn it into text.
#[non_exhaustive]
pub enum LockError<G> {
    /// Somebody died while holding the lock. The caller holds it now: the guard is inside.
    OwnerDied(OwnerDied<G>),
    /// This thread holds the lock already: to wait for itself would be to wait for ever.
    AlreadyHeld,
    /// This thread holds a thousand locks, and the kernel looks after no more.
    TooManyHeld,
    /// As many use the lock as can at a time.
    TooManyUsers,
    /// A thread of this process has ended and left its guard behind, so there may still be
    /// references to what the lock protects. See [`Lock::is_abandoned`](crate::Lock::is_abandoned).
    Abandoned,
    /// The system refused what the lock needs.
    System(io::Error),
}

impl<G: Recover> LockError<G> {
    /// Declares what the lock protects to be in order if its owner died; other errors remain.
    ///
    /// # Errors
    ///
    /// Returns the error if it has no guard.
    ///
    /// # Examples
    ///
    /// ```
    /// use mp_sync::{Lock, LockError};
    ///
    /// let lock = Lock::new()?;
    /// let guard = lock.lock().or_else(LockError::recover).expect("a lock not held");
    /// # Ok::<(), mp_sync::RegionError>(())
    /// ```
    pub fn recover(self) -> Result<G, LockError<G>> {
        match self {
            LockError::OwnerDied(died) => Ok(died.recover()),
            other => Err(other),
        }
    }
}

impl<G> LockError<G> {
    /// Replaces the guard, if there is one; for those who wrap it in their own.
    pub fn map<H>(self, wrap: impl FnOnce(G) -> H) -> LockError<H> {
        match self {
            LockError::OwnerDied(died) => LockError::OwnerDied(died.map(wrap)),
            LockError::AlreadyHeld => LockError::AlreadyHeld,
            LockError::TooManyHeld => LockError::TooManyHeld,
            LockError::TooManyUsers => LockError::TooManyUsers,
            LockError::Abandoned => LockError::Abandoned,
            LockError::System(error) => LockError::System(error),
        }
    }
}

impl<G> From<Refused> for LockError<G> {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::AlreadyHeld => LockError::AlreadyHeld,
            Refused::TooManyHeld => LockError::TooManyHeld,
            Refused::System(error) => LockError::System(error),
        }
    }
}

impl<G> fmt::Display for LockError<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LockError::OwnerDied(died) => died.fmt(f),
            LockError::AlreadyHeld => f.write_str(
                "this thread holds the lock already: drop its guard first, or use an RLock",
            ),
            LockError::TooManyHeld => {
                f.write_str("this thread holds 1000 locks: drop the guard of one first")
            }
            LockError::TooManyUsers => f.write_str(
                "too many use this at the same time: try again when one of them has left",
            ),
            LockError::Abandoned => f.write_str(
                "a thread that has ended leaked its guard: use the lock from another process",
            ),
            LockError::System(error) => write!(f, "the system refused the lock: {error}"),
        }
    }
}

/// The sentence of its `Display`: what `unwrap` and a `main` that returns it show.
impl<G> fmt::Debug for LockError<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<G> Error for LockError<G> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            LockError::System(error) => Some(error),
            _ => None,
        }
    }
}

/// A guard, got from somebody who died with the lock.
///
/// What the lock protects may be half changed. To drop this gives the lock back with the flag
/// still set: the next one gets this error too, as with `std`'s poisoning.
#[must_use = "the lock is held as long as this lives"]
pub struct OwnerDied<G> {
    guard: G,
    process: Option<u32>,
}

impl<G> OwnerDied<G> {
    /// Puts a guard into the error; for building blocks that find out themselves who died.
    pub fn new(guard: G, process: Option<u32>) -> Self {
        OwnerDied { guard, process }
    }

    /// Returns the number of the process that died, or whose thread ended. `None` if it was killed
    /// before it could write its number down, a few instructions after it got the lock.
    #[must_use]
    pub fn process(&self) -> Option<u32> {
        self.process
    }

    /// Returns the guard, and leaves the flag: the next one who locks is told too.
    pub fn into_inner(self) -> G {
        self.guard
    }

    /// Replaces the guard; for those who wrap it in their own.
    pub fn map<H>(self, wrap: impl FnOnce(G) -> H) -> OwnerDied<H> {
        OwnerDied { guard: wrap(self.guard), process: self.process }
    }
}

impl<G: Recover> OwnerDied<G> {
    /// Declares what the lock protects to be in order, and returns the guard.
    #[doc(alias = "clear_poison")]
    #[doc(alias = "pthread_mutex_consistent")]
    pub fn recover(mut self) -> G {
        self.guard.recover();
        self.guard
    }
}

impl<G> fmt::Display for OwnerDied<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.process {
            Some(process) => write!(f, "process {process} died while holding the lock")?,
            None => f.write_str("a process died while holding the lock")?,
        }
        f.write_str(": check what it protects, then recover() it")
    }
}

impl<G> fmt::Debug for OwnerDied<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<G> Error for OwnerDied<G> {}
