//! Who gets which task.

use crate::chunk::Chunk;
use crate::engine::Engine;
use crate::engine::delivery::Refused;
use crate::engine::worker::Worker;
use crate::task_error::TaskErrorKind;

impl Engine {
    /// Gives out what waits, as far as workers can take it; returns whether it gave anything.
    ///
    /// It goes round the workers, a chunk to each, so that few tasks are spread widely.
    pub(super) fn dispatch(&mut self) -> bool {
        if self.is_interrupted() {
            return false;
        }
        if self.cancelling {
            self.pending.fail_all(&TaskErrorKind::Cancelled.into());
        }
        loop {
            if self.round(|_| true) {
                continue;
            }
            // What is taken back is for the idle: whom it was taken from would take it again.
            let idle = |worker: &Worker| worker.given.is_empty();
            if !(self.share_out() && self.round(idle)) {
                break;
            }
        }
        let mut gave = false;
        for worker in &mut self.workers {
            gave |= worker.notify();
        }
        self.dismiss();
        self.call_back();
        gave
    }

    /// Gives a chunk to each worker that is `meant` and may have one; tells whether any got one.
    fn round(&mut self, meant: impl Fn(&Worker) -> bool) -> bool {
        let mut gave = false;
        for at in 0..self.workers.len() {
            gave |= meant(&self.workers[at]) && self.give_next(at);
        }
        gave
    }

    /// Gives the next chunk to this worker, if it may have one.
    fn give_next(&mut self, at: usize) -> bool {
        let worker = &mut self.workers[at];
        while let Some(chunk) = self.pending.pop_front() {
            if chunk.job().is_abandoned() {
                chunk.fail(&TaskErrorKind::Cancelled.into());
                continue;
            }
            if !may_take(worker, chunk.count(), self.config.max_tasks_per_child) {
                self.pending.push_front(chunk);
                return false;
            }
            match worker.give(&chunk, &self.functions) {
                Ok(()) => {
                    worker.note(chunk);
                    return true;
                }
                Err(Refused::Full) => {
                    self.pending.push_front(chunk);
                    return false;
                }
                Err(Refused::Spoilt) => {
                    worker.kill();
                    self.pending.push_front(chunk);
                    return false;
                }
                Err(Refused::Never(reason)) => {
                    let reason = format!("the arguments cannot be sent: {reason}");
                    chunk.fail(&TaskErrorKind::Undecodable { reason }.into());
                }
            }
        }
        false
    }

    /// If a worker is idle while another has chunks ahead, takes those back to be given anew.
    fn share_out(&mut self) -> bool {
        if !self.pending.is_empty() {
            return false;
        }
        let workers = self.workers.iter().enumerate();
        let Some((richest, worker)) = workers.max_by_key(|(_, worker)| worker.given.len()) else {
            return false;
        };
        let Some(largest) = worker.given.iter().skip(1).map(|given| given.chunk.count()).max()
        else {
            return false;
        };
        let most = self.config.max_tasks_per_child;
        let idle = |worker: &Worker| worker.given.is_empty() && may_take(worker, largest, most);
        if !self.workers.iter().any(idle) {
            return false;
        }
        let back = self.workers[richest].take_back();
        self.pending.restore(back);
        !self.pending.is_empty()
    }

    /// Takes back what workers have ahead if some of these come before it.
    pub(super) fn overtake(&mut self, chunks: &[Chunk]) {
        let Some(priority) = chunks.first().map(|chunk| chunk.options().priority) else { return };
        self.has_priorities |= priority != 0;
        if !self.has_priorities {
            return;
        }
        for worker in &mut self.workers {
            let mut ahead = worker.given.iter().skip(1);
            if ahead.any(|given| given.chunk.options().priority < priority) {
                let back = worker.take_back();
                self.pending.restore(back);
            }
        }
    }

    /// Lets go the workers that have had as many tasks as they may, and all of them at the end.
    fn dismiss(&mut self) {
        // As long as something may come back from a dead worker, the others are needed.
        let over = !self.is_running()
            && !self.has_work()
            && self.workers.iter().all(|worker| worker.given.is_empty());
        let most = self.config.max_tasks_per_child;
        // A worker that must not take what is next is of no use any more.
        let next = self.pending.front().map_or(1, |chunk| chunk.count() as u64);
        for worker in &mut self.workers {
            let full = most.is_some_and(|most| worker.accepted + next > most);
            if over || full && worker.given.is_empty() {
                worker.dismiss();
            }
        }
    }
}

/// Whether a worker may be given `count` items more.
fn may_take(worker: &Worker, count: usize, most: Option<u64>) -> bool {
    worker.ready
        && worker.leaving.is_none()
        && worker.condemned.is_none()
        && most.is_none_or(|most| worker.accepted + count as u64 <= most)
        && (worker.given.len() < 2 || worker.unanswered() < worker.pace.ahead())
}
