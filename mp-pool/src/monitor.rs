//! A value under a lock, and a way to wait for it to change, between the threads of this process.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use mp_handle::Deadline;

/// A lock with a condition. Whoever panics while holding it leaves the value whole: it is never
/// changed half-way by code that may panic.
pub(crate) struct Monitor<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
}

pub(crate) struct State<T> {
    pub(crate) value: T,
    /// Threads that wait: to wake nobody would cost a system call.
    waiting: usize,
}

impl<T> Monitor<T> {
    pub(crate) fn new(value: T) -> Self {
        Self { state: Mutex::new(State { value, waiting: 0 }), changed: Condvar::new() }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes those who wait, to look at the value that the caller has locked and changed.
    pub(crate) fn notify(&self, state: &State<T>) {
        if state.waiting > 0 {
            self.changed.notify_all();
        }
    }

    /// Waits until the value is as wanted; false if the deadline comes before that.
    pub(crate) fn wait(&self, deadline: Deadline, wanted: impl Fn(&T) -> bool) -> bool {
        let mut state = self.lock();
        while !wanted(&state.value) {
            if deadline.is_expired() {
                return false;
            }
            state.waiting += 1;
            state = match deadline.remaining() {
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(left) => {
                    let waited = self.changed.wait_timeout(state, left);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
            };
            state.waiting -= 1;
        }
        true
    }
}

impl Monitor<bool> {
    /// Makes it true, and wakes those who wait for that.
    pub(crate) fn set(&self) {
        let mut state = self.lock();
        state.value = true;
        self.notify(&state);
    }
}
