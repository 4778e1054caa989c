//! The calls that every executor has.

use std::sync::Arc;

use mp_process::Function;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::async_result::AsyncResult;
use crate::executor::Executor;
use crate::future::Future;
use crate::imap::Imap;
use crate::output::Plain;
use crate::task::Task;
use crate::task_error::TaskError;

#[cfg(doc)]
use crate::pool::Pool;

/// The calls of a [`Pool`], for whatever has an [`Executor`].
///
/// # Examples
///
/// ```
/// use mp_pool::{Calls, Inline, Pool, TaskError, ThreadPool};
///
/// /// Works with processes, with threads, and with neither.
/// fn total(executor: &impl Calls) -> Result<u64, TaskError> {
///     Ok(executor.map(|n: u64| n * n, 0..10)?.iter().sum())
/// }
///
/// mp_process::init();
/// assert_eq!(total(&Pool::new(2)?)?, 285);
/// assert_eq!(total(&ThreadPool::new(2)?)?, 285);
/// assert_eq!(total(&Inline::new()?)?, 285);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Calls {
    /// What runs the calls.
    fn executor(&self) -> &Arc<dyn Executor>;

    /// As [`Pool::task`].
    fn task<F>(&self, f: F) -> Task<'_, F, Plain> {
        Task::new(self.executor(), f)
    }

    /// As [`Pool::map`].
    ///
    /// # Errors
    ///
    /// The first failure; chunks that have not begun are given up.
    fn map<F, T>(
        &self,
        f: F,
        items: impl IntoIterator<Item = T>,
    ) -> Result<Vec<F::Output>, TaskError>
    where
        F: Function<(T,)>,
        F::Output: Serialize + DeserializeOwned,
        T: Serialize + DeserializeOwned,
    {
        self.task(f).map(items)
    }

    /// As [`Pool::try_map`].
    fn try_map<F, T>(
        &self,
        f: F,
        items: impl IntoIterator<Item = T>,
    ) -> Vec<Result<F::Output, TaskError>>
    where
        F: Function<(T,)>,
        F::Output: Serialize + DeserializeOwned,
        T: Serialize + DeserializeOwned,
    {
        self.task(f).try_map(items)
    }

    /// As [`Pool::starmap`].
    ///
    /// # Errors
    ///
    /// The first failure; chunks that have not begun are given up.
    fn starmap<F, A>(
        &self,
        f: F,
        items: impl IntoIterator<Item = A>,
    ) -> Result<Vec<F::Output>, TaskError>
    where
        F: Function<A>,
        F::Output: Serialize + DeserializeOwned,
        A: Serialize + DeserializeOwned,
    {
        self.task(f).starmap(items)
    }

    /// As [`Pool::apply`].
    ///
    /// # Errors
    ///
    /// Why it has no result.
    fn apply<F, A>(&self, f: F, args: A) -> Result<F::Output, TaskError>
    where
        F: Function<A>,
        F::Output: Serialize + DeserializeOwned,
        A: Serialize + DeserializeOwned,
    {
        self.task(f).apply(args)
    }

    /// As [`Pool::imap`].
    fn imap<F, T>(
        &self,
        f: F,
        items: impl IntoIterator<Item = T>,
    ) -> Imap<impl Iterator<Item = (T,)>, F::Output>
    where
        F: Function<(T,)>,
        F::Output: Serialize + DeserializeOwned,
        T: Serialize + DeserializeOwned,
    {
        self.task(f).imap(items)
    }

    /// As [`Pool::imap_unordered`].
    fn imap_unordered<F, T>(
        &self,
        f: F,
        items: impl IntoIterator<Item = T>,
    ) -> Imap<impl Iterator<Item = (T,)>, F::Output>
    where
        F: Function<(T,)>,
        F::Output: Serialize + DeserializeOwned,
        T: Serialize + DeserializeOwned,
    {
        self.task(f).imap_unordered(items)
    }

    /// As [`Pool::submit`].
    fn submit<F, A>(&self, f: F, args: A) -> Future<F::Output>
    where
        F: Function<A>,
        F::Output: Serialize + DeserializeOwned,
        A: Serialize + DeserializeOwned,
    {
        self.task(f).submit(args)
    }

    /// As [`Pool::map_async`].
    fn map_async<F, T>(
        &self,
        f: F,
        items: impl IntoIterator<Item = T>,
    ) -> AsyncResult<Vec<F::Output>>
    where
        F: Function<(T,)>,
        F::Output: Serialize + DeserializeOwned,
        T: Serialize + DeserializeOwned,
    {
        self.task(f).map_async(items)
    }

    /// As [`Pool::starmap_async`].
    fn starmap_async<F, A>(
        &self,
        f: F,
        items: impl IntoIterator<Item = A>,
    ) -> AsyncResult<Vec<F::Output>>
    where
        F: Function<A>,
        F::Output: Serialize + DeserializeOwned,
        A: Serialize + DeserializeOwned,
    {
        self.task(f).starmap_async(items)
    }

    /// As [`Pool::apply_async`].
    fn apply_async<F, A>(&self, f: F, args: A) -> AsyncResult<F::Output>
    where
        F: Function<A>,
        F::Output: Serialize + DeserializeOwned,
        A: Serialize + DeserializeOwned,
    {
        self.task(f).apply_async(args)
    }
}

impl Calls for Arc<dyn Executor> {
    fn executor(&self) -> &Arc<dyn Executor> {
        self
    }
}
