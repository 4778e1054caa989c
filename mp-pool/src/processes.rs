//! The workers of a pool as an executor.

use std::fmt;
use std::sync::Arc;

use mp_handle::Deadline;

use crate::callbacks::Callbacks;
use crate::chunk::Chunk;
use crate::driver::Shared;
use crate::equipment::Gear;
use crate::executor::Executor;
use crate::insight::{Dump, Statistics, Timeline};
use crate::job::Job;
use crate::options::Options;
use crate::run::Routine;
use crate::task_error::{TaskError, TaskErrorKind};

impl Executor for Shared {
    fn parallelism(&self) -> usize {
        self.engine().size()
    }

    fn max_chunk(&self) -> usize {
        self.settings.max_chunk
    }

    fn defaults(&self) -> Options {
        self.settings.defaults
    }

    fn gear(&self) -> Gear {
        self.settings.gear.clone()
    }

    fn callbacks(&self) -> &Callbacks {
        &self.callbacks
    }

    fn enter(&self, routine: Routine, _options: &Options) -> Result<u32, TaskError> {
        if self.is_foreign() {
            // Of the rings that a forked process inherits only one may be the producer.
            return Err(TaskErrorKind::PoolClosed.into());
        }
        self.engine().enter(routine)
    }

    fn submit(&self, chunks: Vec<Chunk>) {
        let is_timed = chunks.first().is_some_and(|chunk| chunk.options().is_timed());
        self.engine().submit(chunks);
        if is_timed {
            // The thread sleeps by the deadlines that it knew.
            self.wake();
        }
    }

    fn leave(&self) {
        self.engine().leave();
    }

    fn cancel(&self, job: &Arc<Job>) -> bool {
        self.engine().cancel(job)
    }

    fn kill(&self, job: &Arc<Job>) -> bool {
        let was_going = self.engine().kill(job);
        self.wake();
        was_going
    }

    fn is_running(&self, job: &Arc<Job>) -> bool {
        !job.is_decided(false) && self.engine().is_at(job)
    }

    fn help(&self, deadline: Deadline, ready: &dyn Fn() -> bool) -> bool {
        self.help(deadline, ready)
    }

    fn sync_output(&self, deadline: Deadline) {
        self.sync_output(deadline);
    }

    fn statistics(&self) -> Statistics {
        self.engine().statistics()
    }

    fn dump(&self) -> Dump {
        self.engine().dump()
    }

    fn timeline(&self) -> Timeline {
        self.engine().timeline()
    }

    fn close(&self) {
        self.engine().close();
        self.wake();
    }

    fn is_closed(&self) -> bool {
        !self.engine().is_running()
    }

    fn terminate(&self) {
        self.engine().terminate();
        self.wake();
    }

    fn cancel_pending(&self) {
        self.engine().cancel_pending();
        self.wake();
    }

    fn wait_over(&self, deadline: Deadline) -> bool {
        self.wait_over(deadline) && self.callbacks.wait(deadline)
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let workers: Vec<_> = self.engine().children().iter().map(|child| child.pid()).collect();
        f.debug_struct("Pool").field("workers", &workers).finish_non_exhaustive()
    }
}
