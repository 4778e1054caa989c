//! The options of a call.

use std::time::Duration;

use mp_process::Function;

use super::{Task, Value};
use crate::options::SoftDeadline;
use crate::output::TaskOutput;
use crate::task_error::TaskError;

#[cfg(doc)]
use crate::pool::Pool;

impl<F, M> Task<'_, F, M> {
    /// Sets how many items travel together. The default is such that each worker gets about
    /// four chunks, and a single item where results are taken one by one ([`imap`](Self::imap));
    /// what a worker has not come to goes to others that are idle.
    #[doc(alias = "chunksize")]
    pub fn chunk_size(mut self, items: usize) -> Self {
        self.chunk_size = Some(items);
        self
    }

    /// Sets how long each item may run. Its worker is killed then, and replaced. All processes that
    /// the worker has started are killed with it, also those that have left its process group.
    #[doc(alias = "timeout")]
    pub fn deadline(mut self, limit: Duration) -> Self {
        self.options.deadline = Some(limit);
        self
    }

    /// Sets by when each item should end by itself: it can ask for
    /// [`time_left`](crate::time_left), and whether it is
    /// [over the limit](crate::is_over_soft_limit). Nothing else happens, unless there is a
    /// [`soft_signal`](Self::soft_signal) too; whoever does not heed it meets the
    /// [`deadline`](Self::deadline).
    #[doc(alias = "soft_timeout")]
    #[doc(alias = "soft_time_limit")]
    pub fn soft_deadline(mut self, limit: Duration) -> Self {
        let signal = self.options.soft_deadline.and_then(|soft| soft.signal);
        self.options.soft_deadline = Some(SoftDeadline { limit, signal });
        self
    }

    /// Sets by when each item should end by itself, as [`soft_deadline`](Self::soft_deadline), and
    /// the signal that its worker is sent then. A number that is no signal is not sent.
    ///
    /// It may arrive when the item has just ended: a handler looks at
    /// [`is_over_soft_limit`](crate::is_over_soft_limit) before it stops anything.
    pub fn soft_signal(mut self, limit: Duration, signal: i32) -> Self {
        self.options.soft_deadline = Some(SoftDeadline { limit, signal: Some(signal) });
        self
    }

    /// Sets how often an item is given to another worker if its worker was lost: for tasks that
    /// do no harm when they are begun twice. A deadline or a panic is no such loss.
    pub fn retries(mut self, retries: u32) -> Self {
        self.options.retries = retries;
        self
    }

    /// Sets the priority, which is 0 by default: what has a higher one begins before all that has
    /// a lower one and has not begun; within one, what came first begins first. As long as there
    /// is enough of a higher priority, what has a lower one waits.
    ///
    /// # Examples
    ///
    /// ```
    /// mp_process::init();
    /// let pool = mp_pool::Pool::new(1)?;
    /// let routine = pool.task(|n: u32| n).priority(-1).map_async(0..100);
    /// let urgent = pool.task(|| 7).priority(10).apply(())?;
    /// assert_eq!((urgent, routine.get()?.len()), (7, 100));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn priority(mut self, priority: i32) -> Self {
        self.options.priority = priority;
        self
    }

    /// Sets how many items [`imap`](Self::imap) and the like may have drawn whose results were
    /// not taken; by default twice as many as make a chunk for each worker.
    #[doc(alias = "buffersize")]
    pub fn buffer(mut self, items: usize) -> Self {
        self.buffer = Some(items);
        self
    }

    /// Sets whether [`imap`](Self::imap) gives the results in the order of the items, as it does
    /// by default, or as they come, as [`imap_unordered`](Self::imap_unordered) does. The calls
    /// that give all results at once keep the order in any case.
    pub fn ordered(mut self, ordered: bool) -> Self {
        self.ordered = ordered;
        self
    }

    /// Has `callback` called for each item as it ends, with its place among the inputs, on a
    /// thread of the pool that does nothing else. The last calls may come after the results;
    /// [`Pool::join`] waits for them.
    pub fn on_item<A>(
        mut self,
        callback: impl Fn(usize, Result<&Value<F, A, M>, &TaskError>) + Send + Sync + 'static,
    ) -> Self
    where
        F: Function<A>,
        F::Output: TaskOutput<M>,
    {
        self.on_item = Some(Box::new(move |place, answer| {
            let result = answer.decode::<Value<F, A, M>>(place);
            callback(place, result.as_ref());
        }));
        self
    }
}
