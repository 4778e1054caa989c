//! What the engine does not wait for: tasks beyond their deadline, workers that do not leave, and
//! a pool that has not ended when it should have.

use std::time::Duration;

use crate::engine::worker::Worker;
use crate::engine::{Engine, Phase, felling};
use crate::protocol::now;

impl Engine {
    /// Stops what has taken too long; returns how long until that may be true of something else.
    pub(crate) fn enforce_limits(&mut self) -> Option<Duration> {
        self.oom_kills.refresh();
        self.look_closely();
        self.workers.iter_mut().for_each(Worker::forget_contexts);
        let starts = self.enforce_starts();
        let exits = self.enforce_exits();
        let end = self.enforce_end();
        let idle = self.enforce_idleness();
        let relief = self.relieve();
        self.shed();
        self.enforce_memory();
        let tasks = self.workers.iter_mut().filter_map(enforce_deadlines).min();
        [starts, exits, end, idle, relief, tasks].into_iter().flatten().min()
    }

    /// Sets when a closed pool must have ended.
    pub(crate) fn end_by(&mut self, deadline: u64) {
        self.end_by = Some(self.end_by.map_or(deadline, |earlier| earlier.min(deadline)));
    }

    fn enforce_end(&mut self) -> Option<Duration> {
        let left = left_until(self.end_by?);
        if left.is_zero() && self.phase == Phase::Closed {
            self.terminate();
        }
        (!left.is_zero()).then_some(left)
    }

    /// Kills workers whose initializer takes too long.
    fn enforce_starts(&mut self) -> Option<Duration> {
        let limit = self.config.initializer_timeout?;
        let now = now();
        let starting = self.workers.iter_mut();
        let starting = starting.filter(|worker| !worker.ready && worker.overdue.is_none());
        let left = |worker: &mut Worker| {
            let since = Duration::from_nanos(now.saturating_sub(worker.track.started));
            let left = limit.saturating_sub(since);
            if left.is_zero() {
                worker.overdue = Some(limit);
                felling::fell(worker.child());
            }
            left
        };
        starting.map(left).filter(|left| !left.is_zero()).min()
    }

    /// Kills workers that were told to exit, have nothing to do any more, and do not go.
    fn enforce_exits(&mut self) -> Option<Duration> {
        let patience = self.config.exit_timeout;
        let late = |worker: &Worker| {
            let since = worker.idle_since().max(worker.leaving?);
            let left = patience.saturating_sub(Duration::from_nanos(now().saturating_sub(since)));
            if left.is_zero() {
                worker.kill();
            }
            Some(left)
        };
        let idle = self.workers.iter().filter(|worker| worker.given.is_empty());
        idle.filter_map(late).filter(|left| !left.is_zero()).min()
    }
}

/// What is about to begin, or has just ended, is looked at again after this.
const MOMENT: Duration = Duration::from_millis(1);

/// Stops the item that the worker is at if its time is over, or signals that it should end;
/// returns how long until either may be true.
fn enforce_deadlines(worker: &mut Worker) -> Option<Duration> {
    if worker.condemned.is_some() {
        return None;
    }
    let given = worker.given.front()?;
    let soft = given.chunk.options().soft_deadline;
    let (hard, soft) = (given.limit(), soft.and_then(|soft| soft.signal.zip(Some(soft.limit))));
    if hard.is_none() && soft.is_none() {
        return None;
    }
    let (begun, ran) = match worker.begun() {
        Some((item, since)) => (Some(item), Duration::from_nanos(now().saturating_sub(since))),
        None => (None, Duration::ZERO),
    };
    let left = |limit: Duration| limit.saturating_sub(ran);
    let soft = soft.filter(|_| begun.is_none() || worker.warned != begun);
    if let Some(item) = begun {
        if hard.is_some_and(|limit| left(limit).is_zero()) && worker.condemn(item) {
            return None;
        }
        if let Some((signal, limit)) = soft
            && left(limit).is_zero()
        {
            worker.warn(item, signal);
            return hard.map(left);
        }
    }
    hard.into_iter()
        .chain(soft.map(|(_, limit)| limit))
        .map(left)
        .min()
        .map(|left| left.max(MOMENT))
}

fn left_until(moment: u64) -> Duration {
    Duration::from_nanos(moment.saturating_sub(now()))
}
