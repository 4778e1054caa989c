//! Copies of a worker: what a task has forked, and what returns from the task all the same.
//!
//! A copy has the worker's rings. If it went on as if it were the worker, there would be two who
//! answer, and begin what comes next. So each step that tells the parent something looks first
//! whether this process is a copy, and ends it: a fork leaves a mark in the copy, so that the look
//! costs no system call. By the same mark a pool is told from its copy in another process.

use std::sync::Once;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;

use mp_handle::on_fork;
use rustix::process::{Signal, getpid, kill_process};

static IS_COPY: AtomicBool = AtomicBool::new(false);

/// How many forks lie behind this process.
static FORKS: AtomicU32 = AtomicU32::new(0);

/// Has copies of this process marked from now on.
fn mark_copies() {
    static MARKED: Once = Once::new();
    MARKED.call_once(|| {
        on_fork(|| {
            IS_COPY.store(true, Ordering::Relaxed);
            FORKS.fetch_add(1, Ordering::Relaxed);
        });
    });
}

/// Notes that this process is a worker, and no copy of one.
pub(crate) fn become_original() {
    mark_copies();
    IS_COPY.store(false, Ordering::Relaxed);
}

/// A number that is another one in the copies of this process.
pub(crate) fn generation() -> u32 {
    mark_copies();
    FORKS.load(Ordering::Relaxed)
}

/// Whether this process is the copy of a worker.
#[cfg(feature = "tracing")]
pub(crate) fn is_copy() -> bool {
    IS_COPY.load(Ordering::Relaxed)
}

/// Ends this process at once if it is the copy of a worker. Nothing of it runs any more: what it
/// would do at its exit, the worker does.
#[inline]
pub(crate) fn end_if_copy() {
    if IS_COPY.load(Ordering::Relaxed) {
        end();
    }
}

#[cold]
fn end() -> ! {
    loop {
        // The signal cannot fail to come; it may take a moment.
        let _ = kill_process(getpid(), Signal::KILL);
        thread::yield_now();
    }
}
