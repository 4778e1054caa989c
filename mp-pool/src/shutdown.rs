//! How a pool ends: at once, or when all is done, or in between.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use mp_handle::Deadline;

use crate::error::PoolError;
use crate::executor::Executor;
use crate::pool::Pool;
use crate::protocol::now;

/// How a pool is to be shut down, for [`Pool::shutdown`]. By default all that it was given is
/// done, and waited for.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use mp_pool::{Pool, Shutdown, TaskError};
///
/// mp_process::init();
/// let pool = Pool::new(1)?;
/// let endless = pool.apply_async(std::thread::park, ());
/// let queued = pool.map_async(|n: u32| n, 0..100);
/// let ended = pool.shutdown(
///     Shutdown::new().cancel_pending(true).deadline(Duration::from_millis(50)),
/// );
/// assert!(ended);
/// assert!(endless.get().is_err());
/// assert!(queued.get().is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use = "this is to be given to `Pool::shutdown`"]
pub struct Shutdown {
    wait: bool,
    cancel_pending: bool,
    deadline: Option<Duration>,
}

impl Default for Shutdown {
    fn default() -> Self {
        Self { wait: true, cancel_pending: false, deadline: None }
    }
}

impl Shutdown {
    /// Waits until all is done.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets whether the caller waits until the pool has ended.
    pub fn wait(mut self, wait: bool) -> Self {
        self.wait = wait;
        self
    }

    /// Sets whether tasks that no worker has begun are cancelled. Of a chunk that a worker has
    /// begun all items are run.
    #[doc(alias = "cancel_futures")]
    pub fn cancel_pending(mut self, cancel: bool) -> Self {
        self.cancel_pending = cancel;
        self
    }

    /// Sets how long the pool may take. What is not done then is cancelled, and the workers are
    /// killed, whether somebody waits or not.
    #[doc(alias = "timeout")]
    pub fn deadline(mut self, limit: Duration) -> Self {
        self.deadline = Some(limit);
        self
    }
}

impl Pool {
    /// Ends the pool, which takes no more tasks from now on, as `how` says; returns whether it has
    /// ended, which without waiting it may not have.
    ///
    /// A second call may ask for more than the first: to cancel what is pending, or a deadline
    /// that is earlier.
    pub fn shutdown(&self, how: Shutdown) -> bool {
        let Some(shared) = &self.processes else { return end(&self.executor, how) };
        let mut engine = shared.engine();
        engine.close();
        if how.cancel_pending {
            engine.cancel_pending();
        }
        if let Some(limit) = how.deadline {
            let limit = u64::try_from(limit.as_nanos()).unwrap_or(u64::MAX);
            engine.end_by(now().saturating_add(limit));
        }
        drop(engine);
        shared.wake();
        let until = if how.wait { Deadline::NEVER } else { Deadline::now() };
        self.executor.wait_over(until)
    }
}

/// Waits until an executor that was closed or terminated has ended; tells whether it has.
pub(crate) fn join(executor: &Arc<dyn Executor>, deadline: Deadline) -> Result<bool, PoolError> {
    if !executor.is_closed() {
        return Err(PoolError::StillRunning);
    }
    Ok(executor.wait_over(deadline))
}

/// How long what was terminated is waited for: threads, and other machines, cannot be killed.
const GRACE: Duration = Duration::from_secs(1);

/// As [`Pool::shutdown`], of an executor that knows no deadline for its end.
pub(crate) fn end(executor: &Arc<dyn Executor>, how: Shutdown) -> bool {
    executor.close();
    if how.cancel_pending {
        executor.cancel_pending();
    }
    let until = how.deadline.map_or(Deadline::NEVER, Deadline::after);
    let end = {
        let executor = Arc::clone(executor);
        move || {
            executor.wait_over(until) || {
                executor.terminate();
                executor.wait_over(Deadline::after(GRACE))
            }
        }
    };
    if how.wait {
        return end();
    }
    if how.deadline.is_some() {
        // If there is no thread to be had, the end comes without the deadline.
        let _ = thread::Builder::new().name("pool shutdown".into()).spawn(end);
    }
    executor.wait_over(Deadline::now())
}
