//! The thread that runs callbacks: the user's code must not keep the pool from its work.
//!
//! Wakers do not stand in line behind callbacks, which may be slow. They are short, but they are
//! the user's as well, and may want a lock that is held where a call ends: so they are kept until
//! the executor has let go of all.

use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Waker;
use std::thread::{self, ThreadId};
use std::{fmt, io, mem};

use mp_handle::{Bell, Deadline};
use mp_process::catch_panic;

use crate::monitor::Monitor;

type Callback = Box<dyn FnOnce() + Send>;

/// Runs callbacks one after the other, on a thread that ends when the last handle is gone.
///
/// An [`Executor`](crate::Executor) has one.
#[derive(Clone)]
pub struct Callbacks {
    inner: Arc<Inner>,
}

struct Inner {
    queue: Sender<Callback>,
    /// How many have not ended.
    pending: Arc<Monitor<usize>>,
    thread: ThreadId,
    wakers: Mutex<Vec<Waker>>,
    /// Rung when there are wakers.
    bell: Option<Bell>,
}

impl Callbacks {
    /// Starts the thread.
    ///
    /// # Errors
    ///
    /// The system refuses a thread.
    pub fn start() -> io::Result<Self> {
        Self::start_with(None)
    }

    /// As [`start`](Self::start); rings `bell` when [`wake_all`](Self::wake_all) is to be called.
    pub(crate) fn start_with(bell: Option<Bell>) -> io::Result<Self> {
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
        let (thread, wakers) = (thread.thread().id(), Mutex::default());
        Ok(Self { inner: Arc::new(Inner { queue, pending, thread, wakers, bell }) })
    }

    /// Has the waker called by the next [`wake_all`](Self::wake_all).
    pub(crate) fn wake(&self, waker: Waker) {
        self.inner.wakers.lock().unwrap_or_else(PoisonError::into_inner).push(waker);
        if let Some(bell) = &self.inner.bell {
            bell.ring();
        }
    }

    /// Wakes the asynchronous tasks that wait for calls which have ended; returns whether there
    /// were any. To be called after answers were put, while no lock is held.
    pub fn wake_all(&self) -> bool {
        let wakers =
            mem::take(&mut *self.inner.wakers.lock().unwrap_or_else(PoisonError::into_inner));
        let any = !wakers.is_empty();
        for waker in wakers {
            // The panic has been reported; the others are to be woken.
            let _ = catch_panic(|| waker.wake());
        }
        any
    }

    pub(crate) fn run(&self, callback: Callback) {
        self.inner.pending.lock().value += 1;
        // The thread lives as long as there is a handle such as this.
        let _ = self.inner.queue.send(callback);
    }

    /// Waits until all callbacks so far have ended; false if the deadline comes first. A callback
    /// itself does not wait.
    pub fn wait(&self, deadline: Deadline) -> bool {
        thread::current().id() == self.inner.thread
            || self.inner.pending.wait(deadline, |&count| count == 0)
    }
}

impl fmt::Debug for Callbacks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Callbacks").field("pending", &self.inner.pending.lock().value).finish()
    }
}
