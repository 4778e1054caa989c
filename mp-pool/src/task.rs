//! One call of a pool, with options.

mod equip;
mod lazy;
mod options;
mod submit;

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use mp_process::Function;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::async_result::AsyncResult;
use crate::context::Context;
use crate::executor::Executor;
use crate::future::Future;
use crate::job::{Job, OnItem};
use crate::options::Options;
use crate::output::{Fallible, Plain, TaskOutput};
use crate::progress::OnProgress;
use crate::task_error::TaskError;

pub(crate) use submit::Feed;

#[cfg(doc)]
use crate::pool::Pool;

/// A function to be called by the workers of a pool, and how: from [`Pool::task`], or from
/// [`Calls::task`](crate::Calls::task) of any executor.
///
/// The short forms, such as [`Pool::map`], are this without options.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use mp_pool::{Pool, TaskErrorKind};
///
/// fn parse(text: String) -> Result<u32, std::num::ParseIntError> {
///     text.parse()
/// }
///
/// mp_process::init();
/// let pool = Pool::new(2)?;
/// let numbers = pool
///     .task(parse)
///     .fallible()
///     .deadline(Duration::from_secs(60))
///     .try_map(["7", "x"].map(String::from));
/// assert_eq!(numbers[0], Ok(7));
/// let error = numbers[1].as_ref().unwrap_err();
/// assert!(matches!(error.kind, TaskErrorKind::Failed(_)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "nothing happens before `map`, `apply` or the like"]
pub struct Task<'p, F, M = Plain> {
    executor: &'p Arc<dyn Executor>,
    function: F,
    options: Options,
    chunk_size: Option<usize>,
    buffer: Option<usize>,
    ordered: bool,
    /// The value that its tasks share, or why they cannot be run.
    context: Result<Option<Arc<Context>>, TaskError>,
    pub(crate) on_item: Option<OnItem>,
    pub(crate) on_progress: Option<OnProgress>,
    output: PhantomData<fn() -> M>,
}

/// What a call of `F` with the arguments `A` gives.
type Value<F, A, M> = <<F as Function<A>>::Output as TaskOutput<M>>::Value;

/// What became of each of several calls.
type Each<F, A, M> = Vec<Result<Value<F, A, M>, TaskError>>;

impl<'p, F> Task<'p, F, Plain> {
    pub(crate) fn new(executor: &'p Arc<dyn Executor>, function: F) -> Self {
        Self {
            executor,
            function,
            options: executor.defaults(),
            chunk_size: None,
            buffer: None,
            ordered: true,
            context: Ok(None),
            on_item: None,
            on_progress: None,
            output: PhantomData,
        }
    }

    /// Says that the function returns a `Result` of whose error the description is enough: its
    /// message and those of its sources. The value alone is then the result, and the error a
    /// [`TaskErrorKind::Failed`](crate::TaskErrorKind::Failed).
    ///
    /// The error may be any [`Error`](std::error::Error), a box of one, `anyhow::Error`, or a
    /// string; `map_err(|error| error.to_string())` makes one of what can only be displayed.
    ///
    /// Without this, a `Result` is a value as any other: both of its types are serde's, and the
    /// caller gets it as it is. To be called before [`on_item`](Self::on_item).
    pub fn fallible<K>(self) -> Task<'p, F, Fallible<K>> {
        self.convert(|function| function)
    }

    /// The same options, for another function or another kind of output.
    fn convert<G, K>(self, change: impl FnOnce(F) -> G) -> Task<'p, G, K> {
        Task {
            executor: self.executor,
            function: change(self.function),
            options: self.options,
            chunk_size: self.chunk_size,
            buffer: self.buffer,
            ordered: self.ordered,
            context: self.context,
            on_item: None,
            on_progress: self.on_progress,
            output: PhantomData,
        }
    }
}

impl<F, M> Task<'_, F, M> {
    /// As [`Pool::map`].
    ///
    /// # Errors
    ///
    /// The first failure; chunks that have not begun are given up.
    pub fn map<T>(
        self,
        items: impl IntoIterator<Item = T>,
    ) -> Result<Vec<Value<F, (T,), M>>, TaskError>
    where
        F: Function<(T,)>,
        F::Output: TaskOutput<M>,
        T: Serialize + DeserializeOwned,
    {
        self.starmap(items.into_iter().map(|item| (item,)))
    }

    /// As [`Pool::try_map`].
    pub fn try_map<T>(self, items: impl IntoIterator<Item = T>) -> Each<F, (T,), M>
    where
        F: Function<(T,)>,
        F::Output: TaskOutput<M>,
        T: Serialize + DeserializeOwned,
    {
        self.try_starmap(items.into_iter().map(|item| (item,)))
    }

    /// As [`Pool::map_async`].
    pub fn map_async<T>(
        self,
        items: impl IntoIterator<Item = T>,
    ) -> AsyncResult<Vec<Value<F, (T,), M>>>
    where
        F: Function<(T,)>,
        F::Output: TaskOutput<M>,
        T: Serialize + DeserializeOwned,
    {
        self.starmap_async(items.into_iter().map(|item| (item,)))
    }

    /// As [`Pool::starmap`].
    ///
    /// # Errors
    ///
    /// The first failure; chunks that have not begun are given up.
    pub fn starmap<A>(
        self,
        items: impl IntoIterator<Item = A>,
    ) -> Result<Vec<Value<F, A, M>>, TaskError>
    where
        F: Function<A>,
        F::Output: TaskOutput<M>,
        A: Serialize + DeserializeOwned,
    {
        self.starmap_async(items).get_or_give_up()
    }

    /// As [`Pool::try_map`], with the items of [`Pool::starmap`].
    pub fn try_starmap<A>(self, items: impl IntoIterator<Item = A>) -> Each<F, A, M>
    where
        F: Function<A>,
        F::Output: TaskOutput<M>,
        A: Serialize + DeserializeOwned,
    {
        let executor = Arc::clone(self.executor);
        let job = self.hand_in(items.into_iter().collect());
        AsyncResult::new(Arc::clone(&job), executor, |_| Ok(())).wait();
        job.each()
    }

    /// As [`Pool::starmap_async`].
    pub fn starmap_async<A>(
        self,
        items: impl IntoIterator<Item = A>,
    ) -> AsyncResult<Vec<Value<F, A, M>>>
    where
        F: Function<A>,
        F::Output: TaskOutput<M>,
        A: Serialize + DeserializeOwned,
    {
        let executor = Arc::clone(self.executor);
        let job = self.hand_in(items.into_iter().collect());
        AsyncResult::new(job, executor, |job| job.values())
    }

    /// As [`Pool::apply`].
    ///
    /// # Errors
    ///
    /// Why the call has no result.
    pub fn apply<A>(self, args: A) -> Result<Value<F, A, M>, TaskError>
    where
        F: Function<A>,
        F::Output: TaskOutput<M>,
        A: Serialize + DeserializeOwned,
    {
        self.apply_async(args).get()
    }

    /// As [`Pool::apply_async`].
    pub fn apply_async<A>(self, args: A) -> AsyncResult<Value<F, A, M>>
    where
        F: Function<A>,
        F::Output: TaskOutput<M>,
        A: Serialize + DeserializeOwned,
    {
        let executor = Arc::clone(self.executor);
        let job = self.hand_in(vec![args]);
        AsyncResult::new(job, executor, Job::value)
    }

    /// As [`Pool::submit`].
    pub fn submit<A>(mut self, args: A) -> Future<Value<F, A, M>>
    where
        F: Function<A>,
        F::Output: TaskOutput<M>,
        A: Serialize + DeserializeOwned,
    {
        self.options.killable = true;
        let executor = Arc::clone(self.executor);
        Future::new(self.hand_in(vec![args]), executor, Job::value)
    }
}

impl<F, M> fmt::Debug for Task<'_, F, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task")
            .field("chunk_size", &self.chunk_size)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}
