//! To wait until all messages are done.

use std::sync::atomic::Ordering::SeqCst;

use mp_handle::Deadline;

use super::Store;
use super::tasks::{Lost, Tasks};
use crate::primitive::futex_wait;

/// Why not all messages are done.
#[derive(Clone, Copy, Debug)]
pub(crate) enum JoinRefusal {
    TimedOut(u64),
    Lost(Lost),
}

impl Store {
    /// Counts the messages that are in the store, or were taken and are not done.
    pub(crate) fn unfinished(&self) -> u64 {
        let Some(tasks) = &self.tasks else { return 0 };
        // A message is noted before it leaves the store, so the store is looked at first; and if
        // none was put meanwhile, then what is counted last was true for all.
        loop {
            let tail = self.control.tail.load(SeqCst);
            let count = self.len() as u64 + tasks.unfinished();
            if count > 0 || self.control.tail.load(SeqCst) == tail {
                return count;
            }
        }
    }

    /// Counts one message as done; tells whether there was one.
    pub(crate) fn task_done(&self) -> bool {
        let Some(tasks) = &self.tasks else { return false };
        let is_done = tasks.finish_one();
        if is_done && tasks.has_joiner() && self.unfinished() == 0 {
            tasks.wake_joiners();
        }
        is_done
    }

    /// Waits until all messages are done, or somebody is found dead who had some.
    pub(crate) fn join(&self, deadline: Deadline) -> Result<(), JoinRefusal> {
        let Some(tasks) = &self.tasks else { return Ok(()) };
        loop {
            let (futex, expected) = tasks.announce_joiner();
            if self.unfinished() == 0 {
                // Another may be about to sleep, whom the announcement would keep asleep.
                tasks.wake_joiners();
                return Ok(());
            }
            if let Some(lost) = self.bury_one(tasks) {
                return Err(JoinRefusal::Lost(lost));
            }
            if deadline.is_expired() {
                return Err(JoinRefusal::TimedOut(self.unfinished()));
            }
            futex_wait(futex, expected, deadline);
        }
    }

    /// Finds a process that died with messages that it had not done, and counts them as done.
    fn bury_one(&self, tasks: &Tasks) -> Option<Lost> {
        if !tasks.has_dead() {
            return None;
        }
        // It may have died with a note of a message that it did not take. The lock tells.
        let _guard = self.lock_consumers(None).ok()?;
        tasks.bury_one()
    }
}
