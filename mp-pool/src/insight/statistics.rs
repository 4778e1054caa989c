//! The figures of a pool.

use std::sync::Arc;
use std::time::Duration;

/// The figures of a pool at one moment: from [`Pool::statistics`](crate::Pool::statistics).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Statistics {
    /// The workers that live.
    pub workers: Vec<WorkerStatistics>,
    /// Tasks that were handed in.
    pub received: u64,
    /// Tasks that no worker has been given yet.
    pub queued: u64,
    /// Tasks that workers have been given and have not answered yet.
    pub given: u64,
    /// Tasks that workers have answered, well or not.
    pub finished: u64,
    /// Those of the finished that gave an error: returned one, panicked, or could not travel.
    pub failed: u64,
    /// Tasks that were lost with their worker, or stopped at their deadline, and not tried again.
    pub lost: u64,
    /// Tasks that were lost and tried again.
    pub retried: u64,
    /// Workers that were started in place of others.
    pub restarts: u64,
    /// The slowest tasks, the slowest first; none without
    /// [`insights`](crate::Builder::insights).
    pub slowest: Vec<SlowTask>,
}

/// The figures of one worker.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct WorkerStatistics {
    /// Its number among the workers: see [`worker_id`](crate::worker_id).
    pub id: usize,
    /// Its process id.
    pub pid: u32,
    /// How long ago it was started.
    pub age: Duration,
    /// How long it took until it could take tasks, initializer included; `None` if it cannot yet.
    pub startup: Option<Duration>,
    /// Tasks that it has answered.
    pub tasks: u64,
    /// Those of them that gave an error.
    pub failed: u64,
    /// How long it has worked; only with [`insights`](crate::Builder::insights).
    pub busy: Option<Duration>,
    /// How long it has waited since it was ready; only with insights.
    pub waiting: Option<Duration>,
    /// How many workers had this number before.
    pub restarts: u64,
    /// Its machine, if tasks run on several.
    pub host: Option<Arc<str>>,
}

/// A task that took long.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SlowTask {
    /// Its place among the inputs of its call.
    pub index: usize,
    /// How long it took.
    pub duration: Duration,
    /// The process id of the worker that ran it.
    pub pid: u32,
}
