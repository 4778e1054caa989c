//! Ends a test that hangs, with a message.

use std::io::{self, Write};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

/// Aborts this process after two minutes, unless what is returned is dropped before.
#[must_use]
pub(crate) fn watchdog() -> Sender<()> {
    const LIMIT: Duration = Duration::from_secs(120);
    let (armed, disarmed) = mpsc::channel();
    let test = thread::current().name().unwrap_or("a test").to_owned();
    thread::spawn(move || {
        if disarmed.recv_timeout(LIMIT) == Err(RecvTimeoutError::Timeout) {
            // The harness would keep what a macro prints to itself.
            let _ = writeln!(io::stderr(), "{test} hangs: no end within {LIMIT:?}");
            std::process::abort();
        }
    });
    armed
}
