//! How the items of a call are to be run.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::task_error::{TaskError, TaskErrorKind};

/// How the items of a call are to be run: what an [`Executor`](crate::Executor) is told of the
/// options of a [`Task`](crate::Task).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Options {
    /// How long each item may run.
    pub deadline: Option<Duration>,
    /// By when each item should end by itself.
    pub soft_deadline: Option<SoftDeadline>,
    /// How often an item is given to another worker if its worker was lost.
    pub retries: u32,
    /// Those with a higher one begin first.
    pub priority: i32,
    /// What runs can be [killed](crate::Executor::kill), and nothing but that.
    pub killable: bool,
}

/// When an item is to end by itself, and the signal that tells it so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SoftDeadline {
    /// After how long.
    pub limit: Duration,
    /// What its worker is sent then.
    pub signal: Option<i32>,
}

impl Options {
    /// Whether something is to be done at some time after an item has begun.
    pub(crate) fn is_timed(&self) -> bool {
        self.deadline.is_some() || self.soft_deadline.is_some_and(|soft| soft.signal.is_some())
    }

    /// For executors that cannot stop what they run.
    pub(crate) fn refuse_deadline(&self) -> Result<(), TaskError> {
        let what = "what runs in this process has no deadline and cannot be stopped: use a `Pool`";
        let refused = || Err(TaskErrorKind::unsupported(what).into());
        let is_limited = self.deadline.is_some() || self.soft_deadline.is_some();
        if is_limited { refused() } else { Ok(()) }
    }
}
