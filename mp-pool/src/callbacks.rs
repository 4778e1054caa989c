//! The thread that runs callbacks: the user's code must not keep the pool from its work.

use std::io;
use std::sync::mpsc::{self, Sender};
use std::thread;

use mp_process::catch_panic;

type Callback = Box<dyn FnOnce() + Send>;

/// Runs callbacks one after the other, on a thread that ends when the last handle is gone.
#[derive(Clone)]
pub(crate) struct Callbacks {
    queue: Sender<Callback>,
}

impl Callbacks {
    pub(crate) fn start() -> io::Result<Self> {
        let (queue, callbacks) = mpsc::channel::<Callback>();
        thread::Builder::new().name("pool callbacks".into()).spawn(move || {
            for callback in callbacks {
                // The panic has been reported; the callbacks behind it are to run.
                let _ = catch_panic(callback);
            }
        })?;
        Ok(Self { queue })
    }

    pub(crate) fn run(&self, callback: Callback) {
        // The thread lives as long as there is a handle such as this.
        let _ = self.queue.send(callback);
    }
}
