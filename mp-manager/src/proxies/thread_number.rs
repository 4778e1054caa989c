//! The number of a thread, for locks that are a thread's.

use std::sync::atomic::{AtomicU64, Ordering};

static LAST: AtomicU64 = AtomicU64::new(0);

thread_local! {
    static NUMBER: u64 = LAST.fetch_add(1, Ordering::Relaxed) + 1;
}

/// The number of this thread, which no other thread of the process has had.
pub(super) fn thread_number() -> u64 {
    NUMBER.with(|number| *number)
}
