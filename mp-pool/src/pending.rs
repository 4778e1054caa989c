//! What waits for a worker.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use crate::chunk::Chunk;
use crate::job::Job;
use crate::task_error::{TaskError, TaskErrorKind};

/// What waits for a worker: the highest priority first, and in turn within one.
#[derive(Default)]
pub(crate) struct Pending {
    /// Those of the priority zero, which most have.
    normal: VecDeque<Chunk>,
    /// All others; none of these is empty.
    others: BTreeMap<i32, VecDeque<Chunk>>,
}

impl Pending {
    fn lane(&mut self, chunk: &Chunk) -> &mut VecDeque<Chunk> {
        match chunk.options().priority {
            0 => &mut self.normal,
            priority => self.others.entry(priority).or_default(),
        }
    }

    /// Puts one behind those of its priority.
    pub(crate) fn push_back(&mut self, chunk: Chunk) {
        self.lane(&chunk).push_back(chunk);
    }

    /// Puts one back before those of its priority.
    pub(crate) fn push_front(&mut self, chunk: Chunk) {
        self.lane(&chunk).push_front(chunk);
    }

    /// Puts back what was taken back from a worker, in its order.
    pub(crate) fn restore(&mut self, chunks: impl DoubleEndedIterator<Item = Chunk>) {
        chunks.rev().for_each(|chunk| self.push_front(chunk));
    }

    /// The priority that is next, if it is not zero.
    fn special(&self) -> Option<i32> {
        let (&highest, _) = self.others.last_key_value()?;
        (highest > 0 || self.normal.is_empty()).then_some(highest)
    }

    pub(crate) fn front(&self) -> Option<&Chunk> {
        match self.special() {
            None => self.normal.front(),
            Some(priority) => self.others[&priority].front(),
        }
    }

    pub(crate) fn pop_front(&mut self) -> Option<Chunk> {
        let Some(priority) = self.special() else { return self.normal.pop_front() };
        let lane = self.others.get_mut(&priority)?;
        let chunk = lane.pop_front();
        if lane.is_empty() {
            self.others.remove(&priority);
        }
        chunk
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.normal.is_empty() && self.others.is_empty()
    }

    /// What waits, in the order in which it will begin.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Chunk> {
        let highest = self.others.range(1..).rev().flat_map(|(_, lane)| lane);
        let lowest = self.others.range(..0).rev().flat_map(|(_, lane)| lane);
        highest.chain(&self.normal).chain(lowest)
    }

    /// How many wait.
    pub(crate) fn len(&self) -> usize {
        self.normal.len() + self.others.values().map(VecDeque::len).sum::<usize>()
    }

    /// Answers for what waits of a call that was given up. A single item is left in the queue, to
    /// be passed over in its turn: so it takes no longer the more wait. `is_begun` says that the
    /// single item does not wait.
    pub(crate) fn withdraw(&mut self, job: &Arc<Job>, is_begun: bool) {
        if job.count() == 1 {
            if !is_begun && !job.is_decided(false) {
                job.fail(0, TaskErrorKind::Cancelled);
            }
            return;
        }
        let all: Vec<_> = std::iter::from_fn(|| self.pop_front()).collect();
        for chunk in all {
            if Arc::ptr_eq(chunk.job(), job) {
                chunk.fail(&TaskErrorKind::Cancelled.into());
            } else {
                self.push_back(chunk);
            }
        }
    }

    /// Answers for all that waits.
    pub(crate) fn fail_all(&mut self, error: &TaskError) {
        while let Some(chunk) = self.pop_front() {
            chunk.fail(error);
        }
    }
}

impl Extend<Chunk> for Pending {
    fn extend<I: IntoIterator<Item = Chunk>>(&mut self, chunks: I) {
        chunks.into_iter().for_each(|chunk| self.push_back(chunk));
    }
}
