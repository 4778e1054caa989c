//! An executor that runs tasks in the thread that calls it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::callbacks::Callbacks;
use crate::calls::Calls;
use crate::chunk::Chunk;
use crate::error::PoolError;
use crate::executor::Executor;
use crate::job::Job;
use crate::local::Local;
use crate::options::Options;
use crate::run::Routine;
use crate::task_error::{TaskError, TaskErrorKind};

/// Runs each task at once, in the thread that calls: for tests, and to look for a fault without
/// other processes in the way.
///
/// What a worker survives, this process does not: a task that aborts ends it, and one that hangs
/// hangs the caller. A panic is caught. A call with a deadline is refused by
/// [`TaskErrorKind::Unsupported`].
///
/// # Examples
///
/// ```
/// use mp_pool::{Calls, Inline};
///
/// let inline = Inline::new()?;
/// assert_eq!(inline.map(|_: u8| std::process::id(), [1])?, [std::process::id()]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Inline {
    executor: Arc<dyn Executor>,
}

impl Inline {
    /// Makes one.
    ///
    /// # Errors
    ///
    /// The system refuses a thread for callbacks.
    pub fn new() -> Result<Self, PoolError> {
        let callbacks = Callbacks::start().map_err(PoolError::system("start a thread"))?;
        let executor = Arc::new(Caller { callbacks, is_closed: AtomicBool::new(false) });
        Ok(Self { executor })
    }

    /// Takes no more calls.
    pub fn close(&self) {
        self.executor.close();
    }
}

impl Calls for Inline {
    fn executor(&self) -> &Arc<dyn Executor> {
        &self.executor
    }
}

impl fmt::Debug for Inline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inline").finish_non_exhaustive()
    }
}

/// The thread that calls, whichever it is.
#[derive(Debug)]
struct Caller {
    callbacks: Callbacks,
    is_closed: AtomicBool,
}

impl Executor for Caller {
    fn parallelism(&self) -> usize {
        1
    }

    fn callbacks(&self) -> &Callbacks {
        &self.callbacks
    }

    fn enter(&self, _routine: Routine, options: &Options) -> Result<u32, TaskError> {
        if self.is_closed() {
            return Err(TaskErrorKind::PoolClosed.into());
        }
        options.refuse_deadline().map(|()| 0)
    }

    fn submit(&self, chunks: Vec<Chunk>) {
        let mut local = Local::default();
        for chunk in chunks {
            if chunk.job().is_abandoned() {
                chunk.fail(&TaskErrorKind::Cancelled.into());
            } else {
                local.run(&chunk);
            }
        }
        self.callbacks.wake_all();
    }

    fn cancel(&self, _job: &Arc<Job>) -> bool {
        false
    }

    fn is_running(&self, job: &Arc<Job>) -> bool {
        // Another thread may have called.
        !job.is_decided(false)
    }

    fn close(&self) {
        self.is_closed.store(true, Ordering::Relaxed);
    }

    fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Relaxed)
    }
}
