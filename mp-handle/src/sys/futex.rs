//! Sleeping on a word of shared memory, and waking who sleeps there.
//!
//! The words lie in mappings of several processes, so none of these futexes is "private": the
//! kernel must find the sleepers by the file behind the page and not by the address.

use std::sync::atomic::AtomicU32;
use std::time::Duration;

use rustix::thread::futex::{Flags, wait, wake};
use rustix::time::Timespec;

/// Sleeps while `word` holds `expected`, until woken or `timeout` has passed.
///
/// Why it returned is not told, since no caller may rely on it: a wake may be meant for an earlier
/// sleep, a signal may interrupt. Look at the predicate again.
pub(crate) fn futex_wait(word: &AtomicU32, expected: u32, timeout: Duration) {
    // One too long for the kernel's type is none.
    let timeout = Timespec::try_from(timeout).ok();
    let _ = wait(word, Flags::empty(), expected, timeout.as_ref());
}

/// Wakes up to `count` sleepers on `word`; returns how many there were.
pub(crate) fn futex_wake(word: &AtomicU32, count: u32) -> usize {
    // The kernel takes the number for a signed one, and wakes a single sleeper if it is negative.
    wake(word, Flags::empty(), count.min(i32::MAX.unsigned_abs())).unwrap_or(0)
}
