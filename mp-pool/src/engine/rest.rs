//! When the pool's thread may sleep for long: if nobody is at work, and nothing is due.
//!
//! While there is work, the thread looks around every [`SLICE`](mp_handle::SLICE): a worker may be
//! frozen between an answer and its ring, or be at an item for longer than others should wait
//! behind it. If there is none, then all that can happen tells of itself: a worker's death by its
//! pidfd, and what a caller wants by the bell.
//!
//! ```text
//! thread                                    caller, with the engine locked
//! T1  arm the bell                          C1  hand in work
//! T2  lock; if all is quiet: Resting        C2  Resting? then Stirred, and ring
//! T3  poll, for at most a REST
//! ```
//!
//! No work is overlooked: the lock makes either C1 come before T2, which then finds work, or T2
//! before C2, which then finds the thread `Resting`; and that it is only while the bell is armed, or
//! has rung already. Only a worker gone mad can reach the bell's word. It keeps the thread from
//! hearing for a `REST`, no longer.
//!
//! To be woken costs the caller a system call. So the thread does not rest before a whole slice went
//! by in which nothing happened: of many calls in a row, the first alone pays.

use std::mem;

use crate::engine::{Engine, Phase};

/// Whether anything has happened lately.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pulse {
    /// Since the thread looked last.
    Stirred,
    /// Not since then.
    Calm,
    /// The thread counts on being woken.
    Resting,
}

impl Engine {
    /// Something has happened: the thread is not to rest.
    pub(super) fn stir(&mut self) {
        if mem::replace(&mut self.pulse, Pulse::Stirred) == Pulse::Resting {
            self.bell.ring();
        }
    }

    /// Whether the thread, which has armed the bell, may sleep until it is woken.
    pub(crate) fn may_rest(&mut self) -> bool {
        self.pulse = match self.pulse {
            Pulse::Calm | Pulse::Resting if self.is_quiet() => Pulse::Resting,
            _ => Pulse::Calm,
        };
        self.pulse == Pulse::Resting
    }

    /// Whether nobody is at work, and nobody comes, leaves, or has to be looked after.
    fn is_quiet(&self) -> bool {
        self.phase == Phase::Running
            && self.pending.is_empty()
            && self.config.memory.hard.is_none()
            && self.wanted() == self.workers.len()
            && self
                .workers
                .iter()
                .all(|worker| worker.ready && worker.leaving.is_none() && worker.given.is_empty())
    }
}
