//! What a process forgets that is a forked copy of another.
//!
//! It has its parent's memory, but is another process, with one thread of another number, which
//! holds no lock. What has noted who it is, or what it holds, has to look anew.
//!
//! The list is only ever added to, and read without a lock: a fork may happen between any two
//! instructions of other threads, and nothing that they hold would be let go in the child.
#![allow(unsafe_code)]

use std::ptr;
use std::sync::Once;
use std::sync::atomic::{AtomicPtr, Ordering};

struct Note {
    forget: fn(),
    next: *const Note,
}

/// The last note of a list. Its members are never freed, and never changed once they are in it.
static NOTES: AtomicPtr<Note> = AtomicPtr::new(ptr::null_mut());

/// Has `forget` called in each child that this process forks from now on, before anything else
/// runs there.
///
/// It may change atomics, and what belongs to the thread that calls it. It must take no lock.
///
/// # Examples
///
/// ```
/// use std::sync::atomic::{AtomicU32, Ordering};
/// use mp_handle::{forked, on_fork};
///
/// static OWN_ID: AtomicU32 = AtomicU32::new(0);
///
/// on_fork(|| OWN_ID.store(0, Ordering::Relaxed));
/// OWN_ID.store(std::process::id(), Ordering::Relaxed);
/// forked(); // What fork(2) does in the child.
/// assert_eq!(OWN_ID.load(Ordering::Relaxed), 0);
/// ```
pub fn on_fork(forget: fn()) {
    static REGISTERED: Once = Once::new();
    // SAFETY: `forgotten` does no more than what is registered may do.
    REGISTERED.call_once(|| unsafe {
        // It fails for want of memory only, which std does not survive either.
        libc::pthread_atfork(None, None, Some(forgotten));
    });
    let note = Box::leak(Box::new(Note { forget, next: NOTES.load(Ordering::Relaxed) }));
    // Release, so that whoever finds the note finds what is in it.
    while let Err(last) = NOTES.compare_exchange_weak(
        note.next.cast_mut(),
        note,
        Ordering::Release,
        Ordering::Relaxed,
    ) {
        note.next = last;
    }
}

/// Calls what was registered with [`on_fork`]: for those who make a copy of this process by other
/// means than fork(2), which calls it by itself.
pub fn forked() {
    let mut last = NOTES.load(Ordering::Acquire).cast_const();
    // SAFETY: the members of the list are leaked, and unchanged since they were added to it.
    while let Some(note) = unsafe { last.as_ref() } {
        (note.forget)();
        last = note.next;
    }
}

extern "C" fn forgotten() {
    forked();
}
