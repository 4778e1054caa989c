//! What a child must forget that was forked without our doing.
//!
//! It has its parent's memory, but is another process, with one thread of another number, which
//! holds no lock.
#![allow(unsafe_code)]

use std::sync::Once;

use super::{process, robust_list};

/// Sees to it that children forked from now on forget who their parent was.
pub(super) fn forget_at_fork() {
    static REGISTERED: Once = Once::new();
    // SAFETY: the handler may run between any two instructions of other threads, and writes
    // nothing but an atomic and thread-locals of the one that forks.
    REGISTERED.call_once(|| unsafe {
        libc::pthread_atfork(None, None, Some(forget_parent));
    });
}

extern "C" fn forget_parent() {
    process::forget();
    robust_list::forget();
}
