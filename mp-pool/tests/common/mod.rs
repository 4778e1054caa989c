//! What several test files need.

use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

/// Ends the test process if the test has not ended after two minutes.
pub(crate) struct Watchdog {
    _alive: Sender<()>,
}

impl Watchdog {
    #[must_use]
    pub(crate) fn new(test: &'static str) -> Self {
        let (alive, ended) = mpsc::channel::<()>();
        thread::spawn(move || {
            if ended.recv_timeout(Duration::from_secs(120)) == Err(RecvTimeoutError::Timeout) {
                eprintln!("{test} hangs");
                std::process::abort();
            }
        });
        Self { _alive: alive }
    }
}
