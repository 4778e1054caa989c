//! Telling a process from one that was forked off it, without asking the system each time.

use std::sync::Once;
use std::sync::atomic::{AtomicU64, Ordering};

use mp_handle::on_fork;

/// Counts the forks between the program's start and this process.
static FORKS: AtomicU64 = AtomicU64::new(0);

/// The number of this process among those that were forked off each other.
#[inline]
pub(super) fn generation() -> u64 {
    FORKS.load(Ordering::Relaxed)
}

/// Begins to count: forks before that are those of somebody who had no connection.
pub(super) fn count_forks() {
    static COUNTS: Once = Once::new();
    COUNTS.call_once(|| {
        on_fork(|| {
            FORKS.fetch_add(1, Ordering::Relaxed);
        });
    });
}
