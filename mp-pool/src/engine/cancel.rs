//! How a call, or all that has not begun, is given up.

use std::sync::Arc;

use crate::engine::Engine;
use crate::engine::given::Given;
use crate::engine::worker::Worker;
use crate::job::Job;

impl Engine {
    /// Gives up what has not begun of a call; returns whether all that is left of it was given up.
    pub(crate) fn cancel(&mut self, job: &Arc<Job>) -> bool {
        self.take_back_of(job);
        let is_queued = !job.is_decided(false) && !self.is_at(job);
        if is_queued {
            job.abandon();
        }
        if job.is_abandoned() {
            self.pending.withdraw(job, !is_queued);
        }
        self.dispatch();
        is_queued
    }

    /// Gives up all of a call that can be killed, with the worker that is at it; returns whether
    /// it had not ended.
    pub(crate) fn kill(&mut self, job: &Arc<Job>) -> bool {
        if self.cancel(job) {
            return true;
        }
        let is_killable = |given: &Given| is_of(given, job) && given.chunk.options().killable;
        if !self.workers.iter().any(|worker| worker.given.iter().any(is_killable)) {
            return false;
        }
        // From now on it is over its time, as it were.
        job.abandon();
        self.enforce_limits();
        true
    }

    /// Whether a worker is at this call.
    pub(crate) fn is_at(&self, job: &Arc<Job>) -> bool {
        self.workers.iter().any(|worker| is_at(worker, job))
    }

    /// Takes back what workers have ahead of this call.
    fn take_back_of(&mut self, job: &Arc<Job>) {
        for at in 0..self.workers.len() {
            if self.workers[at].given.iter().any(|given| is_of(given, job)) {
                let back = self.workers[at].take_back();
                self.pending.restore(back);
            }
        }
    }
}

fn is_of(given: &Given, job: &Arc<Job>) -> bool {
    Arc::ptr_eq(given.chunk.job(), job)
}

/// Whether a worker has claimed a chunk of this call, and not answered all of it.
fn is_at(worker: &Worker, job: &Arc<Job>) -> bool {
    worker.given.iter().any(|given| is_of(given, job) && worker.has_claimed(given))
}
