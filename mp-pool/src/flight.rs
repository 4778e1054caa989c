//! Chunks that are under way, and the results of those that have landed.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use mp_handle::Deadline;
use serde::de::DeserializeOwned;

use crate::error::NotReady;
use crate::executor::Executor;
use crate::job::{Job, Listener};
use crate::task_error::TaskError;
use crate::watch::Watch;

/// Chunks that are under way, each a call of its own, and the results of one that has landed.
pub(crate) struct Flight<R> {
    executor: Arc<dyn Executor>,
    /// By the places of their first items.
    jobs: BTreeMap<usize, Arc<Job>>,
    /// How many items have started.
    started: usize,
    /// Says who has landed, if the order does not count.
    landed: Option<Arc<Watch>>,
    ready: VecDeque<Result<R, TaskError>>,
    /// Items that are under way or ready.
    items: usize,
}

impl<R: DeserializeOwned> Flight<R> {
    pub(crate) fn new(executor: Arc<dyn Executor>, ordered: bool) -> Self {
        let landed = (!ordered).then(|| Arc::new(Watch::new()));
        let (jobs, ready) = (BTreeMap::new(), VecDeque::new());
        Self { executor, jobs, started: 0, landed, ready, items: 0 }
    }

    /// One more has started, with the next items.
    pub(crate) fn push(&mut self, job: Arc<Job>) {
        let first = self.started;
        self.started += job.count();
        self.items += job.count();
        if let Some(landed) = &self.landed
            && job.listen(Listener::Watch(Arc::clone(landed), first)).is_none()
        {
            landed.tell(first);
        }
        self.jobs.insert(first, job);
    }

    /// Whether the next result is there.
    pub(crate) fn is_ready(&self) -> bool {
        !self.ready.is_empty() || self.has_landed()
    }

    fn has_landed(&self) -> bool {
        match &self.landed {
            Some(landed) => landed.has_next(),
            None => self.jobs.first_key_value().is_some_and(|(_, job)| job.is_decided(false)),
        }
    }

    /// Takes the next result, for which it waits; there is none if nothing is under way.
    pub(crate) fn next(
        &mut self,
        deadline: Deadline,
    ) -> Result<Option<Result<R, TaskError>>, NotReady> {
        while self.ready.is_empty() {
            if self.jobs.is_empty() {
                return Ok(None);
            }
            let (first, job) = self.land(deadline).ok_or(NotReady)?;
            let each = (first..).zip(job.each::<R>());
            let each = each.map(|(place, it)| it.map_err(|error| error.at(place)));
            self.ready = each.collect();
        }
        self.items -= 1;
        Ok(self.ready.pop_front())
    }

    /// Waits for the next to land.
    fn land(&mut self, deadline: Deadline) -> Option<(usize, Arc<Job>)> {
        let sleep = || match (&self.landed, self.jobs.first_key_value()) {
            (Some(landed), _) => landed.wait(deadline),
            (None, Some((_, job))) => job.wait(false, deadline),
            (None, None) => false,
        };
        if !self.executor.wait(deadline, &|| self.has_landed(), sleep) {
            return None;
        }
        match &self.landed {
            Some(landed) => landed.next().and_then(|first| self.jobs.remove_entry(&first)),
            None => self.jobs.pop_first(),
        }
    }
}

impl<R> Flight<R> {
    /// How many items have started, and were not taken.
    pub(crate) fn items(&self) -> usize {
        self.items
    }

    /// Gives up what is under way, and forgets what has come.
    pub(crate) fn give_up(&mut self) {
        // First all of them, so that none is begun while others are taken back.
        self.jobs.values().for_each(|job| job.abandon());
        for job in std::mem::take(&mut self.jobs).values() {
            self.executor.cancel(job);
        }
        self.ready.clear();
        self.items = 0;
    }
}

impl<R> Drop for Flight<R> {
    fn drop(&mut self) {
        self.give_up();
    }
}
