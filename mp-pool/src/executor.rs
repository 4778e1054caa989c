//! What runs tasks: the one thing that every call of a pool is written over.
//!
//! A call comes in pieces. It is let in by `enter`, hands in its items by `submit`, chunk by chunk
//! as they are encoded, and says by `leave` that there are no more. The answer of each item goes
//! into the chunk's [`Job`], from any thread and in any order, still encoded: it is decoded by the
//! thread that wants it. All that is handed over are bytes, so an executor may be on any machine
//! that runs the same program.

use std::fmt;
use std::sync::Arc;

use mp_handle::Deadline;

use crate::callbacks::Callbacks;
use crate::chunk::Chunk;
use crate::equipment::Gear;
use crate::insight::{Dump, Statistics, Timeline};
use crate::job::Job;
use crate::options::Options;
use crate::run::Routine;
use crate::task_error::TaskError;

/// What runs tasks: the workers of a [`Pool`](crate::Pool), the threads of a
/// [`ThreadPool`](crate::ThreadPool), the caller's own thread ([`Inline`](crate::Inline)), or what
/// another crate brings, such as a cluster.
///
/// Those who call functions use [`Calls`](crate::Calls), which each of these has; this trait is for
/// those who make an executor.
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
/// use mp_pool::{Calls, Executor, Inline, Pool};
///
/// fn squares(executor: &Arc<dyn Executor>) -> Result<Vec<u32>, mp_pool::TaskError> {
///     executor.map(|n: u32| n * n, 1..=3)
/// }
///
/// mp_process::init();
/// let pool = Pool::new(2)?;
/// assert_eq!(squares(pool.executor())?, [1, 4, 9]);
/// assert_eq!(squares(Inline::new()?.executor())?, [1, 4, 9]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Executor: fmt::Debug + Send + Sync {
    /// How many tasks run at the same time; where that changes, a hint.
    fn parallelism(&self) -> usize;

    /// The most items that it takes in one chunk.
    fn max_chunk(&self) -> usize {
        usize::MAX
    }

    /// How many chunks are to be under way at once where results are taken one by one: more than
    /// run, so that nobody waits for the next.
    fn ahead(&self) -> usize {
        self.parallelism().saturating_mul(2)
    }

    /// What calls have that say nothing else.
    fn defaults(&self) -> Options {
        Options::default()
    }

    /// What it has for the tasks of all calls.
    fn gear(&self) -> Gear {
        Gear::default()
    }

    /// What runs the callbacks of its calls.
    fn callbacks(&self) -> &Callbacks;

    /// Lets a call in. From now on, until [`leave`](Self::leave), it hands in chunks; returns a
    /// number of the executor's own, for the routine.
    ///
    /// # Errors
    ///
    /// Why it takes no calls, or none with these options.
    fn enter(&self, routine: Routine, options: &Options) -> Result<u32, TaskError>;

    /// Takes chunks of a call that was let in. It does not wait until they have run, unless it
    /// has nobody else to run them.
    fn submit(&self, chunks: Vec<Chunk>);

    /// A call that was let in has handed in all it has.
    fn leave(&self) {}

    /// Gives up what has not begun of a call; returns whether all that is left of it was given up,
    /// so that nothing of it runs.
    fn cancel(&self, job: &Arc<Job>) -> bool;

    /// Gives up all of a call, and stops what runs, if that is possible; returns whether it was.
    fn kill(&self, job: &Arc<Job>) -> bool {
        self.cancel(job)
    }

    /// Whether anything of a call runs at the moment.
    fn is_running(&self, job: &Arc<Job>) -> bool;

    /// The caller is about to sleep until `ready`: it may do some of the executor's work for a
    /// moment, until `deadline` at most. Returns whether `ready` became true.
    fn help(&self, _deadline: Deadline, ready: &dyn Fn() -> bool) -> bool {
        ready()
    }

    /// Waits for a moment until that is written which tasks have printed so far: it is to come
    /// before what the caller prints of their results.
    fn sync_output(&self, _deadline: Deadline) {}

    /// Its figures; those that it does not have are zero.
    fn statistics(&self) -> Statistics {
        Statistics::default()
    }

    /// What it is at; nothing if it does not tell.
    fn dump(&self) -> Dump {
        Dump::default()
    }

    /// The run so far; empty if it keeps none.
    fn timeline(&self) -> Timeline {
        Timeline::default()
    }

    /// Takes no more calls, and ends when all that it has taken have ended. Returns at once.
    fn close(&self);

    /// Whether it takes no more calls.
    fn is_closed(&self) -> bool;

    /// Gives up what has not begun, and what has as far as that can be stopped; what has no
    /// answer yet gets [`TaskErrorKind::Cancelled`](crate::TaskErrorKind::Cancelled). Returns at once.
    ///
    /// As it is, it closes the executor: of one that has nothing to give up.
    fn terminate(&self) {
        self.close();
    }

    /// Takes no more calls, and gives up all that has not begun. Returns at once.
    ///
    /// As it is, it closes the executor: of one that has nothing to give up.
    fn cancel_pending(&self) {
        self.close();
    }

    /// Waits until it has ended, after it was closed or terminated; false if the deadline comes
    /// first.
    ///
    /// As it is, it waits for the callbacks: of an executor that has nothing else to end.
    fn wait_over(&self, deadline: Deadline) -> bool {
        self.callbacks().wait(deadline)
    }
}

impl dyn Executor {
    /// Waits until `ready`, for which the caller otherwise does `sleep`; false if the deadline
    /// comes first.
    pub(crate) fn wait(
        &self,
        deadline: Deadline,
        ready: &dyn Fn() -> bool,
        sleep: impl FnOnce() -> bool,
    ) -> bool {
        let is_ready = self.help(deadline, ready) || sleep();
        if is_ready {
            self.sync_output(deadline);
        }
        is_ready
    }
}
