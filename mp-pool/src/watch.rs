//! Waiting for the first of several calls.

use std::collections::VecDeque;

use mp_handle::Deadline;

use crate::monitor::Monitor;

/// Hears of calls as they end, each known by a number.
pub(crate) struct Watch(Monitor<VecDeque<usize>>);

impl Watch {
    pub(crate) fn new() -> Self {
        Self(Monitor::new(VecDeque::new()))
    }

    /// The call of this number has ended.
    pub(crate) fn tell(&self, number: usize) {
        let mut ended = self.0.lock();
        ended.value.push_back(number);
        self.0.notify(&ended);
    }

    /// The first that has ended, and was not asked for yet.
    pub(crate) fn next(&self) -> Option<usize> {
        self.0.lock().value.pop_front()
    }

    /// Whether there is a [`next`](Self::next).
    pub(crate) fn has_next(&self) -> bool {
        !self.0.lock().value.is_empty()
    }

    /// Waits until there is a [`next`](Self::next); false if the deadline comes first.
    pub(crate) fn wait(&self, deadline: Deadline) -> bool {
        self.0.wait(deadline, |ended| !ended.is_empty())
    }
}
