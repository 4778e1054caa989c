//! How a pool takes nothing more, or does nothing more.

#[cfg(feature = "interrupt")]
use crate::chunk::Chunk;
use crate::engine::{Engine, Phase};
use crate::task_error::{TaskError, TaskErrorKind};

impl Engine {
    /// Takes nothing new from now on.
    pub(crate) fn close(&mut self) {
        if self.phase == Phase::Running {
            self.phase = Phase::Closed;
        }
        self.dispatch();
    }

    /// Closes the pool, and cancels what no worker has begun.
    pub(crate) fn cancel_pending(&mut self) {
        self.close();
        self.cancelling = true;
        for worker in &mut self.workers {
            self.pending.restore(worker.take_back());
        }
        self.dispatch();
    }

    /// Stops everything.
    pub(crate) fn terminate(&mut self) {
        if self.is_interrupted() {
            return;
        }
        if !matches!(self.phase, Phase::Broken(_)) {
            self.phase = Phase::Terminated;
        }
        self.stop_all(&TaskErrorKind::Cancelled.into());
    }

    /// Kills the workers, and stands still from now on; returns how many tasks were not done.
    #[cfg(feature = "interrupt")]
    pub(crate) fn interrupt(&mut self) -> usize {
        // What was answered before is an answer.
        self.pump();
        self.look_closely();
        self.interrupted = true;
        self.workers.iter().for_each(|worker| worker.kill());
        let given = self.workers.iter().flat_map(|worker| &worker.given);
        let begun: usize = given.map(|given| given.chunk.count() - given.done).sum();
        begun + self.pending.iter().map(Chunk::count).sum::<usize>()
    }

    /// Whether it stands still, because the program is about to end.
    pub(crate) fn is_interrupted(&self) -> bool {
        self.interrupted
    }

    /// Kills the workers, and gives all that is not answered this error.
    pub(super) fn stop_all(&mut self, error: &TaskError) {
        for worker in &mut self.workers {
            worker.kill();
            // What was answered before is an answer.
            worker.take_last(&mut self.buffer);
            for given in worker.given.drain(..) {
                given.chunk.fail_from(given.done, error);
            }
        }
        self.pending.fail_all(error);
    }
}
