//! One call of the pool: where the answers of its items come together.

use std::fmt;
use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use mp_handle::Deadline;
use serde::de::DeserializeOwned;

use crate::answer::Answer;
use crate::callbacks::Callbacks;
use crate::frames::{Status, Values};
use crate::ledger::Ledger;
use crate::monitor::{self, Monitor};
use crate::relay::Span;
use crate::task_error::{TaskError, TaskErrorKind};
use crate::watch::Watch;

/// Called for each item as it ends, with its place and its answer.
pub(crate) type OnItem = Box<dyn Fn(usize, &Answer) + Send + Sync>;

/// Called once, when all items have ended.
pub(crate) type OnEnd = Box<dyn FnOnce() + Send>;

/// One call: where the answers of its items come together.
///
/// An [`Executor`](crate::Executor) puts them in, by their places.
pub struct Job {
    state: Monitor<State>,
    count: usize,
    /// Nobody wants the rest.
    abandoned: AtomicBool,
    callbacks: Callbacks,
    on_item: Option<OnItem>,
    /// When and where its items ran, if somebody wants to pass that on.
    spans: Option<Mutex<Vec<Span>>>,
}

#[derive(Default)]
struct State {
    ledger: Ledger,
    missing: usize,
    on_end: Vec<OnEnd>,
    /// Those who wait, by the numbers that they were given.
    listeners: Vec<(u64, Listener)>,
    /// The number of the next of these.
    next: u64,
}

/// Who is told, once, when all items have ended.
pub(crate) enum Listener {
    Waker(Waker),
    Watch(Arc<Watch>, usize),
    /// Called where it ends, while the executor holds its locks.
    Relay(Box<dyn FnOnce(Arc<Job>) + Send>),
}

impl State {
    fn is_decided(&self, by_failure: bool) -> bool {
        self.missing == 0 || by_failure && self.ledger.has_failure()
    }
}

impl Job {
    pub(crate) fn new(count: usize, callbacks: Callbacks, on_item: Option<OnItem>) -> Self {
        let state = Monitor::new(State { missing: count, ..State::default() });
        Self { state, count, abandoned: AtomicBool::new(false), callbacks, on_item, spans: None }
    }

    /// A call that was relayed: when and where its items run goes with their answers.
    pub(crate) fn relayed(count: usize, callbacks: Callbacks) -> Self {
        let mut job = Self::new(count, callbacks, None);
        job.spans = Some(Mutex::default());
        job
    }

    /// Notes when and where some of its items ran.
    pub(crate) fn note(&self, span: Span) {
        if let Some(spans) = &self.spans {
            spans.lock().unwrap_or_else(PoisonError::into_inner).push(span);
        }
    }

    /// Takes what was noted.
    pub(crate) fn take_spans(&self) -> Vec<Span> {
        let spans = self.spans.as_ref();
        let taken =
            spans.map(|it| mem::take(&mut *it.lock().unwrap_or_else(PoisonError::into_inner)));
        taken.unwrap_or_default()
    }

    /// Takes answers, for as long as the value lives.
    pub(crate) fn answers(self: &Arc<Self>) -> Answers<'_> {
        Answers { job: self, state: self.state.lock() }
    }

    /// Notes the answer of the item at `place`. Each item has one answer.
    pub fn put(self: &Arc<Self>, place: usize, answer: Answer) {
        self.answers().put(place, answer);
    }

    /// Notes that the item at `place` has failed.
    pub(crate) fn fail(self: &Arc<Self>, place: usize, error: impl Into<TaskError>) {
        self.put(place, Answer::Failed(error.into()));
    }

    /// The number of items.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count
    }

    /// Says that nobody wants the rest.
    pub fn abandon(&self) {
        self.abandoned.store(true, Ordering::Relaxed);
    }

    /// Whether nobody wants what has no answer yet: it need not be run.
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        self.abandoned.load(Ordering::Relaxed)
    }

    /// Whether all items have an answer.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.is_decided(false)
    }

    /// Whether all items have ended, or one has failed and that is enough.
    pub(crate) fn is_decided(&self, by_failure: bool) -> bool {
        self.state.lock().value.is_decided(by_failure)
    }

    /// Waits until it is decided; false if the deadline comes before that.
    pub(crate) fn wait(&self, by_failure: bool, deadline: Deadline) -> bool {
        self.state.wait(deadline, |state| state.is_decided(by_failure))
    }

    /// Runs `callback` when all items have ended: at once, if they have.
    pub(crate) fn on_end(&self, callback: OnEnd) {
        let mut state = self.state.lock();
        if state.value.missing > 0 {
            state.value.on_end.push(callback);
        } else {
            drop(state);
            self.callbacks.run(callback);
        }
    }

    /// Has somebody told when all items have ended; returns a number to [forget](Self::forget) it
    /// by, or nothing if they have.
    pub(crate) fn listen(&self, listener: Listener) -> Option<u64> {
        let mut state = self.state.lock();
        let state = &mut state.value;
        if state.missing == 0 {
            return None;
        }
        state.next += 1;
        state.listeners.push((state.next, listener));
        Some(state.next)
    }

    /// Tells a listener nothing any more.
    pub(crate) fn forget(&self, number: u64) {
        let mut state = self.state.lock();
        let at = state.value.listeners.iter().position(|(known, _)| *known == number);
        let forgotten = at.map(|at| state.value.listeners.swap_remove(at));
        drop(state);
        // A waker is the user's, and may do anything when it is dropped.
        drop(forgotten);
    }

    /// Hands over the answers so far, to be encoded.
    pub(crate) fn with_ledger<R>(&self, work: impl FnOnce(&mut Ledger) -> R) -> R {
        work(&mut self.state.lock().value.ledger)
    }

    /// Decodes the values of all items, or gives the first failure in the order of the items.
    pub(crate) fn values<R: DeserializeOwned>(&self) -> Result<Vec<R>, TaskError> {
        self.state.lock().value.ledger.values(self.count)
    }

    /// Decodes the value of the only item.
    pub(crate) fn value<R: DeserializeOwned>(&self) -> Result<R, TaskError> {
        self.values()?.pop().ok_or(TaskErrorKind::Cancelled.into())
    }

    /// Decodes the answers of all items; one that has none was given up.
    pub(crate) fn each<R: DeserializeOwned>(&self) -> Vec<Result<R, TaskError>> {
        self.state.lock().value.ledger.each(self.count)
    }

    /// The first failure in the order of the items, if one has failed.
    #[must_use]
    pub fn first_failure(&self) -> Option<TaskError> {
        self.state.lock().value.ledger.first_failure()
    }

    /// Has the callback called for an item that has ended; it may be slow.
    fn show(self: &Arc<Self>, place: usize, answer: Arc<Answer>) {
        let job = Arc::clone(self);
        self.callbacks.run(Box::new(move || {
            if let Some(on_item) = &job.on_item {
                on_item(place, &answer);
            }
        }));
    }
}

impl Drop for Job {
    /// The last handle may be the engine's. What the callback has captured is the user's, and
    /// may do anything when it is dropped.
    fn drop(&mut self) {
        if let Some(on_item) = self.on_item.take() {
            self.callbacks.run(Box::new(move || drop(on_item)));
        }
    }
}

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job")
            .field("missing", &self.state.lock().value.missing)
            .finish_non_exhaustive()
    }
}

/// Takes answers of one job.
pub(crate) struct Answers<'a> {
    job: &'a Arc<Job>,
    state: MutexGuard<'a, monitor::State<State>>,
}

impl Answers<'_> {
    /// Notes the values of the items from `place` on, which come from the worker `pid`.
    pub(crate) fn put_values(&mut self, place: usize, values: Values<'_>, pid: u32) {
        // They may have been taken before the worker told them.
        if values.count() == 0 {
            return;
        }
        if self.job.on_item.is_some() {
            for (place, value) in (place..).zip(values.parcels()) {
                self.job.show(place, Arc::new(Answer::Encoded(Status::Returned, value, pid)));
            }
        }
        self.state.value.ledger.put_values(place, values, pid);
        self.ended(values.count());
    }

    /// Notes an answer.
    pub(crate) fn put(&mut self, place: usize, answer: Answer) {
        let answer = Arc::new(answer);
        if self.job.on_item.is_some() {
            self.job.show(place, Arc::clone(&answer));
        }
        self.state.value.ledger.put(place, answer);
        self.ended(1);
    }

    /// So many items more have an answer.
    fn ended(&mut self, count: usize) {
        let state = &mut self.state.value;
        state.missing -= count;
        if state.missing == 0 {
            for callback in mem::take(&mut state.on_end) {
                self.job.callbacks.run(callback);
            }
            for (_, listener) in mem::take(&mut state.listeners) {
                match listener {
                    Listener::Waker(waker) => self.job.callbacks.wake(waker),
                    Listener::Watch(watch, number) => watch.tell(number),
                    Listener::Relay(done) => done(Arc::clone(self.job)),
                }
            }
        }
        if state.is_decided(true) {
            self.job.state.notify(&self.state);
        }
    }
}
