//! [`JoinableQueue`]: a queue that knows when all its messages are done.

use std::fmt;
use std::ops::Deref;
use std::time::Duration;

use mp_handle::{Deadline, RegionError};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Queue;
use super::error::{JoinError, TaskDoneError};
use crate::store::{End, JoinRefusal, Settings, Side};

/// A [`Queue`] whose messages are tasks: who got one says when it is done, and others wait until
/// all are.
///
/// A process that dies with tasks it had not done does not make the others wait for ever: whoever
/// [joins](Self::join) is told which process it was, and how many tasks are lost.
///
/// # Examples
///
/// ```
/// use mp_process::spawn;
/// use mp_queue::JoinableQueue;
///
/// fn work(tasks: JoinableQueue<u32>) {
///     while let Ok(_task) = tasks.try_get() {
///         tasks.task_done().unwrap();
///     }
/// }
///
/// mp_process::init();
/// let tasks = JoinableQueue::new()?;
/// tasks.put_many((0..100).collect())?;
/// assert_eq!(tasks.unfinished(), 100);
/// let child = spawn(work, (tasks.clone(),))?;
/// tasks.join()?;
/// assert_eq!(tasks.unfinished(), 0);
/// child.join()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct JoinableQueue<T> {
    queue: Queue<T>,
}

impl<T> JoinableQueue<T> {
    /// Creates a queue without limits.
    ///
    /// # Errors
    ///
    /// Those of [`Queue::new`].
    pub fn new() -> Result<Self, RegionError> {
        Self::create(Settings::default())
    }

    /// Creates a queue of at most `messages` messages, at least one.
    ///
    /// # Errors
    ///
    /// Those of [`Queue::new`].
    pub fn bounded(messages: usize) -> Result<Self, RegionError> {
        Self::create(Settings::default().with_messages(messages))
    }

    fn create(settings: Settings) -> Result<Self, RegionError> {
        Ok(JoinableQueue { queue: Queue::create(Settings { has_tasks: true, ..settings })? })
    }

    /// Says that a message which was got is done.
    ///
    /// It counts for a message that this process got; if there is none, for one of another process,
    /// for which this one may have worked.
    ///
    /// # Errors
    ///
    /// Fails if no message that was got is left to be done.
    pub fn task_done(&self) -> Result<(), TaskDoneError> {
        if self.queue.core.end.task_done() { Ok(()) } else { Err(TaskDoneError) }
    }

    /// Counts the messages that are in the queue, or were got and are not done.
    #[must_use]
    pub fn unfinished(&self) -> u64 {
        self.store().unfinished()
    }

    /// Waits until all messages are done, as long as it takes.
    ///
    /// # Errors
    ///
    /// [`JoinError::ConsumerDied`] if a process died with some that it had not done; to join again
    /// waits for the others.
    pub fn join(&self) -> Result<(), JoinError> {
        self.join_until(Deadline::NEVER)
    }

    /// Returns at once, whether all messages are done or not.
    ///
    /// # Errors
    ///
    /// Those of [`join`](Self::join), and [`JoinError::TimedOut`] if not.
    pub fn try_join(&self) -> Result<(), JoinError> {
        self.join_until(Deadline::now())
    }

    /// Waits up to `timeout` until all messages are done.
    ///
    /// # Errors
    ///
    /// Those of [`join`](Self::join), and [`JoinError::TimedOut`].
    pub fn join_timeout(&self, timeout: Duration) -> Result<(), JoinError> {
        self.join_until(Deadline::after(timeout))
    }

    fn join_until(&self, deadline: Deadline) -> Result<(), JoinError> {
        self.store().join(deadline).map_err(|refusal| match refusal {
            JoinRefusal::TimedOut(unfinished) => JoinError::TimedOut { unfinished },
            JoinRefusal::Lost(lost) => {
                JoinError::ConsumerDied { process: lost.process, lost: lost.count }
            }
        })
    }

    fn store(&self) -> &crate::store::Store {
        &self.queue.core.end.store
    }
}

impl<T> Deref for JoinableQueue<T> {
    type Target = Queue<T>;

    fn deref(&self) -> &Queue<T> {
        &self.queue
    }
}

impl<T> Clone for JoinableQueue<T> {
    fn clone(&self) -> Self {
        JoinableQueue { queue: self.queue.clone() }
    }
}

impl<T> Serialize for JoinableQueue<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.queue.serialize(serializer)
    }
}

impl<'de, T> Deserialize<'de> for JoinableQueue<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let core = End::deserialize(deserializer, Side::Both, true)?.into();
        Ok(JoinableQueue { queue: Queue { core } })
    }
}

impl<T> fmt::Debug for JoinableQueue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinableQueue")
            .field("len", &self.len())
            .field("unfinished", &self.unfinished())
            .finish_non_exhaustive()
    }
}
