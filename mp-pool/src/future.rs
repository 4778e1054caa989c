//! A call whose result is still to come, in the manner of `concurrent.futures`.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use mp_handle::Deadline;

use crate::error::NotReady;
use crate::executor::Executor;
use crate::job::{Job, Listener};
use crate::task_error::{TaskError, TaskErrorKind};

/// How a future makes its value of the answers.
pub(crate) type Collect<T> = fn(&Job) -> Result<T, TaskError>;

/// A call that was submitted: from [`submit`](crate::Pool::submit).
///
/// It is also a [`std::future::Future`], which any asynchronous runtime can await. Clones are the
/// same call. Dropping it leaves the task running, and never blocks; so does dropping it while it
/// is being awaited.
///
/// # Examples
///
/// ```
/// use mp_pool::{Pool, TaskErrorKind};
///
/// fn hang() {
///     loop {
///         std::thread::park();
///     }
/// }
///
/// mp_process::init();
/// let pool = Pool::new(1)?;
/// let sum = pool.submit(|a: u32, b: u32| a + b, (1, 2));
/// assert_eq!(sum.result()?, 3);
///
/// // One that hangs can be stopped: its worker is killed, and replaced.
/// let hangs = pool.submit(hang, ());
/// while !hangs.running() {
///     std::thread::yield_now();
/// }
/// assert!(!hangs.cancel(), "it has begun");
/// assert!(hangs.cancel_running());
/// assert_eq!(hangs.exception().map(|error| error.kind), Some(TaskErrorKind::Cancelled));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "the result is lost, and a failure unseen"]
pub struct Future<T> {
    pub(crate) job: Arc<Job>,
    pub(crate) executor: Arc<dyn Executor>,
    collect: Collect<T>,
    /// The waker that the call knows.
    waker: Option<u64>,
}

impl<T> Future<T> {
    pub(crate) fn new(job: Arc<Job>, executor: Arc<dyn Executor>, collect: Collect<T>) -> Self {
        Self { job, executor, collect, waker: None }
    }

    /// Waits for the result. Each time it is decoded anew.
    ///
    /// # Errors
    ///
    /// Why there is none.
    pub fn result(&self) -> Result<T, TaskError> {
        self.wait_until(Deadline::NEVER);
        (self.collect)(&self.job)
    }

    /// Waits for the result, but no longer than `timeout`; the task goes on.
    ///
    /// # Errors
    ///
    /// [`NotReady`] if the result is not there in time.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// mp_process::init();
    /// let pool = mp_pool::Pool::new(1)?;
    /// let parked = pool.submit(std::thread::park, ());
    /// assert!(parked.result_timeout(Duration::from_millis(10)).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn result_timeout(&self, timeout: Duration) -> Result<Result<T, TaskError>, NotReady> {
        self.wait_until(Deadline::after(timeout));
        self.try_result()
    }

    /// Returns the result if it is there.
    ///
    /// # Errors
    ///
    /// [`NotReady`] if it is not.
    pub fn try_result(&self) -> Result<Result<T, TaskError>, NotReady> {
        if self.done() { Ok((self.collect)(&self.job)) } else { Err(NotReady) }
    }

    /// Waits until the task has ended; returns its failure, if it has failed.
    pub fn exception(&self) -> Option<TaskError> {
        self.wait_until(Deadline::NEVER);
        self.job.first_failure()
    }

    /// Waits until the task has ended, but no longer than `timeout`; returns its failure, if it
    /// has failed.
    ///
    /// # Errors
    ///
    /// [`NotReady`] if it has not ended in time.
    pub fn exception_timeout(&self, timeout: Duration) -> Result<Option<TaskError>, NotReady> {
        self.wait_until(Deadline::after(timeout));
        self.try_exception()
    }

    /// Returns the failure of a task that has ended, if it has failed.
    ///
    /// # Errors
    ///
    /// [`NotReady`] if it has not ended.
    pub fn try_exception(&self) -> Result<Option<TaskError>, NotReady> {
        if self.done() { Ok(self.job.first_failure()) } else { Err(NotReady) }
    }

    /// Whether the task has ended: well, with a failure, or because it was cancelled.
    #[must_use]
    pub fn done(&self) -> bool {
        self.job.is_decided(false)
    }

    /// Whether the task has begun, and not ended.
    #[must_use]
    pub fn running(&self) -> bool {
        self.executor.is_running(&self.job)
    }

    /// Whether the task was cancelled.
    #[must_use]
    pub fn cancelled(&self) -> bool {
        let failure = self.job.first_failure();
        self.done() && failure.is_some_and(|error| error.kind == TaskErrorKind::Cancelled)
    }

    /// Gives up a task that has not begun: it will not, and ends as [`TaskErrorKind::Cancelled`].
    /// Returns whether it is cancelled; one that has begun goes on.
    pub fn cancel(&self) -> bool {
        self.executor.cancel(&self.job) || self.cancelled()
    }

    /// Gives up a task even if it has begun: its worker is then killed and replaced. It ends as
    /// [`TaskErrorKind::Cancelled`], unless it ends by itself in that moment. Nothing else is hurt.
    ///
    /// Returns whether there was anything to give up. A thread cannot be killed: of a
    /// [`ThreadPool`](crate::ThreadPool) this is [`cancel`](Self::cancel).
    #[doc(alias = "kill")]
    pub fn cancel_running(&self) -> bool {
        self.executor.kill(&self.job)
    }

    /// Has `callback` called with this future when the task has ended: at once, if it has. That
    /// is on a thread of the pool that does nothing else; a panic is reported, and harms nothing.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::mpsc;
    ///
    /// mp_process::init();
    /// let pool = mp_pool::Pool::new(1)?;
    /// let (sender, receiver) = mpsc::channel();
    /// let seven = pool.submit(|| 7, ());
    /// seven.add_done_callback(move |seven| sender.send(seven.result()).unwrap());
    /// assert_eq!(receiver.recv()?, Ok(7));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn add_done_callback(&self, callback: impl FnOnce(Self) + Send + 'static)
    where
        T: 'static,
    {
        let future = self.clone();
        self.job.on_end(Box::new(move || callback(future)));
    }

    fn wait_until(&self, deadline: Deadline) -> bool {
        let is_done = || self.job.is_decided(false);
        self.executor.wait(deadline, &is_done, || self.job.wait(false, deadline))
    }

    /// Takes back the waker that the call knows.
    fn forget_waker(&mut self) {
        if let Some(number) = self.waker.take() {
            self.job.forget(number);
        }
    }
}

impl<T> std::future::Future for Future<T> {
    type Output = Result<T, TaskError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.forget_waker();
        self.waker = self.job.listen(Listener::Waker(context.waker().clone()));
        match self.waker {
            Some(_) => Poll::Pending,
            None => Poll::Ready((self.collect)(&self.job)),
        }
    }
}

impl<T> Clone for Future<T> {
    fn clone(&self) -> Self {
        Self::new(Arc::clone(&self.job), Arc::clone(&self.executor), self.collect)
    }
}

impl<T> Drop for Future<T> {
    fn drop(&mut self) {
        self.forget_waker();
    }
}

impl<T> fmt::Debug for Future<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match (self.done(), self.running()) {
            (true, _) => "done",
            (false, true) => "running",
            (false, false) => "pending",
        };
        f.debug_struct("Future").field("state", &state).finish_non_exhaustive()
    }
}
