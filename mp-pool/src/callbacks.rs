//! The thread that runs callbacks: the user's code must not keep the pool from its work.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{self, Sender};
use std::thread::{self, ThreadId};

use mp_handle::Deadline;
use mp_process::catch_panic;

use crate::monitor::Monitor;

type Callback = Box<dyn FnOnce() + Send>;

/// Runs callbacks one after the other, on a thread that ends when the last handle is gone.
#[derive(Clone)]
pub(crate) struct Callbacks {
    queue: Sender<Callback>,
    /// How many have not ended.
    pending: Arc<Monitor<usize>>,
    thread: ThreadId,
}

impl Callbacks {
    pub(crate) fn start() -> io::Result<Self> {
        let (queue, callbacks) = mpsc::channel::<Callback>();
        let pending = Arc::new(Monitor::new(0));
        let ended = Arc::clone(&pending);
        let thread = thread::Builder::new().name("pool callbacks".into()).spawn(move || {
            for callback in callbacks {
                // The panic has been reported; the callbacks behind it are to run.
                let _ = catch_panic(callback);
                let mut pending = ended.lock();
                pending.value -= 1;
                ended.notify(&pending);
            }
        })?;
        Ok(Self { queue, pending, thread: thread.thread().id() })
    }

    pub(crate) fn run(&self, callback: Callback) {
        self.pending.lock().value += 1;
        // The thread lives as long as there is a handle such as this.
        let _ = self.queue.send(callback);
    }

    /// Waits until all callbacks so far have ended; false if the deadline comes first. A callback
    /// itself does not wait.
    pub(crate) fn wait(&self, deadline: Deadline) -> bool {
        thread::current().id() == self.thread || self.pending.wait(deadline, |&count| count == 0)
    }
}
