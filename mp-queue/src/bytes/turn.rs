//! Whose turn it is to send: a message that has begun goes on to its end before the next.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use mp_handle::Deadline;

/// A mutex whose wait has a deadline, for the threads that send on one connection.
#[derive(Debug, Default)]
pub(super) struct Turn {
    is_taken: Mutex<bool>,
    freed: Condvar,
}

impl Turn {
    /// Waits for the turn, which ends when what is returned is dropped. `None` is too late.
    pub(super) fn take(&self, deadline: Deadline) -> Option<Taken<'_>> {
        let mut is_taken = self.lock();
        while *is_taken {
            if deadline.is_expired() {
                return None;
            }
            is_taken = match deadline.remaining() {
                Some(left) => {
                    let waited = self.freed.wait_timeout(is_taken, left);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
                None => self.freed.wait(is_taken).unwrap_or_else(PoisonError::into_inner),
            };
        }
        *is_taken = true;
        Some(Taken { turn: self })
    }

    fn lock(&self) -> MutexGuard<'_, bool> {
        self.is_taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The turn of one sender.
#[derive(Debug)]
pub(super) struct Taken<'a> {
    turn: &'a Turn,
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        *self.turn.lock() = false;
        self.turn.freed.notify_one();
    }
}
