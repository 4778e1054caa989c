//! How many workers there are: as many as the pool was made with, or was resized to, but for those
//! that have left because there was nothing for them to do.

use std::time::Duration;

use mp_handle::SLICE;

use crate::engine::worker::Worker;
use crate::engine::{Engine, Phase};
use crate::protocol::now;

/// How many workers a pool may have, and when they leave.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    pub(crate) most: usize,
    /// As many stay also if there is nothing to do.
    pub(crate) least: usize,
    /// After so long, others leave.
    pub(crate) idle_timeout: Option<Duration>,
}

impl Engine {
    /// How many workers there may be.
    pub(crate) fn size(&self) -> usize {
        self.config.size.most
    }

    /// Changes how many workers there are. Whoever is too many leaves when it has done what it has
    /// begun.
    pub(crate) fn resize(&mut self, workers: usize) {
        self.config.size.most = workers;
        self.wanted = workers;
        self.shed();
        self.dispatch();
    }

    /// How many workers there ought to be now.
    pub(super) fn wanted(&self) -> usize {
        match self.phase {
            Phase::Running => self.wanted,
            Phase::Closed if !self.pending.is_empty() => self.wanted.max(1),
            _ => 0,
        }
    }

    pub(super) fn staying(&self) -> usize {
        self.workers.iter().filter(|worker| worker.leaving.is_none()).count()
    }

    /// Calls for workers that have left, if something waits; the pool's thread starts them.
    pub(super) fn call_back(&mut self) {
        let wanted = (self.wanted + self.pending.len()).min(self.config.size.most);
        if !self.pending.is_empty() && wanted > self.wanted {
            self.wanted = wanted;
            self.bell.ring();
        }
    }

    /// Calls for one more worker, if one has something ahead and is at something that takes long;
    /// returns when it is to be started, which is at once.
    pub(super) fn relieve(&mut self) -> Option<Duration> {
        let since = now().saturating_sub(SLICE.as_nanos() as u64);
        let is_stuck = |worker: &Worker| worker.given.len() > 1 && worker.idle_since() < since;
        let calls = self.wanted < self.config.size.most && self.workers.iter().any(is_stuck);
        self.wanted += usize::from(calls);
        calls.then_some(Duration::ZERO)
    }

    /// Starts workers that were called for.
    pub(crate) fn grow(&mut self) {
        if self.wanted() > self.staying() {
            self.replace();
            self.dispatch();
        }
    }

    /// Lets go those who have been idle for long enough; returns how long until that may be true
    /// of another.
    pub(super) fn enforce_idleness(&mut self) -> Option<Duration> {
        let timeout = self.config.size.idle_timeout?;
        let (least, staying) = (self.config.size.least.min(self.size()), self.staying());
        if self.phase != Phase::Running || staying <= least {
            return None;
        }
        let now = now();
        let left = |worker: &Worker| {
            timeout.saturating_sub(Duration::from_nanos(now.saturating_sub(worker.idle_since())))
        };
        let idle = self.workers.iter().filter(|worker| is_idle(worker)).map(left);
        let (over, rest): (Vec<_>, Vec<_>) = idle.partition(Duration::is_zero);
        self.wanted = self.wanted.min(staying.saturating_sub(over.len()).max(least));
        self.shed();
        rest.into_iter().min()
    }

    /// Lets go whoever is too many: those who have nothing to do first, ready for it or not, and
    /// those with the highest numbers.
    pub(super) fn shed(&mut self) {
        while self.phase == Phase::Running && self.staying() > self.wanted {
            let staying = self.workers.iter_mut().filter(|worker| worker.leaving.is_none());
            let Some(worker) = staying.max_by_key(|worker| (worker.given.is_empty(), worker.id))
            else {
                return;
            };
            let back: Vec<_> = worker.take_back().collect();
            worker.dismiss();
            let refused = worker.leaving.is_none();
            back.into_iter().rev().for_each(|chunk| self.pending.push_front(chunk));
            if refused {
                // There is no room in its ring at the moment.
                return;
            }
        }
    }
}

fn is_idle(worker: &Worker) -> bool {
    worker.ready && worker.leaving.is_none() && worker.given.is_empty()
}
