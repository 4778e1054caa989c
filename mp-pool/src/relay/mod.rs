//! Calls that go on to another executor, in another process: what an executor that carries tasks to
//! other machines needs on both sides.
//!
//! A [`Chunk`](crate::Chunk) goes as its [`Order`], the lengths of its items and their bytes, by
//! whatever means; there [`relay`](../trait.Executor.html#method.relay) has it run. The answers
//! come back in one piece: [`Job::encode`](crate::Job::encode) makes it, and
//! [`Job::put_encoded`](crate::Job::put_encoded) takes it.

mod answers;
mod span;

use std::sync::Arc;

use mp_handle::Parcel;
use serde::{Deserialize, Serialize};

pub use self::answers::{Malformed, encode_failure};
pub(crate) use self::answers::{Outgoing, errors, spans};
pub(crate) use self::span::Span;

use crate::chunk::{Call, Chunk, MAX_COUNT};
use crate::context::Context;
use crate::executor::Executor;
use crate::job::{Job, Listener};
use crate::options::Options;
use crate::run::Routine;
use crate::task_error::{TaskError, TaskErrorKind};
use crate::travel::Lengths;

/// What is to be called for each item of a chunk, and how: what goes beside the bytes of the items.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Order {
    /// What is to be called.
    pub routine: Routine,
    /// How.
    pub options: Options,
}

impl Order {
    /// The order that goes with a chunk.
    #[must_use]
    pub fn of(chunk: &Chunk) -> Self {
        Self { routine: chunk.routine(), options: *chunk.options() }
    }
}

impl dyn Executor {
    /// Runs a chunk that was encoded elsewhere, by a process whose functions may travel to this one:
    /// of the same family, or of [friends](mp_process::befriend). `table` has the
    /// [lengths](Chunk::table) of the items, `context` is the value that they share.
    ///
    /// `done` is called when all items have an answer, by a thread of the executor that holds its
    /// locks: it is to do no more than to hand the job on, to who [encodes](Job::encode) the
    /// answers.
    ///
    /// # Errors
    ///
    /// The executor takes no calls, or the table is not that of the items.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::{Arc, mpsc};
    /// use mp_pool::{Calls, Callbacks, Chunk, Executor, Job, Options, Order, Pool, Routine, TaskError};
    ///
    /// /// Has a pool run what it is given, by way of bytes.
    /// #[derive(Debug)]
    /// struct Carrier(Pool, Callbacks);
    ///
    /// impl Executor for Carrier {
    ///     fn parallelism(&self) -> usize {
    ///         2
    ///     }
    ///     fn callbacks(&self) -> &Callbacks {
    ///         &self.1
    ///     }
    ///     fn enter(&self, _: Routine, _: &Options) -> Result<u32, TaskError> {
    ///         Ok(0)
    ///     }
    ///     fn submit(&self, chunks: Vec<Chunk>) {
    ///         for chunk in chunks {
    ///             let order = Order::of(&chunk);
    ///             let (table, items) = (chunk.table().to_vec(), chunk.bytes().to_vec());
    ///             let (sender, done) = mpsc::channel();
    ///             let hand_on = move |job| sender.send(job).unwrap();
    ///             self.0.executor().relay(&order, None, table, items, hand_on).unwrap();
    ///             let answers = done.recv().unwrap().encode().unwrap();
    ///             chunk.job().put_encoded(chunk.places(), answers.bytes(), &"here".into()).unwrap();
    ///         }
    ///     }
    ///     fn cancel(&self, _: &Arc<Job>) -> bool {
    ///         false
    ///     }
    ///     fn is_running(&self, job: &Arc<Job>) -> bool {
    ///         !job.is_over()
    ///     }
    ///     fn close(&self) {}
    ///     fn is_closed(&self) -> bool {
    ///         false
    ///     }
    /// }
    ///
    /// mp_process::init();
    /// let carrier = Carrier(Pool::new(2)?, Callbacks::start()?);
    /// let pool = Pool::with(Arc::new(carrier) as Arc<dyn Executor>);
    /// assert_eq!(pool.map(|n: u32| n * n, 0..5)?, [0, 1, 4, 9, 16]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn relay(
        &self,
        order: &Order,
        context: Option<Arc<Context>>,
        table: Vec<u8>,
        items: Vec<u8>,
        done: impl FnOnce(Arc<Job>) + Send + 'static,
    ) -> Result<Arc<Job>, TaskError> {
        let count = table.len() / 4;
        let is_whole = table.len().is_multiple_of(4)
            && (1..=MAX_COUNT).contains(&count)
            && Lengths::Table(&table).iter().try_fold(0, usize::checked_add) == Some(items.len());
        if !is_whole {
            let reason = "a table that is not that of the items";
            return Err(TaskErrorKind::undecodable(reason).into());
        }
        let Order { routine, options } = *order;
        let function = self.enter(routine, &options)?;
        let job = Arc::new(Job::relayed(count, self.callbacks().clone()));
        job.listen(Listener::Relay(Box::new(done)));
        let name = "a function of another process";
        let call = Call { job: Arc::clone(&job), routine, name, function, context, options };
        let items = Parcel::from_parts(items, Vec::new());
        self.submit(vec![Chunk::relayed(call, table, items)]);
        self.leave();
        Ok(job)
    }
}
