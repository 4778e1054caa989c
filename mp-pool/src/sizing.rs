//! How many workers a pool has, and how large they may be.

use std::time::Duration;

use crate::builder::Builder;
use crate::error::PoolError;
use crate::pool::Pool;

impl Builder {
    /// Lets workers exit that have had nothing to do for so long. They come back when there is more
    /// to do than the others can take. [`min_workers`](Self::min_workers) of them stay, none by
    /// default.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// mp_process::init();
    /// let soon = Duration::from_millis(10);
    /// let pool = mp_pool::Pool::builder().workers(2).idle_timeout(soon).build()?;
    /// while !pool.worker_pids().is_empty() {
    ///     std::thread::sleep(soon);
    /// }
    /// assert_eq!(pool.apply(|| 7, ())?, 7);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.size.idle_timeout = Some(timeout);
        self
    }

    /// Sets how many workers stay although they are idle; see [`idle_timeout`](Self::idle_timeout).
    pub fn min_workers(mut self, workers: usize) -> Self {
        self.size.least = workers;
        self
    }

    /// Limits the memory of each worker, in bytes. The kernel refuses to allocate more than that
    /// (`RLIMIT_DATA`), which ends the process in most programs, and the error of the task names
    /// that as the probable cause. Memory that is shared or mapped from a file does not count
    /// there; but a worker of which more than that is resident, of any kind, is killed within
    /// moments, together with all that it has started, and its task ends with
    /// [`TaskErrorKind::OutOfMemory`](crate::TaskErrorKind::OutOfMemory).
    ///
    /// Processes that a worker starts have each the same limit for themselves: a limit for all of
    /// them together is a matter of control groups, which only who administers the machine can
    /// give, and this does not offer.
    ///
    /// # Examples
    ///
    /// ```
    /// use mp_pool::{Cause, Pool, TaskErrorKind};
    ///
    /// mp_process::init();
    /// let limit = 256 << 20;
    /// let pool = Pool::builder().workers(1).memory_limit(limit).build()?;
    /// let greedy = || std::hint::black_box(vec![1_u8; 1 << 30]).len();
    /// let error = pool.apply(greedy, ()).unwrap_err();
    /// assert!(matches!(
    ///     error.kind,
    ///     TaskErrorKind::WorkerLost { cause: Some(Cause::MemoryLimit(bytes)), .. } if bytes == limit
    /// ));
    /// assert_eq!(pool.apply(|| 7, ())?, 7);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn memory_limit(mut self, bytes: u64) -> Self {
        self.memory.hard = Some(bytes);
        self
    }

    /// Replaces a worker after a task if more than so many bytes of it are resident then: for
    /// functions that leak. Of a chunk that it has begun it does the rest first.
    #[doc(alias = "worker_max_memory_per_child")]
    pub fn max_memory_per_child(mut self, bytes: u64) -> Self {
        self.memory.soft = Some(bytes);
        self
    }
}

impl Pool {
    /// How many workers there may be at once. There are fewer for a moment when one has died, and
    /// if some have left because there was nothing to do: see [`Builder::idle_timeout`].
    #[doc(alias = "processes")]
    #[must_use]
    pub fn workers(&self) -> usize {
        self.executor.parallelism()
    }

    /// Changes how many workers there may be. New ones are started by the pool's thread; whoever is
    /// too many does what it has begun, and exits.
    ///
    /// # Errors
    ///
    /// `workers` is zero, or the pool has no worker processes of its own.
    ///
    /// # Examples
    ///
    /// ```
    /// mp_process::init();
    /// let pool = mp_pool::Pool::new(1)?;
    /// let parked = pool.apply_async(std::thread::park, ());
    /// pool.resize(2)?;
    /// assert_eq!(pool.apply(|| 7, ())?, 7, "the new worker has done that");
    /// # drop(parked);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn resize(&self, workers: usize) -> Result<(), PoolError> {
        if workers == 0 {
            return Err(PoolError::Zero { what: "the number of workers" });
        }
        let shared = self.processes.as_ref().ok_or(PoolError::NoProcesses)?;
        shared.engine().resize(workers);
        shared.wake();
        Ok(())
    }
}
