//! Panics in a child, as data.

use std::any::Any;
use std::backtrace::{Backtrace, BacktraceStatus};
use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::sync::atomic::{AtomicBool, Ordering};

use mp_handle::Parcel;

use crate::bootstrap;
use crate::current;
use crate::outcome::Panic;
use crate::wire::Tag;

/// What a Rust program exits with after a panic.
pub(crate) const EXIT_CODE: i32 = 101;

thread_local! {
    /// What the hook saw of this thread's last panic.
    static LAST: Cell<Option<Panic>> = const { Cell::new(None) };
}

/// Calls `f`; if it panics, returns the panic as data.
///
/// Where and with which backtrace it panicked is known in children only: in the first process
/// this library installs no panic hook.
///
/// # Errors
///
/// The panic.
///
/// # Examples
///
/// ```
/// let panic = mp_process::catch_panic(|| panic!("no {}", 7)).unwrap_err();
/// assert_eq!(panic.message, "no 7");
/// assert_eq!(mp_process::catch_panic(|| 1), Ok(1));
/// ```
#[inline]
pub fn catch_panic<R>(f: impl FnOnce() -> R) -> Result<R, Panic> {
    // The caller gets nothing but the panic, so it cannot see what `f` left half-done, unless
    // that is shared with other code, which then has the choice that threads have.
    panic::catch_unwind(AssertUnwindSafe(f)).map_err(caught)
}

#[cold]
fn caught(payload: Box<dyn Any + Send>) -> Panic {
    let message = message(payload.as_ref());
    // A payload may panic when it is dropped; that second one is leaked.
    if let Err(second) = panic::catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        std::mem::forget(second);
    }
    match LAST.take() {
        Some(panic) if panic.message == message => panic,
        _ => Panic { message, location: None, backtrace: None },
    }
}

/// Notes each panic of this process before the hook that is there reports it. In a forked child it
/// does so already.
pub(crate) fn install_hook() {
    static INSTALLED: AtomicBool = AtomicBool::new(false);
    if INSTALLED.swap(true, Ordering::Relaxed) {
        return;
    }
    let report = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        let panic = describe(info);
        if cfg!(panic = "abort") {
            // Nothing can be caught in this build: this is the last chance to tell the parent.
            let line = current::line().filter(|_| current::holds_line());
            if let (Some(post), Ok(parcel)) = (line, Parcel::encode(&panic)) {
                bootstrap::send(post, Tag::Panicked, &parcel);
            }
        }
        // At the end of a thread its note may be gone already.
        let _ = LAST.try_with(|last| last.set(Some(panic)));
        report(info);
    }));
}

fn describe(info: &PanicHookInfo<'_>) -> Panic {
    let backtrace = Backtrace::capture();
    Panic {
        message: message(info.payload()),
        location: info.location().map(ToString::to_string),
        backtrace: (backtrace.status() == BacktraceStatus::Captured).then(|| backtrace.to_string()),
    }
}

fn message(payload: &(dyn Any + Send)) -> String {
    match (payload.downcast_ref::<&str>(), payload.downcast_ref::<String>()) {
        (Some(message), _) => (*message).to_owned(),
        (_, Some(message)) => message.clone(),
        _ => String::from("Box<dyn Any>"),
    }
}
