//! What the engine notes of its workers and tasks, and tells when it is asked.

use std::collections::VecDeque;
use std::time::Duration;

use mp_process::ExitStatus;

use crate::engine::worker::Worker;
use crate::engine::{Engine, Phase};
use crate::insight::{
    Activity, Bar, Dump, Ending, SlowTask, Statistics, Timeline, Track, WorkerDump,
    WorkerStatistics, note_slow, process_state,
};
use crate::protocol::now;

/// How many workers of the past are kept for the picture of the run.
const PAST: usize = 256;
/// How many of the tasks that wait are named in a dump.
const NEXT: usize = 5;

/// What is kept of tasks and of workers that have ended.
pub(super) struct Records {
    /// When the pool was made, on the monotonic clock.
    began: u64,
    pub(super) received: u64,
    pub(super) lost: u64,
    pub(super) retried: u64,
    /// What workers that have ended had answered.
    finished: u64,
    failed: u64,
    slowest: Vec<SlowTask>,
    /// How many workers there were of each number.
    starts: Vec<u64>,
    past: VecDeque<Track>,
    /// How many more there were.
    forgotten: u64,
}

impl Records {
    pub(super) fn new() -> Self {
        Self {
            began: now(),
            received: 0,
            lost: 0,
            retried: 0,
            finished: 0,
            failed: 0,
            slowest: Vec::new(),
            starts: Vec::new(),
            past: VecDeque::new(),
            forgotten: 0,
        }
    }

    pub(super) fn started(&mut self, id: usize) {
        if self.starts.len() <= id {
            self.starts.resize(id + 1, 0);
        }
        self.starts[id] += 1;
    }

    /// A worker has ended.
    fn ended(&mut self, track: Track) {
        self.finished += track.tasks;
        self.failed += track.failed;
        note_all_slow(&mut self.slowest, &track);
        if self.past.len() == PAST {
            self.past.pop_front();
            self.forgotten += 1;
        }
        self.past.push_back(track);
    }
}

fn note_all_slow(slowest: &mut Vec<SlowTask>, track: &Track) {
    for &(index, took) in &track.slowest {
        let slow = SlowTask { index, duration: Duration::from_nanos(took), pid: track.pid };
        note_slow(slowest, slow, |slow| slow.duration);
    }
}

impl Engine {
    pub(crate) fn statistics(&self) -> Statistics {
        // One moment for all: the figures of a worker are to fit together.
        let (records, now) = (&self.records, now());
        let tracks = || self.workers.iter().map(|worker| &worker.track);
        let mut slowest = records.slowest.clone();
        tracks().for_each(|track| note_all_slow(&mut slowest, track));
        Statistics {
            workers: self.workers.iter().map(|worker| self.statistics_of(worker, now)).collect(),
            received: records.received,
            queued: self.pending.iter().map(|chunk| chunk.count() as u64).sum(),
            given: self.workers.iter().map(Worker::unanswered).sum(),
            finished: records.finished + tracks().map(|track| track.tasks).sum::<u64>(),
            failed: records.failed + tracks().map(|track| track.failed).sum::<u64>(),
            lost: records.lost,
            retried: records.retried,
            restarts: records.starts.iter().map(|starts| starts - 1).sum(),
            slowest,
        }
    }

    fn statistics_of(&self, worker: &Worker, now: u64) -> WorkerStatistics {
        let track = &worker.track;
        let insights = self.config.insights;
        WorkerStatistics {
            id: worker.id,
            pid: track.pid,
            age: Duration::from_nanos(now.saturating_sub(track.started)),
            startup: track.ready.map(|ready| Duration::from_nanos(ready - track.started)),
            tasks: track.tasks,
            failed: track.failed,
            busy: insights.then(|| Duration::from_nanos(track.busy)),
            waiting: insights.then(|| Duration::from_nanos(track.waiting(now))),
            restarts: self.records.starts[worker.id] - 1,
            host: None,
        }
    }

    pub(crate) fn timeline(&self) -> Timeline {
        let past = self.records.past.iter();
        let tracks = past.chain(self.workers.iter().map(|worker| &worker.track)).cloned();
        Timeline::new(tracks.collect(), self.records.began, self.records.forgotten)
    }

    /// Notes the end of a worker, and the task that it was at.
    pub(super) fn note_end(&mut self, worker: &mut Worker, status: ExitStatus) {
        let stopped = matches!(self.phase, Phase::Terminated | Phase::Broken(_));
        let mut track = worker.track.clone();
        let begun = worker.given.front().filter(|_| worker.unfinished().is_some());
        let task = begun.map(|given| given.chunk.first + given.done);
        if let (Some(index), Some((_, start)), true) = (task, worker.begun(), worker.has_reports())
        {
            let end = now();
            let took = end.saturating_sub(start);
            let bar = Bar { start, end, index, tasks: 1, failed: 1, busy: took };
            let busy = track.busy.saturating_add(took);
            track.add(bar, (index, took), busy);
        }
        let ending = if worker.leaving.is_some() || stopped {
            Ending::Left
        } else {
            Ending::Died(status.to_string(), task)
        };
        track.end(ending);
        self.life.ended(&track);
        self.records.ended(track);
    }

    pub(crate) fn dump(&self) -> Dump {
        let state = match &self.phase {
            Phase::Running => "running".to_owned(),
            Phase::Closed => "closed".to_owned(),
            Phase::Terminated => "terminated".to_owned(),
            Phase::Broken(error) => format!("broken ({})", error.kind),
        };
        Dump {
            state,
            workers: self.workers.iter().map(|worker| self.dump_of(worker)).collect(),
            queued: self.pending.iter().map(|chunk| chunk.count() as u64).sum(),
            next: self.pending.iter().take(NEXT).map(|chunk| chunk.first).collect(),
        }
    }

    fn dump_of(&self, worker: &Worker) -> WorkerDump {
        let (activity, begun) = worker.activity();
        let pid = worker.track.pid;
        WorkerDump {
            id: worker.id,
            pid,
            activity,
            since: since(begun),
            given: worker.unanswered(),
            process_state: process_state(pid),
        }
    }
}

fn since(moment: u64) -> Duration {
    Duration::from_nanos(now().saturating_sub(moment))
}

impl Worker {
    /// What it is at, and since when, as far as that is known.
    fn activity(&self) -> (Activity, u64) {
        let seen = self.pace.last();
        if !self.ready {
            return (Activity::Starting, self.track.started);
        }
        if self.condemned.is_some() {
            return (Activity::Killed, seen);
        }
        let Some(given) = self.given.front() else {
            return match self.leaving {
                Some(since) => (Activity::Leaving, since),
                None => (Activity::Idle, seen),
            };
        };
        match self.begun() {
            Some((item, since)) => {
                let activity = Activity::Running(given.chunk.first + item.index as usize);
                let is_timed = self.has_reports() || given.chunk.call().limits().are_set();
                (activity, if is_timed { since } else { seen })
            }
            None => (Activity::Between, seen),
        }
    }
}
