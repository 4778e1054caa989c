//! A pool of worker processes: how it begins and ends.

mod calls;

use std::sync::Arc;
use std::time::Duration;
use std::{fmt, thread};

use mp_handle::{Bell, Deadline};
use mp_process::Child;

use crate::builder::Builder;
use crate::callbacks::Callbacks;
use crate::calls::Calls;
use crate::chunk::MAX_COUNT;
use crate::copies;
use crate::driver::{Settings, Shared};
use crate::engine::{Config, Engine};
use crate::error::PoolError;
use crate::executor::Executor;
use crate::lines::Lines;
use crate::options::Options;
use crate::shutdown;

#[cfg(doc)]
use crate::task_error::TaskError;

/// A number of worker processes that call functions for this one.
///
/// Every task comes to an end: with its result, or with a [`TaskError`] of its own. A worker that
/// dies takes with it the one item that it was at; it is replaced, and everything else goes on.
/// No task is begun twice, unless the caller allows it by `retries`.
///
/// Dropping a pool [terminates](Self::terminate) it, as the end of Python's `with Pool()` does.
///
/// # Examples
///
/// ```
/// use mp_pool::{Pool, TaskErrorKind};
///
/// fn reciprocal(n: i32) -> i32 {
///     match n {
///         0 => std::process::abort(),
///         n => 100 / n,
///     }
/// }
///
/// mp_process::init();
/// let pool = Pool::new(2)?;
/// assert_eq!(pool.map(reciprocal, [1, 2, 4])?, [100, 50, 25]);
///
/// let each = pool.try_map(reciprocal, [5, 0, 10]);
/// assert_eq!(each[0], Ok(20));
/// let lost = each[1].as_ref().unwrap_err();
/// assert!(matches!(lost.kind, TaskErrorKind::WorkerLost { .. }));
/// assert_eq!(lost.index(), Some(1));
/// assert_eq!(each[2], Ok(10));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Pool {
    /// The worker processes, if it has such of its own.
    pub(crate) processes: Option<Arc<Shared>>,
    /// What runs the calls: the same, or what another crate brought.
    pub(crate) executor: Arc<dyn Executor>,
    /// Dropping it lets what it was given end.
    pub(crate) lingers: bool,
}

impl Pool {
    /// Makes a pool of `workers` workers.
    ///
    /// # Errors
    ///
    /// `workers` is zero, or a worker could not be started.
    pub fn new(workers: usize) -> Result<Self, PoolError> {
        Self::builder().workers(workers).build()
    }

    /// Prepares a pool with options.
    pub fn builder() -> Builder {
        Builder::new()
    }

    /// Makes a pool of what runs tasks elsewhere, such as the machines of a cluster. Its calls are
    /// the same. What concerns worker processes of this machine, such as
    /// [`worker_pids`](Self::worker_pids), finds none.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    /// use mp_pool::{Calls, Inline, Pool};
    ///
    /// let here = Inline::new()?;
    /// let pool = Pool::with(Arc::clone(here.executor()));
    /// assert_eq!(pool.map(|_: u8| std::process::id(), [1])?, [std::process::id()]);
    /// assert!(pool.worker_pids().is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn with(executor: impl Into<Arc<dyn Executor>>) -> Self {
        Self { processes: None, executor: executor.into(), lingers: false }
    }

    pub(crate) fn start(config: Config, defaults: Options) -> Result<Self, PoolError> {
        let gear = config.equipment.gear();
        let most = config.max_tasks_per_child.and_then(|most| usize::try_from(most).ok());
        let max_chunk = most.unwrap_or(MAX_COUNT);
        let settings = Settings { max_chunk, defaults, gear, generation: copies::generation() };
        let bell = Bell::new()?;
        let callbacks = Callbacks::start_with(Some(bell.clone()));
        let callbacks = callbacks.map_err(PoolError::system("start a thread"))?;
        let lines = Lines::start(config.output).map_err(PoolError::system("start a thread"))?;
        let lines = lines.map(Arc::new);
        let engine = Engine::new(config, bell.clone(), lines.clone())?;
        let shared = Arc::new(Shared::new(engine, bell, lines, callbacks, settings));
        let thread = thread::Builder::new().name("pool".into()).spawn({
            let shared = Arc::clone(&shared);
            move || shared.drive()
        });
        if let Err(error) = thread {
            shared.engine().terminate();
            return Err(PoolError::system("start a thread")(error));
        }
        let executor = Arc::<Shared>::clone(&shared);
        Ok(Self { processes: Some(shared), executor, lingers: false })
    }

    /// The process ids of the workers that live at the moment.
    #[must_use]
    pub fn worker_pids(&self) -> Vec<u32> {
        self.children().iter().map(Child::pid).collect()
    }

    /// Takes no more tasks; the workers exit when all are done, and all that other threads have
    /// called before, such as [`map`](Self::map), has ended. Returns at once.
    ///
    /// A worker that has nothing to do and does not exit is killed in the end: see
    /// [`Builder::exit_timeout`]. To limit how long tasks may take as well, see
    /// [`shutdown`](Self::shutdown).
    pub fn close(&self) {
        self.executor.close();
    }

    /// Kills the workers at once, with what they have started, as far as that is in their process
    /// groups still. Tasks that have no result get
    /// [`TaskErrorKind::Cancelled`](crate::TaskErrorKind::Cancelled).
    pub fn terminate(&self) {
        self.executor.terminate();
    }

    /// Waits until a pool that was closed or terminated has ended: all tasks, all workers, and all
    /// callbacks (unless one of these is what waits).
    ///
    /// # Errors
    ///
    /// [`PoolError::StillRunning`] if it was neither closed nor terminated.
    ///
    /// # Examples
    ///
    /// ```
    /// mp_process::init();
    /// let pool = mp_pool::Pool::new(2)?;
    /// let last = pool.apply_async(|| 7, ());
    /// pool.close();
    /// pool.join()?;
    /// assert!(last.ready());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
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

    /// The worker processes of this machine.
    pub(crate) fn children(&self) -> Vec<Child> {
        self.processes.as_ref().map_or_else(Vec::new, |shared| shared.engine().children())
    }
}

impl Calls for Pool {
    fn executor(&self) -> &Arc<dyn Executor> {
        &self.executor
    }
}

impl Drop for Pool {
    /// Terminates the pool, and waits until the workers, which were killed, are gone; or closes
    /// that of an executor, and does not wait.
    fn drop(&mut self) {
        if self.processes.as_ref().is_some_and(|shared| shared.is_foreign()) {
            return;
        }
        if self.lingers {
            return self.close();
        }
        self.terminate();
        if let Some(shared) = &self.processes {
            shared.wait_over(Deadline::NEVER);
        }
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.processes {
            Some(_) => write!(f, "{}", self.dump()),
            None => f.debug_struct("Pool").field("executor", &self.executor).finish(),
        }
    }
}
