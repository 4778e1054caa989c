//! To take a lock from whoever died with it.

use std::time::Duration;

use mp_handle::Deadline;
use mp_sync::{Lock, LockError, LockGuard};

use super::error::Refusal;

/// How long one who does not wait waits for a lock. Nobody has one for longer than it takes to copy
/// a message, unless it is stopped meanwhile (and in the model checker's build nobody is).
const PATIENCE: Duration = if cfg!(shuttle) { Duration::MAX } else { Duration::from_millis(50) };

/// Takes a lock. If its owner died, nothing is half done but what `repair` sets right.
#[inline]
pub(super) fn lock<'a>(
    lock: &'a Lock,
    deadline: Option<Deadline>,
    repair: impl Fn(),
) -> Result<LockGuard<'a>, Refusal> {
    match lock.try_lock() {
        Ok(Some(guard)) => Ok(guard),
        Ok(None) => lock_contended(lock, deadline, repair),
        Err(error) => recover(error, repair),
    }
}

#[cold]
fn lock_contended<'a>(
    lock: &'a Lock,
    deadline: Option<Deadline>,
    repair: impl Fn(),
) -> Result<LockGuard<'a>, Refusal> {
    let timeout = deadline.map_or(Some(PATIENCE), Deadline::remaining);
    let taken = match timeout {
        None => lock.lock().map(Some),
        Some(timeout) => lock.lock_timeout(timeout.max(PATIENCE)),
    };
    match taken {
        Ok(guard) => guard.ok_or(Refusal::TimedOut),
        Err(error) => recover(error, repair),
    }
}

#[cold]
fn recover<'a>(
    error: LockError<LockGuard<'a>>,
    repair: impl Fn(),
) -> Result<LockGuard<'a>, Refusal> {
    match error {
        LockError::OwnerDied(died) => {
            repair();
            Ok(died.recover())
        }
        other => Err(other.into()),
    }
}
