//! Sleeping on a word of shared memory, for whoever builds a primitive of their own.

use std::sync::atomic::AtomicU32;

use crate::deadline::Deadline;
use crate::signal::SLICE;
use crate::sys;

/// Sleeps while `word` holds `expected`, until it is woken or the deadline comes, and never longer
/// than [`SLICE`].
///
/// Why it returned is not told, since no caller may rely on it: a wake may be meant for an earlier
/// sleep, and a signal may interrupt. Whoever waits looks at what it waits for again, in a loop, and
/// at its deadline. Because of the slices it also does so if the wake never came: the one who
/// was to send it may have been killed.
///
/// # Examples
///
/// ```
/// use std::sync::atomic::{AtomicU32, Ordering};
/// use std::thread;
/// use mp_handle::{Deadline, futex_wait, futex_wake};
///
/// let done = AtomicU32::new(0);
/// thread::scope(|scope| {
///     scope.spawn(|| {
///         done.store(1, Ordering::Release);
///         futex_wake(&done, u32::MAX);
///     });
///     while done.load(Ordering::Acquire) == 0 {
///         futex_wait(&done, 0, Deadline::NEVER);
///     }
/// });
/// ```
///
/// Source: `futex(2)`, `FUTEX_WAIT`.
pub fn futex_wait(word: &AtomicU32, expected: u32, deadline: Deadline) {
    let slice = deadline.remaining().map_or(SLICE, |left| left.min(SLICE));
    sys::futex_wait(word, expected, slice);
}

/// Wakes up to `count` sleepers on `word`, in this and all other processes that map it; returns
/// how many there were.
///
/// Source: `futex(2)`, `FUTEX_WAKE`.
pub fn futex_wake(word: &AtomicU32, count: u32) -> usize {
    sys::futex_wake(word, count)
}
