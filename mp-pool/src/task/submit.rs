//! How a call gets to the engine: encoded, and cut into chunks.

use std::process;
use std::sync::Arc;

use mp_process::{Func, Function};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Task;
use crate::answer::Answer;
use crate::chunk::{Call, Packer};
use crate::driver::Shared;
use crate::job::Job;
use crate::output::TaskOutput;
use crate::run::Run;
use crate::task_error::{TaskError, TaskErrorKind};

impl<F, M> Task<'_, F, M> {
    /// Encodes the items, and hands them to the engine. Each of them will have an answer.
    pub(super) fn submit<A>(mut self, items: Vec<A>) -> Arc<Job>
    where
        F: Function<A>,
        F::Output: TaskOutput<M>,
        A: Serialize + DeserializeOwned,
    {
        let count = items.len();
        let callbacks = self.pool.callbacks.clone();
        let job = Arc::new(Job::new(count, callbacks, self.take_listener(Some(count))));
        match self.enter::<A>() {
            Ok(number) => {
                let mut entered = Entered { pool: &self.pool.shared, job: &job, is_whole: false };
                self.give_out(&job, number, items);
                entered.is_whole = true;
            }
            Err(error) => {
                let mut answers = job.answers();
                (0..count).for_each(|place| answers.put(place, Answer::Failed(error.clone())));
            }
        }
        if self.deadline.is_some() || self.soft.is_some_and(|soft| soft.signal.is_some()) {
            // The thread sleeps by the deadlines that it knew.
            self.pool.shared.wake();
        }
        job
    }

    /// Enters the engine, if the pool can be used here; gives the number by which the engine knows
    /// the function.
    fn enter<A>(&self) -> Result<u32, TaskError>
    where
        F: Function<A>,
        F::Output: TaskOutput<M>,
        A: DeserializeOwned,
    {
        if self.pool.owner != process::id() {
            // Of the rings that a forked process inherits only one may be the producer.
            return Err(TaskErrorKind::PoolClosed.into());
        }
        if let Err(error) = &self.context {
            return Err(error.clone());
        }
        let function = Func::bind(self.function, |f: F, run| Run::all::<F, A, M>(f, run))
            .map_err(TaskErrorKind::ForeignFunction)?;
        self.pool.shared.engine().enter(function)
    }

    /// Encodes the items, and gives each batch to the engine while the next is encoded. An item
    /// that cannot be encoded has its answer at once.
    fn give_out<A: Serialize>(&self, job: &Arc<Job>, function: u32, items: Vec<A>) {
        let size = self.chunk_size.unwrap_or_else(|| items.len().div_ceil(4 * self.pool.workers()));
        let (deadline, retries) = (self.deadline, self.retries);
        let context = self.context.as_ref().ok().cloned().flatten();
        let soft = self.soft;
        let call = Call { job: Arc::clone(job), function, context, deadline, soft, retries };
        let mut packer = Packer::new(call, size.min(self.pool.max_chunk));
        for (place, item) in items.into_iter().enumerate() {
            if let Err(error) = packer.push(place, &item) {
                let reason = format!("the arguments cannot be encoded: {error}");
                job.answers().put(place, Answer::undecodable(reason));
            }
            if packer.is_full() {
                self.pool.shared.engine().submit(packer.take());
            }
        }
        self.pool.shared.engine().submit(packer.take());
    }
}

/// A call that the engine has let in, and that hands in its items.
struct Entered<'a> {
    pool: &'a Shared,
    job: &'a Arc<Job>,
    /// It has handed in all of them.
    is_whole: bool,
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        if !self.is_whole {
            // An item's `Serialize` panics, and nobody will ask for the others.
            self.job.abandon();
            self.pool.engine().forget_abandoned();
        }
        self.pool.engine().leave();
    }
}
