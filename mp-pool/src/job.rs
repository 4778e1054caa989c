//! One call of the pool: where the answers of its items come together.

use std::fmt;
use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, MutexGuard};

use mp_handle::{Deadline, Parcel};
use serde::de::DeserializeOwned;

use crate::answer::Answer;
use crate::callbacks::Callbacks;
use crate::error::TaskError;
use crate::monitor::{self, Monitor};
use crate::protocol::Status;

/// Called for each item as it ends, with its place and its answer, which is a copy.
pub(crate) type OnItem = Box<dyn Fn(usize, &Answer) + Send + Sync>;

/// Called once, when all items have ended.
pub(crate) type OnEnd = Box<dyn FnOnce() + Send>;

/// A call of the pool.
pub(crate) struct Job {
    state: Monitor<State>,
    /// Nobody wants the rest.
    abandoned: AtomicBool,
    callbacks: Callbacks,
    on_item: Option<OnItem>,
}

#[derive(Default)]
struct State {
    answers: Vec<Option<Answer>>,
    /// The inline answers of all items, in the order of their coming.
    bytes: Parcel,
    missing: usize,
    failed: bool,
    on_end: Vec<OnEnd>,
}

impl State {
    fn is_decided(&self, by_failure: bool) -> bool {
        self.missing == 0 || by_failure && self.failed
    }
}

impl Job {
    pub(crate) fn new(count: usize, callbacks: Callbacks, on_item: Option<OnItem>) -> Self {
        let answers = std::iter::repeat_with(|| None).take(count).collect();
        let state = State { answers, missing: count, ..State::default() };
        let abandoned = AtomicBool::new(false);
        Self { state: Monitor::new(state), abandoned, callbacks, on_item }
    }

    /// Takes answers, for as long as the value lives.
    pub(crate) fn answers(self: &Arc<Self>) -> Answers<'_> {
        Answers { job: self, state: self.state.lock() }
    }

    /// Says that nobody wants the rest.
    pub(crate) fn abandon(&self) {
        self.abandoned.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_abandoned(&self) -> bool {
        self.abandoned.load(Ordering::Relaxed)
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

    /// Decodes the answers of all items; one that has none was given up.
    pub(crate) fn collect<R: DeserializeOwned>(&self) -> Vec<Result<R, TaskError>> {
        let state = &self.state.lock().value;
        let decode = |answer: &Option<Answer>| match answer {
            Some(answer) => answer.decode(&state.bytes),
            None => Err(TaskError::Cancelled),
        };
        state.answers.iter().map(decode).collect()
    }

    /// The first failure in the order of the items, if one has failed.
    pub(crate) fn first_failure(&self) -> Option<TaskError> {
        let state = &self.state.lock().value;
        let mut failures = state.answers.iter().flatten().filter(|answer| answer.is_failure());
        // Of a failure nothing but its error is decoded, so any type of value will do.
        failures.find_map(|answer| answer.decode::<()>(&state.bytes).err())
    }

    /// Shows one item that has ended to the callback, which may be slow: the lock is not held.
    fn show(&self, place: usize) {
        let Some(on_item) = &self.on_item else { return };
        let answer = {
            let state = &self.state.lock().value;
            let Some(Some(answer)) = state.answers.get(place) else { return };
            answer.copy(&state.bytes)
        };
        on_item(place, &answer);
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
    /// Notes an answer that came as bytes.
    pub(crate) fn put_bytes(&mut self, place: usize, status: Status, bytes: &[u8]) {
        let range = self.state.value.bytes.push_bytes(bytes);
        self.put(place, Answer::Inline(status, range));
    }

    /// Notes an answer, unless there is one.
    pub(crate) fn put(&mut self, place: usize, answer: Answer) {
        let state = &mut self.state.value;
        let Some(slot @ None) = state.answers.get_mut(place) else {
            return;
        };
        state.failed |= answer.is_failure();
        *slot = Some(answer);
        state.missing -= 1;
        if self.job.on_item.is_some() {
            let job = Arc::clone(self.job);
            self.job.callbacks.run(Box::new(move || job.show(place)));
        }
        if state.missing == 0 {
            for callback in mem::take(&mut state.on_end) {
                self.job.callbacks.run(callback);
            }
        }
        if state.is_decided(true) {
            self.job.state.notify(&self.state);
        }
    }
}
