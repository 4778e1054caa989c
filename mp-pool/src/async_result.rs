//! A result that is still being computed.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use mp_handle::Deadline;

use crate::executor::Executor;
use crate::future::Future;
use crate::job::Job;
use crate::task_error::TaskError;

/// The result of `apply_async` (a value), or `map_async` (a vector).
///
/// Dropping it leaves the tasks running. It can be awaited, on any asynchronous runtime: it is
/// then a [`Future`], as [`submit`](crate::Pool::submit) gives it at once.
///
/// # Examples
///
/// ```
/// use mp_pool::Pool;
///
/// mp_process::init();
/// let pool = Pool::new(2)?;
/// let sum = pool.apply_async(|a: u32, b: u32| a + b, (1, 2));
/// let squares = pool.map_async(|n: u32| n * n, 1..=3);
/// assert_eq!(sum.get()?, 3);
/// assert_eq!(squares.get()?, [1, 4, 9]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "the result is lost, and a failure unseen"]
pub struct AsyncResult<T> {
    job: Arc<Job>,
    executor: Arc<dyn Executor>,
    collect: fn(&Job) -> Result<T, TaskError>,
}

impl<T> AsyncResult<T> {
    pub(crate) fn new(
        job: Arc<Job>,
        executor: Arc<dyn Executor>,
        collect: fn(&Job) -> Result<T, TaskError>,
    ) -> Self {
        Self { job, executor, collect }
    }

    /// Waits for the result.
    ///
    /// # Errors
    ///
    /// Why there is none: of several tasks, the first failure in the order of the inputs.
    pub fn get(self) -> Result<T, TaskError> {
        self.wait();
        (self.collect)(&self.job)
    }

    /// Waits for the result, but no longer than `timeout`; then gives itself back, and the tasks
    /// go on.
    ///
    /// # Errors
    ///
    /// `Err(self)` if the result is not there in time.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// mp_process::init();
    /// let pool = mp_pool::Pool::new(1)?;
    /// let parked = pool.apply_async(std::thread::park, ());
    /// let parked = parked.get_timeout(Duration::from_millis(10)).unwrap_err();
    /// assert!(!parked.ready());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn get_timeout(self, timeout: Duration) -> Result<Result<T, TaskError>, Self> {
        if self.wait_timeout(timeout) { Ok((self.collect)(&self.job)) } else { Err(self) }
    }

    /// Returns the result if it is there, or gives itself back.
    ///
    /// # Errors
    ///
    /// `Err(self)` if the result is not there.
    pub fn try_get(self) -> Result<Result<T, TaskError>, Self> {
        if self.ready() { Ok((self.collect)(&self.job)) } else { Err(self) }
    }

    /// Whether all of its tasks have ended.
    #[must_use]
    pub fn ready(&self) -> bool {
        self.job.is_decided(false)
    }

    /// Whether all of its tasks have ended, and none has failed; `None` as long as they have not
    /// ended.
    #[must_use]
    pub fn successful(&self) -> Option<bool> {
        self.ready().then(|| self.job.first_failure().is_none())
    }

    /// Waits until all of its tasks have ended.
    pub fn wait(&self) {
        self.wait_until(false, Deadline::NEVER);
    }

    /// Waits until all of its tasks have ended, but no longer than `timeout`; returns whether
    /// they have.
    pub fn wait_timeout(&self, timeout: Duration) -> bool {
        self.wait_until(false, Deadline::after(timeout))
    }

    /// Waits until one of its tasks has failed, and gives up those that have not begun; or until
    /// all have ended well.
    pub(crate) fn get_or_give_up(self) -> Result<T, TaskError> {
        self.wait_until(true, Deadline::NEVER);
        match self.job.first_failure() {
            None => (self.collect)(&self.job),
            Some(error) => {
                self.job.abandon();
                self.executor.cancel(&self.job);
                Err(error)
            }
        }
    }

    fn wait_until(&self, by_failure: bool, deadline: Deadline) -> bool {
        let is_decided = || self.job.is_decided(by_failure);
        self.executor.wait(deadline, &is_decided, || self.job.wait(by_failure, deadline))
    }

    /// Has `callback` called with the value when all of the tasks have ended well, on a thread of
    /// the pool that does nothing else. A failure is not told to it. A panic in it is reported,
    /// and harms nothing.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::mpsc;
    ///
    /// mp_process::init();
    /// let pool = mp_pool::Pool::new(1)?;
    /// let (sender, receiver) = mpsc::channel();
    /// let sum = pool
    ///     .apply_async(|a: u32, b: u32| a + b, (1, 2))
    ///     .callback(move |sum| sender.send(sum).unwrap());
    /// assert_eq!(receiver.recv()?, 3);
    /// assert_eq!(sum.get()?, 3);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn callback(self, callback: impl FnOnce(T) + Send + 'static) -> Self
    where
        T: 'static,
    {
        self.on_end(|result| result.map_or((), callback))
    }

    /// Has `callback` called with the first failure when all of the tasks have ended and one has
    /// failed; as [`callback`](Self::callback).
    pub fn error_callback(self, callback: impl FnOnce(TaskError) + Send + 'static) -> Self
    where
        T: 'static,
    {
        self.on_end(|result| result.map_or_else(callback, drop))
    }

    fn on_end(self, callback: impl FnOnce(Result<T, TaskError>) + Send + 'static) -> Self
    where
        T: 'static,
    {
        let (job, collect) = (Arc::clone(&self.job), self.collect);
        self.job.on_end(Box::new(move || callback(collect(&job))));
        self
    }
}

impl<T> IntoFuture for AsyncResult<T> {
    type Output = Result<T, TaskError>;
    type IntoFuture = Future<T>;

    fn into_future(self) -> Future<T> {
        Future::new(self.job, self.executor, self.collect)
    }
}

impl<T> fmt::Debug for AsyncResult<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncResult").field("ready", &self.ready()).finish_non_exhaustive()
    }
}
