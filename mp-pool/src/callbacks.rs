//! The thread that runs callbacks: the user's code must not keep the pool from its work.

use std::io;
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};

use mp_handle::Deadline;
use mp_process::catch_panic;

type Callback = Box<dyn FnOnce() + Send>;

/// Runs callbacks one after the other, on a thread that ends when the last handle is gone.
#[derive(Clone)]
pub(crate) struct Callbacks {
    queue: Sender<Callback>,
    pending: Arc<Pending>,
    thread: ThreadId,
}

/// Counts the callbacks that have not ended.
#[derive(Default)]
struct Pending {
    count: Mutex<usize>,
    none: Condvar,
}

impl Pending {
    fn count(&self) -> MutexGuard<'_, usize> {
        self.count.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn end_one(&self) {
        let mut count = self.count();
        *count -= 1;
        if *count == 0 {
            self.none.notify_all();
        }
    }
}

impl Callbacks {
    pub(crate) fn start() -> io::Result<Self> {
        let (queue, callbacks) = mpsc::channel::<Callback>();
        let pending = Arc::new(Pending::default());
        let ended = Arc::clone(&pending);
        let thread = thread::Builder::new().name("pool callbacks".into()).spawn(move || {
            for callback in callbacks {
                // The panic has been reported; the callbacks behind it are to run.
                let _ = catch_panic(callback);
                ended.end_one();
            }
        })?;
        Ok(Self { queue, pending, thread: thread.thread().id() })
    }

    pub(crate) fn run(&self, callback: Callback) {
        *self.pending.count() += 1;
        // The thread lives as long as there is a handle such as this.
        let _ = self.queue.send(callback);
    }

    /// Waits until all callbacks so far have ended; false if the deadline comes first. A callback
    /// itself does not wait.
    pub(crate) fn wait(&self, deadline: Deadline) -> bool {
        let mut count = self.pending.count();
        while *count > 0 && thread::current().id() != self.thread {
            if deadline.is_expired() {
                return false;
            }
            let none = &self.pending.none;
            count = match deadline.remaining() {
                None => none.wait(count).unwrap_or_else(PoisonError::into_inner),
                Some(left) => {
                    let waited = none.wait_timeout(count, left);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
        true
    }
}
