//! The server process, as the one that started it has it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use mp_process::{Child, Process};

use crate::client::Link;

/// How long a server may take to end when it is told to.
const PATIENCE: Duration = Duration::from_secs(1);

/// The server process. Dropping it ends the server.
pub(super) struct Owner {
    pub(super) process: Mutex<Process<Result<(), String>>>,
    pub(super) child: Child,
    pub(super) link: Arc<Link>,
    pub(super) pid: u32,
}

impl Owner {
    pub(super) fn end(&self) {
        self.link.dismiss();
        let mut process = self.process.lock().unwrap_or_else(PoisonError::into_inner);
        if process.join_timeout(PATIENCE).is_none() {
            // It is not this process's any more, or gone already.
            let _ = self.child.kill();
            self.child.wait();
        }
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        if self.pid == std::process::id() {
            self.end();
        }
    }
}
