//! The thread that runs callbacks: the user's code must not keep the pool from its work.

use std::sync::mpsc::{self, SendError, Sender};
use std::sync::{Arc, OnceLock};
use std::thread;

use mp_process::catch_panic;

type Callback = Box<dyn FnOnce() + Send>;

/// Runs callbacks one after the other, on a thread that begins with the first of them and ends
/// when the last handle is gone.
#[derive(Clone, Default)]
pub(crate) struct Callbacks {
    queue: Arc<OnceLock<Sender<Callback>>>,
}

impl Callbacks {
    pub(crate) fn run(&self, callback: Callback) {
        let queue = self.queue.get_or_init(|| {
            let (queue, callbacks) = mpsc::channel::<Callback>();
            let run = move || {
                for callback in callbacks {
                    // The panic has been reported; the callbacks behind it are to run.
                    let _ = catch_panic(callback);
                }
            };
            // Without a thread the queue is closed, and callbacks run where they come up.
            let _ = thread::Builder::new().name("pool callbacks".into()).spawn(run);
            queue
        });
        if let Err(SendError(callback)) = queue.send(callback) {
            let _ = catch_panic(callback);
        }
    }
}
