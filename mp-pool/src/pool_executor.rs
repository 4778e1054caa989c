//! The pool in the manner of `concurrent.futures`.

use std::fmt;
use std::sync::Arc;

use mp_process::Function;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::calls::Calls;
use crate::error::PoolError;
use crate::executor::Executor;
use crate::future::Future;
use crate::output::Plain;
use crate::pool::Pool;
use crate::results::Results;
use crate::shutdown::Shutdown;
use crate::task::Task;

/// A [`Pool`] in the manner of Python's `concurrent.futures`: `map` hands in all items at once and
/// gives an iterator, and dropping the executor does not end what it was given.
///
/// Every pool can be one, so that its options are those of [`Pool::builder`]. Of a worker that
/// dies, one task is lost; the executor goes on, where Python's is broken from then on.
///
/// Dropping it never blocks. What was submitted is done, and its results can be read; but not
/// beyond the end of this process, which is the end of its workers. [`shutdown`](Self::shutdown)
/// waits.
///
/// # Examples
///
/// ```
/// use mp_pool::{Pool, ProcessPoolExecutor, Shutdown, TaskError};
///
/// mp_process::init();
/// let squares = {
///     let pool = Pool::builder().workers(2).max_tasks_per_child(100).build()?;
///     let executor = ProcessPoolExecutor::from(pool);
///     assert_eq!(executor.submit(|n: u64| n + 1, (6,)).result()?, 7);
///     executor.map(|n: u64| n * n, 1..=3)
/// };
/// assert_eq!(squares.collect::<Result<Vec<_>, TaskError>>()?, [1, 4, 9]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct ProcessPoolExecutor {
    pool: Pool,
}

impl ProcessPoolExecutor {
    /// Makes one with a worker for each processor.
    ///
    /// # Errors
    ///
    /// A worker could not be started.
    pub fn new() -> Result<Self, PoolError> {
        Pool::builder().build().map(Self::from)
    }

    /// Prepares a call of `f` with options; [`Task::results`] is as [`map`](Self::map).
    pub fn task<F>(&self, f: F) -> Task<'_, F, Plain> {
        self.pool.task(f)
    }

    /// Has `f` called once, and returns at once.
    pub fn submit<F, A>(&self, f: F, args: A) -> Future<F::Output>
    where
        F: Function<A>,
        F::Output: Serialize + DeserializeOwned,
        A: Serialize + DeserializeOwned,
    {
        self.pool.submit(f, args)
    }

    /// Has `f` called for each item, all of which are read and handed in now; gives the results in
    /// the order of the items.
    ///
    /// Python's options: `chunksize` is [`Task::chunk_size`], `timeout`
    /// [`Results::next_timeout`], and with a `buffersize` items are drawn lazily, which is
    /// [`Task::imap`] with a [`Task::buffer`].
    pub fn map<F, T>(&self, f: F, items: impl IntoIterator<Item = T>) -> Results<F::Output>
    where
        F: Function<(T,)>,
        F::Output: Serialize + DeserializeOwned,
        T: Serialize + DeserializeOwned,
    {
        self.task(f).results(items)
    }

    /// Takes no more tasks, and ends as `how` says; returns whether it has ended. Results can be
    /// read as before.
    pub fn shutdown(&self, how: Shutdown) -> bool {
        self.pool.shutdown(how)
    }

    /// Ends it at once: cancels what has not ended, and kills the workers.
    pub fn kill_workers(&self) {
        self.pool.terminate();
    }

    /// Takes no more tasks, cancels what has not begun, and asks the workers to end by a SIGTERM:
    /// a task that it ends is lost with its worker.
    pub fn terminate_workers(&self) {
        self.pool.shutdown(Shutdown::new().cancel_pending(true).wait(false));
        for child in self.pool.children() {
            // It fails only if this process may not signal the child any more: nothing can be done.
            let _ = child.terminate();
        }
    }
}

impl From<Pool> for ProcessPoolExecutor {
    fn from(mut pool: Pool) -> Self {
        pool.lingers = true;
        Self { pool }
    }
}

impl Calls for ProcessPoolExecutor {
    fn executor(&self) -> &Arc<dyn Executor> {
        self.pool.executor()
    }
}

impl fmt::Debug for ProcessPoolExecutor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProcessPoolExecutor").field("pool", &self.pool).finish()
    }
}
