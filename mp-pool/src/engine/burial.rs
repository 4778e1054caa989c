//! What is to be done when a worker has died.

use libc::{SIGKILL, SIGTERM};
use mp_process::ExitStatus;

use crate::cause::Cause;
use crate::engine::given::Given;
use crate::engine::worker::Worker;
use crate::engine::{Engine, Phase};
use crate::task_error::{TaskError, TaskErrorKind};

impl Engine {
    /// Looks for workers that have ended, saves what they have answered and what they have not
    /// begun, and starts others in their place.
    pub(crate) fn bury(&mut self) {
        if self.is_interrupted() {
            return;
        }
        let mut at = 0;
        while at < self.workers.len() {
            match self.workers[at].child().exit_status() {
                Some(status) => {
                    let worker = self.workers.remove(at);
                    self.bury_one(worker, status);
                }
                None => at += 1,
            }
        }
        self.replace();
        self.pump();
    }

    fn bury_one(&mut self, mut worker: Worker, status: ExitStatus) {
        // Results that it has left are results. Nonsense is not, and is lost with it.
        worker.take_last(&mut self.buffer);
        self.life.said(worker.take_said());
        let begun = worker.unfinished();
        let timed_out = begun.is_some() && worker.condemned == begun;
        if self.config.equipment.finalizer.is_some() {
            self.exit_results.extend(worker.farewell().map(|answer| (worker.id, answer)));
        }
        let oversize = worker.oversize.zip(self.config.memory.hard);
        let had_task = worker.answered > 0 || begun.is_some();
        let pid = worker.child().pid();
        let (reason, panic) = worker.last_words();
        let stderr = self.take_tail(&worker);
        self.note_end(&mut worker, status);
        let given = std::mem::take(&mut worker.given);
        for (at, given) in given.into_iter().enumerate().rev() {
            let is_lost = at == 0 && begun.is_some();
            let rest = given.done + usize::from(is_lost);
            if rest < given.chunk.count() {
                self.pending.push_front(given.chunk.part(rest..given.chunk.count()));
            }
            if is_lost {
                let kind = match (given.chunk.options().deadline, oversize, &panic) {
                    _ if given.chunk.job().is_abandoned() => TaskErrorKind::Cancelled,
                    (Some(limit), ..) if timed_out => TaskErrorKind::TimedOut { limit },
                    (_, Some((used, limit)), _) => TaskErrorKind::OutOfMemory { used, limit },
                    (.., Some(panic)) => TaskErrorKind::Panicked(Box::new(panic.clone())),
                    _ => {
                        let cause = self.cause_of(status, &stderr);
                        let used = given.chunk.options().retries - given.chunk.retries;
                        let attempts = used.saturating_add(1);
                        TaskErrorKind::WorkerLost { status, cause, attempts }
                    }
                };
                self.lose(&given, TaskError::from(kind).of(pid).saying(&stderr));
            }
        }
        if had_task
            || worker.leaving.is_some()
            || matches!(self.phase, Phase::Terminated | Phase::Broken(_))
        {
            return;
        }
        if !worker.ready {
            self.unready += 1;
        } else if !was_killed(status) {
            self.idle_failures += 1;
        }
        let error = TaskError::from(TaskErrorKind::PoolBroken { reason });
        self.check_restarts(error.of(pid).saying(&stderr));
    }

    /// The end of what a worker that has ended said.
    fn take_tail(&self, worker: &Worker) -> String {
        let tail = worker.stderr_tail();
        if let Some(lines) = &self.lines {
            lines.poke();
        }
        tail
    }

    /// What probably ended a worker, which nobody here has killed.
    fn cause_of(&mut self, status: ExitStatus, stderr: &str) -> Option<Cause> {
        let oom = was_killed(status) && self.oom_kills.has_risen();
        match (Cause::guess(status, stderr, oom), self.config.memory.hard) {
            (Some(Cause::AllocationFailed), Some(limit)) => Some(Cause::MemoryLimit(limit)),
            (cause, _) => cause,
        }
    }

    /// An item was lost with its worker: another try, if it has one, or its error.
    fn lose(&mut self, given: &Given, error: TaskError) {
        if given.chunk.retries > 0 && matches!(error.kind, TaskErrorKind::WorkerLost { .. }) {
            self.records.retried += 1;
            self.life.lost(given.chunk.first + given.done, &error, true);
            let mut item = given.chunk.part(given.done..given.done + 1);
            item.retries -= 1;
            self.pending.push_back(item);
        } else {
            self.records.lost += 1;
            let place = given.chunk.first + given.done;
            self.life.lost(place, &error, false);
            given.chunk.job().fail(place, error);
        }
    }

    /// Starts as many workers as are missing, if there is something for them to do.
    pub(super) fn replace(&mut self) {
        // One that leaves may take its time: it may have children of its own to wait for.
        while self.staying() < self.wanted() {
            if let Err(error) = self.start_worker() {
                // The system may have room again in a moment: the next look is another try. As
                // long as there are other workers, the pool goes on with those.
                if self.workers.is_empty() {
                    self.unready += 1;
                    let reason = error.to_string();
                    self.check_restarts(TaskErrorKind::PoolBroken { reason }.into());
                }
                return;
            }
        }
    }

    /// Gives up if workers come to nothing again and again.
    fn check_restarts(&mut self, error: TaskError) {
        if self.unready.max(self.idle_failures) > self.config.restarts {
            self.life.broken(&error);
            self.stop_all(&error);
            self.phase = Phase::Broken(error);
        }
    }
}

/// Whether somebody has ended the process from outside, for which it can do nothing.
fn was_killed(status: ExitStatus) -> bool {
    matches!(status, ExitStatus::Signaled { signal: SIGKILL | SIGTERM, .. })
}
