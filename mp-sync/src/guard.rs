//! [`Guard`]: what guards have in common, for conditions and for errors that carry one.

use std::sync::atomic::{AtomicU32, Ordering};

use crate::outcome::{Refused, Taken};
use crate::primitive::{Deadline, Robust};

/// A guard of one of the locks here, or a wrapper of one.
///
/// A crate that wraps a guard, to give access to what it protects, hands the inner one through.
pub trait Guard: Sized {
    /// Returns the lock that is held.
    fn held(&mut self) -> Held<'_>;
}

/// A guard that gives sole access, so that its holder can declare what the lock protects to be in
/// order again: every [`Guard`], and [`WriteGuard`](crate::WriteGuard).
pub trait Recover {
    /// Takes back what says that somebody died.
    fn recover(&mut self);
}

impl<G: Guard> Recover for G {
    fn recover(&mut self) {
        self.held().recover();
    }
}

/// The lock behind a guard.
#[derive(Debug)]
pub struct Held<'a> {
    pub(crate) robust: &'a Robust,
    /// How often this thread holds it, if it may do so more than once.
    pub(crate) depth: Option<&'a AtomicU32>,
}

impl Held<'_> {
    /// Declares what the lock protects to be in order.
    pub(crate) fn recover(&self) {
        self.robust.recover();
    }

    /// Gives the lock away for the time of `work`, however often this thread holds it.
    pub(crate) fn without<R>(&self, work: impl FnOnce() -> R) -> Result<(R, Taken), Refused> {
        // Other threads of this process count with the same word meanwhile.
        let depth = self.depth.map(|depth| depth.load(Ordering::Relaxed));
        self.robust.unlock();
        let result = work();
        let taken = self.reacquire()?;
        if let (Some(word), Some(depth)) = (self.depth, depth) {
            word.store(depth, Ordering::Relaxed);
        }
        Ok((result, taken))
    }

    fn reacquire(&self) -> Result<Taken, Refused> {
        loop {
            if let Some(taken) = self.robust.lock(Deadline::NEVER)? {
                return Ok(taken);
            }
        }
    }
}
