//! The pool of threads in the manner of `concurrent.futures`.

use std::sync::Arc;

use mp_process::Function;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::calls::Calls;
use crate::error::PoolError;
use crate::executor::Executor;
use crate::results::Results;
use crate::shutdown::{self, Shutdown};
use crate::thread_pool::ThreadPool;

/// A [`ThreadPool`] in the manner of Python's `concurrent.futures`: `map` hands in all items at once
/// and gives an iterator, and dropping the executor does not end what it was given. Its other calls
/// are those of [`Calls`], among them `submit`.
///
/// Every pool of threads can be one, so that its options are those of [`ThreadPool::builder`].
///
/// # Examples
///
/// ```
/// use mp_pool::{Calls, Shutdown, TaskError, ThreadPoolExecutor};
///
/// let executor = ThreadPoolExecutor::new()?;
/// let sum = executor.submit(|a: u32, b: u32| a + b, (1, 2));
/// let squares = executor.map(|n: u64| n * n, 1..=3);
/// assert!(executor.shutdown(Shutdown::new()));
/// assert_eq!(sum.result()?, 3);
/// assert_eq!(squares.collect::<Result<Vec<_>, TaskError>>()?, [1, 4, 9]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct ThreadPoolExecutor {
    pool: ThreadPool,
}

impl ThreadPoolExecutor {
    /// Makes one with a thread for each processor.
    ///
    /// # Errors
    ///
    /// The system refuses a thread.
    pub fn new() -> Result<Self, PoolError> {
        ThreadPool::builder().build().map(Self::from)
    }

    /// Has `f` called for each item, all of which are read and handed in now; gives the results in
    /// the order of the items.
    pub fn map<F, T>(&self, f: F, items: impl IntoIterator<Item = T>) -> Results<F::Output>
    where
        F: Function<(T,)>,
        F::Output: Serialize + DeserializeOwned,
        T: Serialize + DeserializeOwned,
    {
        self.task(f).results(items)
    }

    /// Takes no more tasks, and ends as `how` says; returns whether it has ended. A task that has
    /// begun cannot be stopped, so that with a deadline its thread may go on. Results can be read
    /// as before.
    pub fn shutdown(&self, how: Shutdown) -> bool {
        shutdown::end(self.executor(), how)
    }
}

impl From<ThreadPool> for ThreadPoolExecutor {
    fn from(mut pool: ThreadPool) -> Self {
        pool.lingers = true;
        Self { pool }
    }
}

impl Calls for ThreadPoolExecutor {
    fn executor(&self) -> &Arc<dyn Executor> {
        self.pool.executor()
    }
}
