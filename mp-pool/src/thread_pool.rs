//! A pool of threads, with the calls of a pool of processes.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use mp_handle::Deadline;
use mp_process::cpu_count;

use crate::callbacks::Callbacks;
use crate::calls::Calls;
use crate::error::PoolError;
use crate::executor::Executor;
use crate::shutdown;
use crate::threads::{Begin, Threads};

/// A number of threads of this process that call functions: Python's `ThreadPool`, and
/// `multiprocessing.dummy`. Its calls are those of [`Calls`].
///
/// What threads cannot do: a task that aborts or crashes ends this process. None can be stopped,
/// so that a call with a deadline is refused by
/// [`TaskErrorKind::Unsupported`](crate::TaskErrorKind::Unsupported), and to
/// terminate or drop the pool leaves the threads to end what they are at; it does not wait for
/// them. A panic is caught. Functions and arguments are those of a [`Pool`](crate::Pool), so that
/// one can take the place of the other.
///
/// # Examples
///
/// ```
/// use mp_pool::{Calls, ThreadPool};
///
/// let pool = ThreadPool::new(2)?;
/// assert_eq!(pool.map(|n: u32| n * n, 1..=3)?, [1, 4, 9]);
/// assert_eq!(pool.apply(std::process::id, ())?, std::process::id());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[doc(alias = "dummy")]
pub struct ThreadPool {
    executor: Arc<dyn Executor>,
    /// What it was given outlives it.
    pub(crate) lingers: bool,
}

/// Options of a pool of threads, from [`ThreadPool::builder`].
#[must_use = "nothing happens before `build`"]
pub struct ThreadBuilder {
    threads: usize,
    name: String,
    begin: Begin,
}

impl ThreadPool {
    /// Starts `threads` threads.
    ///
    /// # Errors
    ///
    /// `threads` is zero, or the system refuses one.
    pub fn new(threads: usize) -> Result<Self, PoolError> {
        Self::builder().threads(threads).build()
    }

    /// Prepares a pool with options; without any it has a thread for each processor.
    ///
    /// # Examples
    ///
    /// ```
    /// use mp_pool::{Calls, ThreadPool};
    ///
    /// let pool = ThreadPool::builder().threads(1).thread_name_prefix("mill").build()?;
    /// let name = pool.apply(|| std::thread::current().name().map(String::from), ())?;
    /// assert_eq!(name.as_deref(), Some("mill_0"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn builder() -> ThreadBuilder {
        ThreadBuilder { threads: cpu_count(), name: "ThreadPool".into(), begin: Arc::new(|| {}) }
    }

    /// Takes no more tasks; the threads end when all are done. Returns at once.
    pub fn close(&self) {
        self.executor.close();
    }

    /// Gives up what has not begun. Returns at once.
    pub fn terminate(&self) {
        self.executor.terminate();
    }

    /// Waits until a pool that was closed or terminated has ended, callbacks included (unless one
    /// of these is what waits).
    ///
    /// # Errors
    ///
    /// [`PoolError::StillRunning`] if it was neither closed nor terminated.
    pub fn join(&self) -> Result<(), PoolError> {
        shutdown::join(&self.executor, Deadline::NEVER).map(drop)
    }

    /// Waits as [`join`](Self::join), but no longer than `timeout`; returns whether the pool has
    /// ended.
    ///
    /// # Errors
    ///
    /// As [`join`](Self::join).
    pub fn join_timeout(&self, timeout: Duration) -> Result<bool, PoolError> {
        shutdown::join(&self.executor, Deadline::after(timeout))
    }

    /// Tells whether the pool has ended, as [`join`](Self::join) but without waiting.
    ///
    /// # Errors
    ///
    /// As [`join`](Self::join).
    pub fn try_join(&self) -> Result<bool, PoolError> {
        shutdown::join(&self.executor, Deadline::now())
    }
}

impl ThreadBuilder {
    /// Sets the number of threads.
    #[doc(alias = "processes")]
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = threads;
        self
    }

    /// Sets what the names of the threads begin with; a number follows.
    pub fn thread_name_prefix(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Has each thread call `begin` before its first task.
    pub fn initializer(mut self, begin: impl Fn() + Send + Sync + 'static) -> Self {
        self.begin = Arc::new(begin);
        self
    }

    /// Makes the pool, and starts its threads.
    ///
    /// # Errors
    ///
    /// The number of threads is zero, or the system refuses one.
    pub fn build(self) -> Result<ThreadPool, PoolError> {
        if self.threads == 0 {
            return Err(PoolError::Zero { what: "the number of threads" });
        }
        let callbacks = Callbacks::start().map_err(PoolError::system("start a thread"))?;
        let threads = Arc::new(Threads::new(self.threads, callbacks));
        // Dropping it ends the threads that there are.
        let pool = ThreadPool { executor: Arc::<Threads>::clone(&threads), lingers: false };
        for number in 0..self.threads {
            let started = threads.start(number, &self.name, Arc::clone(&self.begin));
            started.map_err(PoolError::system("start a thread"))?;
        }
        Ok(pool)
    }
}

impl Calls for ThreadPool {
    fn executor(&self) -> &Arc<dyn Executor> {
        &self.executor
    }
}

impl Drop for ThreadPool {
    /// Terminates the pool, or closes that of an executor; does not wait.
    fn drop(&mut self) {
        if self.lingers {
            self.close();
        } else {
            self.terminate();
        }
    }
}

impl fmt::Debug for ThreadPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ThreadPool").field("executor", &self.executor).finish()
    }
}

impl fmt::Debug for ThreadBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ThreadBuilder")
            .field("threads", &self.threads)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
