//! Waiting for several futures.

use std::collections::HashSet;
use std::iter::FusedIterator;
use std::sync::Arc;
use std::time::Duration;
use std::{error, fmt};

use mp_handle::Deadline;

use crate::executor::Executor;
use crate::future::Future;
use crate::job::Listener;
use crate::watch::Watch;

/// Gives the futures as they end, each once: those that have ended already first.
///
/// # Examples
///
/// ```
/// use mp_pool::{Pool, as_completed};
///
/// mp_process::init();
/// let pool = Pool::new(2)?;
/// let futures: Vec<_> = (1..=4).map(|n| pool.submit(|n: u32| n * n, (n,))).collect();
/// let mut results = Vec::new();
/// for future in as_completed(futures) {
///     results.push(future.result()?);
/// }
/// results.sort();
/// assert_eq!(results, [1, 4, 9, 16]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn as_completed<T>(futures: impl IntoIterator<Item = Future<T>>) -> AsCompleted<T> {
    AsCompleted { waiting: Waiting::new(futures) }
}

/// As [`as_completed`], but all of them are to end within `timeout`: if some have not, the last
/// that the iterator gives is an error which says how many.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use mp_pool::{Pool, as_completed_timeout};
///
/// mp_process::init();
/// let pool = Pool::new(2)?;
/// let hangs = pool.submit(std::thread::park, ());
/// let error = as_completed_timeout([hangs], Duration::from_millis(10)).next().unwrap();
/// assert_eq!(error.unwrap_err().to_string(), "1 of 1 futures have not ended in time");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn as_completed_timeout<T>(
    futures: impl IntoIterator<Item = Future<T>>,
    timeout: Duration,
) -> AsCompletedTimeout<T> {
    let deadline = Deadline::after(timeout);
    AsCompletedTimeout { waiting: Waiting::new(futures), deadline, is_over: false }
}

/// What ends the wait for several futures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReturnWhen {
    /// One has ended.
    FirstCompleted,
    /// One has failed or was cancelled, or all have ended.
    FirstException,
    /// All have ended.
    AllCompleted,
}

/// What [`wait`] has seen.
#[derive(Debug)]
#[must_use = "it says which futures have ended"]
pub struct Done<T> {
    /// Those that have ended.
    pub done: Vec<Future<T>>,
    /// The others.
    pub not_done: Vec<Future<T>>,
}

/// Waits until as many of the futures have ended as `when` says, or the time is over; without a
/// time, as long as it takes.
///
/// # Examples
///
/// ```
/// use mp_pool::{Pool, ReturnWhen, wait};
///
/// mp_process::init();
/// let pool = Pool::new(2)?;
/// let futures = [pool.submit(std::thread::park, ()), pool.submit(|| (), ())];
/// let seen = wait(futures, ReturnWhen::FirstCompleted, None);
/// assert_eq!((seen.done.len(), seen.not_done.len()), (1, 1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn wait<T>(
    futures: impl IntoIterator<Item = Future<T>>,
    when: ReturnWhen,
    timeout: Option<Duration>,
) -> Done<T> {
    let deadline = timeout.map_or(Deadline::NEVER, Deadline::after);
    let mut waiting = Waiting::new(futures);
    let mut done = Vec::new();
    while let Some(future) = waiting.next(deadline) {
        let is_enough = match when {
            ReturnWhen::FirstCompleted => true,
            ReturnWhen::FirstException => future.job.first_failure().is_some(),
            ReturnWhen::AllCompleted => false,
        };
        done.push(future);
        if is_enough {
            break;
        }
    }
    // Those that have ended as well meanwhile.
    done.extend(std::iter::from_fn(|| waiting.next(Deadline::now())));
    Done { done, not_done: waiting.futures.drain(..).flatten().collect() }
}

/// Futures that have not been seen to end.
struct Waiting<T> {
    /// By their numbers; none in the place of one that was given.
    futures: Vec<Option<Future<T>>>,
    listeners: Vec<Option<u64>>,
    left: usize,
    watch: Arc<Watch>,
    /// The executor of the first: of several, one is helped.
    executor: Option<Arc<dyn Executor>>,
}

impl<T> Waiting<T> {
    fn new(futures: impl IntoIterator<Item = Future<T>>) -> Self {
        let mut known = HashSet::new();
        let is_new = |future: &Future<T>| known.insert(Arc::as_ptr(&future.job));
        let futures: Vec<_> = futures.into_iter().filter(is_new).map(Some).collect();
        let watch = Arc::new(Watch::new());
        let listen = |(number, future): (usize, &Option<Future<T>>)| {
            let listener = Listener::Watch(Arc::clone(&watch), number);
            let heard = future.as_ref()?.job.listen(listener);
            if heard.is_none() {
                watch.tell(number);
            }
            heard
        };
        let listeners = futures.iter().enumerate().map(listen).collect();
        let first = futures.iter().flatten().next();
        let executor = first.map(|future| Arc::clone(&future.executor));
        Self { left: futures.len(), listeners, futures, watch, executor }
    }

    /// Waits for the next to end; none if the deadline comes first, or there are no more.
    fn next(&mut self, deadline: Deadline) -> Option<Future<T>> {
        if self.left == 0 {
            return None;
        }
        if !self.watch.has_next() {
            let has_next = || self.watch.has_next();
            let executor = self.executor.as_ref()?;
            if !executor.wait(deadline, &has_next, || self.watch.wait(deadline)) {
                return None;
            }
        }
        let future = self.futures[self.watch.next()?].take();
        self.left -= usize::from(future.is_some());
        future
    }
}

impl<T> Drop for Waiting<T> {
    fn drop(&mut self) {
        for (future, listener) in self.futures.iter().zip(&self.listeners) {
            if let (Some(future), Some(listener)) = (future, listener) {
                future.job.forget(*listener);
            }
        }
    }
}

/// Futures as they end: from [`as_completed`].
#[must_use = "it waits only when it is asked for the next"]
pub struct AsCompleted<T> {
    waiting: Waiting<T>,
}

impl<T> Iterator for AsCompleted<T> {
    type Item = Future<T>;

    fn next(&mut self) -> Option<Future<T>> {
        self.waiting.next(Deadline::NEVER)
    }
}

impl<T> FusedIterator for AsCompleted<T> {}

impl<T> fmt::Debug for AsCompleted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsCompleted").field("left", &self.waiting.left).finish_non_exhaustive()
    }
}

/// Futures as they end, within a time: from [`as_completed_timeout`].
#[must_use = "it waits only when it is asked for the next"]
pub struct AsCompletedTimeout<T> {
    waiting: Waiting<T>,
    deadline: Deadline,
    is_over: bool,
}

impl<T> Iterator for AsCompletedTimeout<T> {
    type Item = Result<Future<T>, Unfinished>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over || self.waiting.left == 0 {
            return None;
        }
        Some(self.waiting.next(self.deadline).ok_or_else(|| {
            self.is_over = true;
            Unfinished { left: self.waiting.left, of: self.waiting.futures.len() }
        }))
    }
}

impl<T> FusedIterator for AsCompletedTimeout<T> {}

impl<T> fmt::Debug for AsCompletedTimeout<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsCompletedTimeout")
            .field("left", &self.waiting.left)
            .finish_non_exhaustive()
    }
}

/// Some futures have not ended in time. Their tasks go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unfinished {
    /// How many have not ended.
    pub left: usize,
    /// How many there were.
    pub of: usize,
}

impl fmt::Display for Unfinished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} futures have not ended in time", self.left, self.of)
    }
}

impl error::Error for Unfinished {}
