//! What carries the tasks of a proxy to the server: a thread for each worker there, which waits for
//! the answers of one chunk at a time.

use std::fmt;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread;

use mp_handle::Parcel;
use mp_pool::{Callbacks, Chunk, Executor, Job, Options, Order, Routine, TaskError, TaskErrorKind};

use crate::client::Reference;
use crate::error::ManagerError;
use crate::objects::pool_op as op;

/// The executor of a proxy. When it is dropped its threads end, after what they are at.
pub(super) struct Carrier {
    reference: Reference,
    workers: usize,
    callbacks: Callbacks,
    chunks: Mutex<Sender<Chunk>>,
    waiting: Arc<Mutex<Receiver<Chunk>>>,
    /// How many threads there are, once there are.
    threads: OnceLock<usize>,
    is_closed: AtomicBool,
}

impl Carrier {
    pub(super) fn new(reference: Reference, workers: usize) -> Result<Self, ManagerError> {
        let callbacks = Callbacks::start().map_err(ManagerError::system("start a thread"))?;
        let (sender, receiver) = mpsc::channel();
        Ok(Self {
            reference,
            workers,
            callbacks,
            chunks: Mutex::new(sender),
            waiting: Arc::new(Mutex::new(receiver)),
            threads: OnceLock::new(),
            is_closed: AtomicBool::new(false),
        })
    }

    /// Starts a thread for each worker, and one more, so that none waits for its next chunk.
    fn start_threads(&self) -> usize {
        // Some of them are enough.
        (0..=self.workers).map_while(|_| self.start_thread().ok()).count()
    }

    fn start_thread(&self) -> io::Result<()> {
        let (waiting, callbacks) = (Arc::clone(&self.waiting), self.callbacks.clone());
        let reference = self.reference.clone();
        let work = move || {
            let next = || waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
            while let Ok(chunk) = next() {
                carry(&reference, &chunk);
                callbacks.wake_all();
            }
        };
        thread::Builder::new().name(String::from("mp-manager-pool")).spawn(work).map(drop)
    }
}

/// Has a chunk run, and notes the answers.
fn carry(reference: &Reference, chunk: &Chunk) {
    if chunk.job().is_abandoned() {
        return chunk.fail(&TaskErrorKind::Cancelled.into());
    }
    if let Err(error) = exchange(reference, chunk) {
        chunk.fail(&error);
    }
}

fn exchange(reference: &Reference, chunk: &Chunk) -> Result<(), TaskError> {
    if !chunk.descriptors().is_empty() {
        let what = "an argument has a handle in it, which cannot go by way of a manager's server";
        return Err(TaskErrorKind::unsupported(what).into());
    }
    let order = Parcel::encode(&Order::of(chunk));
    let order = order.map_err(|error| TaskErrorKind::undecodable(error.to_string()))?;
    let mut request = reference.request(op::RUN).bytes(order.bytes());
    request = match chunk.context() {
        Some(context) => request.byte(1).word(context.head()).bytes(context.parcel().bytes()),
        None => request.byte(0),
    };
    let answer = request.bytes(&chunk.table()).bytes(chunk.bytes()).call().map_err(unavailable)?;
    let host = Arc::from(reference.host());
    let put = chunk.job().put_encoded(chunk.places(), answer.rest(), &host);
    put.map_err(|error| TaskErrorKind::undecodable(error.to_string()).into())
}

fn unavailable(error: ManagerError) -> TaskError {
    TaskErrorKind::unavailable(error.to_string()).into()
}

impl Executor for Carrier {
    fn parallelism(&self) -> usize {
        self.workers
    }

    fn callbacks(&self) -> &Callbacks {
        &self.callbacks
    }

    fn enter(&self, _: Routine, _: &Options) -> Result<u32, TaskError> {
        if self.is_closed() { Err(TaskErrorKind::PoolClosed.into()) } else { Ok(0) }
    }

    fn submit(&self, chunks: Vec<Chunk>) {
        if *self.threads.get_or_init(|| self.start_threads()) == 0 {
            let error = TaskErrorKind::unavailable("the system refuses a thread").into();
            return chunks.iter().for_each(|chunk| chunk.fail(&error));
        }
        let sender = self.chunks.lock().unwrap_or_else(PoisonError::into_inner);
        for chunk in chunks {
            // The other end is this executor's, too.
            let _ = sender.send(chunk);
        }
    }

    /// What has not left this process is not run; what has is, but nobody wants it.
    fn cancel(&self, _: &Arc<Job>) -> bool {
        false
    }

    fn is_running(&self, job: &Arc<Job>) -> bool {
        !job.is_over()
    }

    fn close(&self) {
        self.is_closed.store(true, Ordering::Relaxed);
    }

    fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Relaxed)
    }
}

impl fmt::Debug for Carrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Carrier").field("workers", &self.workers).finish_non_exhaustive()
    }
}
