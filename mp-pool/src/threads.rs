//! Threads of this process as an executor.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::{fmt, io, thread};

use mp_handle::Deadline;
use mp_process::catch_panic;

use crate::callbacks::Callbacks;
use crate::chunk::{Chunk, MAX_COUNT};
use crate::executor::Executor;
use crate::job::Job;
use crate::local::Local;
use crate::monitor::Monitor;
use crate::options::Options;
use crate::pending::Pending;
use crate::run::Routine;
use crate::task_error::{TaskError, TaskErrorKind};

/// What the handle of the threads shares with them.
pub(crate) struct Threads {
    state: Mutex<State>,
    /// There is something to do, or the end has come.
    news: Condvar,
    /// How many threads live.
    alive: Monitor<usize>,
    callbacks: Callbacks,
}

#[derive(Default)]
struct State {
    pending: Pending,
    /// What each thread is at.
    running: Vec<Option<Arc<Job>>>,
    /// Calls that are still handing in their chunks.
    arriving: usize,
    is_closed: bool,
    /// Why nothing more is run.
    refusal: Option<TaskError>,
}

impl State {
    /// Whether nothing will come any more.
    fn is_over(&self) -> bool {
        self.is_closed && self.pending.is_empty() && (self.arriving == 0 || self.refusal.is_some())
    }

    fn is_at(&self, job: &Arc<Job>) -> bool {
        self.running.iter().flatten().any(|at| Arc::ptr_eq(at, job))
    }
}

/// What a thread calls before its first task.
pub(crate) type Begin = Arc<dyn Fn() + Send + Sync>;

impl Threads {
    pub(crate) fn new(threads: usize, callbacks: Callbacks) -> Self {
        let state = State { running: vec![None; threads], ..State::default() };
        let (news, alive) = (Condvar::new(), Monitor::new(0));
        Self { state: Mutex::new(state), news, alive, callbacks }
    }

    /// Starts the thread of this number.
    pub(crate) fn start(
        self: &Arc<Self>,
        number: usize,
        name: &str,
        begin: Begin,
    ) -> io::Result<()> {
        self.alive.lock().value += 1;
        let alive = Alive(Arc::clone(self));
        let thread = thread::Builder::new().name(format!("{name}_{number}"));
        let started = thread.spawn(move || match catch_panic(|| begin()) {
            Ok(()) => alive.0.work(number),
            Err(panic) => alive
                .0
                .refuse(TaskErrorKind::PoolBroken { reason: format!("the initializer {panic}") }),
        });
        started.map(drop)
    }

    /// The state is whole between any two statements that could panic.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs nothing more.
    fn refuse(&self, kind: TaskErrorKind) {
        let mut state = self.state();
        state.is_closed = true;
        let error = state.refusal.get_or_insert_with(|| kind.into()).clone();
        state.pending.fail_all(&error);
        drop(state);
        self.news.notify_all();
        self.callbacks.wake_all();
    }

    /// The body of a thread.
    fn work(&self, number: usize) {
        let mut local = Local::default();
        while let Some(chunk) = self.next(number) {
            local.run(&chunk);
            self.state().running[number] = None;
            drop(chunk);
            self.callbacks.wake_all();
        }
    }

    /// Waits for the next chunk for the thread of this number.
    fn next(&self, number: usize) -> Option<Chunk> {
        let mut state = self.state();
        loop {
            match state.pending.pop_front() {
                Some(chunk) if chunk.job().is_abandoned() => {
                    chunk.fail(&TaskErrorKind::Cancelled.into())
                }
                Some(chunk) => {
                    state.running[number] = Some(Arc::clone(chunk.job()));
                    return Some(chunk);
                }
                None if state.is_over() => return None,
                None => state = self.news.wait(state).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }
}

/// Counts a thread, until it ends in whatever way.
struct Alive(Arc<Threads>);

impl Drop for Alive {
    fn drop(&mut self) {
        let mut alive = self.0.alive.lock();
        alive.value -= 1;
        self.0.alive.notify(&alive);
    }
}

impl Executor for Threads {
    fn parallelism(&self) -> usize {
        self.state().running.len()
    }

    fn max_chunk(&self) -> usize {
        MAX_COUNT
    }

    fn callbacks(&self) -> &Callbacks {
        &self.callbacks
    }

    fn enter(&self, _routine: Routine, options: &Options) -> Result<u32, TaskError> {
        options.refuse_deadline()?;
        let mut state = self.state();
        match &state.refusal {
            Some(error) if error.kind != TaskErrorKind::Cancelled => return Err(error.clone()),
            _ if state.is_closed => return Err(TaskErrorKind::PoolClosed.into()),
            _ => {}
        }
        state.arriving += 1;
        Ok(0)
    }

    fn submit(&self, chunks: Vec<Chunk>) {
        let mut state = self.state();
        match &state.refusal {
            Some(error) => chunks.iter().for_each(|chunk| chunk.fail(error)),
            None => state.pending.extend(chunks),
        }
        drop(state);
        self.news.notify_all();
    }

    fn leave(&self) {
        self.state().arriving -= 1;
        self.news.notify_all();
    }

    fn cancel(&self, job: &Arc<Job>) -> bool {
        let mut state = self.state();
        let is_queued = !job.is_decided(false) && !state.is_at(job);
        if is_queued {
            job.abandon();
        }
        if job.is_abandoned() {
            state.pending.withdraw(job, !is_queued);
        }
        drop(state);
        self.callbacks.wake_all();
        is_queued
    }

    fn is_running(&self, job: &Arc<Job>) -> bool {
        !job.is_decided(false) && self.state().is_at(job)
    }

    fn close(&self) {
        self.state().is_closed = true;
        self.news.notify_all();
    }

    fn is_closed(&self) -> bool {
        self.state().is_closed
    }

    fn terminate(&self) {
        self.refuse(TaskErrorKind::Cancelled);
    }

    fn cancel_pending(&self) {
        self.refuse(TaskErrorKind::Cancelled);
    }

    fn wait_over(&self, deadline: Deadline) -> bool {
        self.alive.wait(deadline, |&alive| alive == 0) && self.callbacks.wait(deadline)
    }
}

impl fmt::Debug for Threads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Threads").field("alive", &self.alive.lock().value).finish_non_exhaustive()
    }
}
