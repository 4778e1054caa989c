//! How a call gets to the executor: encoded, and cut into chunks.

use std::any::type_name;
use std::sync::Arc;

use mp_handle::Flat;
use mp_process::Function;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Task;
use crate::answer::Answer;
use crate::chunk::Call;
use crate::context::Context;
use crate::executor::Executor;
use crate::job::{Job, OnItem};
use crate::options::Options;
use crate::output::TaskOutput;
use crate::packer::{Packer, cut};
use crate::run::Routine;
use crate::task_error::{TaskError, TaskErrorKind};

/// A function on its way to an executor, and how it is to be called: what is left of a [`Task`]
/// when its types are known.
pub(crate) struct Feed {
    pub(crate) executor: Arc<dyn Executor>,
    /// The function, and the value that its tasks share.
    what: Result<(Routine, Option<Arc<Context>>), TaskError>,
    name: &'static str,
    options: Options,
}

impl<F, M> Task<'_, F, M> {
    pub(super) fn feed<A>(&self) -> Feed
    where
        F: Function<A>,
        F::Output: TaskOutput<M>,
        A: DeserializeOwned,
    {
        let routine = Routine::new::<F, A, M>(self.function)
            .map_err(|error| TaskError::from(TaskErrorKind::ForeignFunction(error)));
        let what = self.context.clone().and_then(|context| Ok((routine?, context)));
        let (executor, name) = (Arc::clone(self.executor), type_name::<F>());
        Feed { executor, what, name, options: self.options }
    }

    /// Encodes the items, and hands them to the executor. Each of them will have an answer.
    pub(super) fn hand_in<A>(mut self, items: Vec<A>) -> Arc<Job>
    where
        F: Function<A>,
        F::Output: TaskOutput<M>,
        A: Serialize + DeserializeOwned,
    {
        let parts = 4 * self.executor.parallelism();
        let size = self.chunk_size.unwrap_or_else(|| items.len().div_ceil(parts.max(1)));
        let on_item = self.take_listener(Some(items.len()));
        self.feed::<A>().submit(items, size, on_item)
    }
}

impl Feed {
    /// Encodes the items, and hands them to the executor in chunks of up to `size`. Each of them
    /// will have an answer.
    pub(crate) fn submit<A: Serialize>(
        &self,
        items: Vec<A>,
        size: usize,
        on_item: Option<OnItem>,
    ) -> Arc<Job> {
        let callbacks = self.executor.callbacks().clone();
        let job = Arc::new(Job::new(items.len(), callbacks, on_item));
        match self.enter(&job) {
            Ok(call) => {
                let mut entered = Entered { executor: &*self.executor, job: &job, is_whole: false };
                self.give_out(call, size, items);
                entered.is_whole = true;
            }
            Err(error) => (0..items.len()).for_each(|place| job.fail(place, error.clone())),
        }
        job
    }

    /// Has the executor let the call in.
    fn enter(&self, job: &Arc<Job>) -> Result<Call, TaskError> {
        let (routine, context) = self.what.clone()?;
        let function = self.executor.enter(routine, &self.options)?;
        let (name, options) = (self.name, self.options);
        Ok(Call { job: Arc::clone(job), routine, name, function, context, options })
    }

    /// Encodes the items, and gives each batch to the executor while the next is encoded. An item
    /// that cannot be encoded has its answer at once.
    fn give_out<A: Serialize>(&self, call: Call, size: usize, items: Vec<A>) {
        let size = size.min(self.executor.max_chunk());
        if let Some(flat) = Flat::<A>::new() {
            let batches = cut(&call, size, flat.bytes(&items), flat.size());
            return batches.for_each(|chunks| self.executor.submit(chunks));
        }
        let job = Arc::clone(&call.job);
        let mut packer = Packer::new(call, size);
        for (place, item) in items.into_iter().enumerate() {
            if let Err(error) = packer.push(place, &item) {
                let reason = format!("the arguments cannot be encoded: {error}");
                job.put(place, Answer::undecodable(reason));
            }
            if packer.is_full() {
                self.executor.submit(packer.take());
            }
        }
        self.executor.submit(packer.take());
    }
}

/// A call that the executor has let in, and that hands in its items.
struct Entered<'a> {
    executor: &'a dyn Executor,
    job: &'a Arc<Job>,
    /// It has handed in all of them.
    is_whole: bool,
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        if !self.is_whole {
            // An item's `Serialize` panics, and nobody will ask for the others.
            self.job.abandon();
            self.executor.cancel(self.job);
        }
        self.executor.leave();
    }
}
