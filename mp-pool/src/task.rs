//! One call of a pool, with options.

use std::fmt;
use std::marker::PhantomData;
use std::mem;
use std::process;
use std::sync::Arc;
use std::time::Duration;

use mp_process::{Func, Function};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::answer::Answer;
use crate::async_result::AsyncResult;
use crate::chunk::{Chunk, MAX_COUNT};
use crate::error::TaskError;
use crate::job::{Job, OnItem};
use crate::output::{Fallible, Plain, TaskOutput};
use crate::pool::Pool;
use crate::run::Run;

/// A function to be called by the workers of a pool, and how: from [`Pool::task`].
///
/// The short forms, such as [`Pool::map`], are this without options.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use mp_pool::{Pool, TaskError};
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
/// assert!(matches!(&numbers[1], Err(TaskError::Failed { .. })));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "nothing happens before `map`, `apply` or the like"]
pub struct Task<'p, F, M = Plain> {
    pool: &'p Pool,
    function: F,
    chunk_size: Option<usize>,
    deadline: Option<Duration>,
    retries: u32,
    on_item: Option<OnItem>,
    output: PhantomData<fn() -> M>,
}

/// What a call of `F` with the arguments `A` gives.
type Value<F, A, M> = <<F as Function<A>>::Output as TaskOutput<M>>::Value;

/// What became of each of several calls.
type Each<F, A, M> = Vec<Result<Value<F, A, M>, TaskError>>;

impl<'p, F> Task<'p, F, Plain> {
    pub(crate) fn new(pool: &'p Pool, function: F) -> Self {
        Self {
            pool,
            function,
            chunk_size: None,
            deadline: pool.deadline,
            retries: pool.retries,
            on_item: None,
            output: PhantomData,
        }
    }

    /// Says that the function returns a `Result` of whose error the description is enough: its
    /// message and those of its sources. The value alone is then the result, and the error a
    /// [`TaskError::Failed`].
    ///
    /// The error may be any [`Error`](std::error::Error), a box of one, `anyhow::Error`, or a
    /// string; `map_err(|error| error.to_string())` makes one of what can only be displayed.
    ///
    /// Without this, a `Result` is a value as any other: both of its types are serde's, and the
    /// caller gets it as it is. To be called before [`on_item`](Self::on_item).
    pub fn fallible<K>(self) -> Task<'p, F, Fallible<K>> {
        let Self { pool, function, chunk_size, deadline, retries, .. } = self;
        Task { pool, function, chunk_size, deadline, retries, on_item: None, output: PhantomData }
    }
}

impl<F, M> Task<'_, F, M> {
    /// Sets how many items travel together. The default is such that each worker gets about
    /// four chunks; what a worker has not come to goes to others that are idle.
    #[doc(alias = "chunksize")]
    pub fn chunk_size(mut self, items: usize) -> Self {
        self.chunk_size = Some(items);
        self
    }

    /// Sets how long each item may run. Its worker is killed then, and replaced.
    #[doc(alias = "timeout")]
    pub fn deadline(mut self, limit: Duration) -> Self {
        self.deadline = Some(limit);
        self
    }

    /// Sets how often an item is given to another worker if its worker was lost: for tasks that
    /// do no harm when they are begun twice. A deadline or a panic is no such loss.
    pub fn retries(mut self, retries: u32) -> Self {
        self.retries = retries;
        self
    }

    /// Has `callback` called for each item as it ends, with its place among the inputs, on a
    /// thread of the pool that does nothing else. The last calls may come after the results;
    /// [`Pool::join`] waits for them.
    pub fn on_item<A>(
        mut self,
        callback: impl Fn(usize, Result<&Value<F, A, M>, &TaskError>) + Send + Sync + 'static,
    ) -> Self
    where
        F: Function<A>,
        F::Output: TaskOutput<M>,
    {
        self.on_item = Some(Box::new(move |place, answer| {
            let result = answer.decode::<Value<F, A, M>>(&mp_handle::Parcel::default());
            callback(place, result.as_ref());
        }));
        self
    }

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
        let pool = Arc::clone(&self.pool.shared);
        let job = self.submit(items.into_iter().collect());
        AsyncResult::new(Arc::clone(&job), pool, |_| Ok(())).wait();
        job.collect()
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
        let pool = Arc::clone(&self.pool.shared);
        let job = self.submit(items.into_iter().collect());
        AsyncResult::new(job, pool, |job| job.collect().into_iter().collect())
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
        let pool = Arc::clone(&self.pool.shared);
        let job = self.submit(vec![args]);
        AsyncResult::new(job, pool, |job| job.collect().remove(0))
    }

    /// Encodes the items, and hands them to the engine. Each of them will have an answer.
    fn submit<A>(mut self, items: Vec<A>) -> Arc<Job>
    where
        F: Function<A>,
        F::Output: TaskOutput<M>,
        A: Serialize + DeserializeOwned,
    {
        let count = items.len();
        let callbacks = self.pool.callbacks.clone();
        let job = Arc::new(Job::new(count, callbacks, self.on_item.take()));
        match self.number::<A>() {
            Ok(number) => {
                let chunks = self.chunks(&job, number, items);
                self.pool.shared.engine().submit(chunks);
            }
            Err(error) => {
                let mut answers = job.answers();
                (0..count).for_each(|place| answers.put(place, Answer::Failed(error.clone())));
            }
        }
        if self.deadline.is_some() {
            // The thread sleeps by the deadlines that it knew.
            self.pool.shared.wake();
        }
        job
    }

    /// The number by which the engine knows the function, if the pool can be used here.
    fn number<A>(&self) -> Result<u32, TaskError>
    where
        F: Function<A>,
        F::Output: TaskOutput<M>,
        A: DeserializeOwned,
    {
        if self.pool.owner != process::id() {
            // Of the rings that a forked process inherits only one may be the producer.
            return Err(TaskError::PoolClosed);
        }
        let function = Func::bind(self.function, |f: F, run| Run::all::<F, A, M>(f, run))
            .map_err(TaskError::ForeignFunction)?;
        self.pool.shared.engine().number_of(function)
    }

    /// Encodes the items. One that cannot be has its answer at once.
    fn chunks<A: Serialize>(&self, job: &Arc<Job>, number: u32, items: Vec<A>) -> Vec<Chunk> {
        let size = self.chunk_size.unwrap_or_else(|| items.len().div_ceil(4 * self.pool.workers));
        let size = size.min(self.pool.max_chunk).clamp(1, MAX_COUNT);
        let open = |first| Chunk::new(Arc::clone(job), number, first, self.deadline, self.retries);
        let mut chunks = Vec::with_capacity(items.len() / size + 1);
        let mut chunk = open(0);
        for (place, item) in items.into_iter().enumerate() {
            if chunk.count() == size || chunk.is_full() {
                chunks.push(mem::replace(&mut chunk, open(place)));
            }
            if let Err(error) = chunk.push(&item) {
                let reason = format!("the arguments cannot be encoded: {error}");
                job.answers().put(place, Answer::undecodable(reason));
                chunks.push(mem::replace(&mut chunk, open(place + 1)));
            }
        }
        chunks.push(chunk);
        chunks.retain(|chunk| chunk.count() > 0);
        chunks
    }
}

impl<F, M> fmt::Debug for Task<'_, F, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task")
            .field("chunk_size", &self.chunk_size)
            .field("deadline", &self.deadline)
            .field("retries", &self.retries)
            .finish_non_exhaustive()
    }
}
