//! The state of a pool: who works on what, and what waits.
//!
//! The engine does nothing by itself and never waits. Whoever has something for it, or wants
//! something of it, locks it and calls it: a caller who submits, a caller who waits for a result,
//! and the pool's own thread (`driver`).

mod burial;
mod cancel;
mod crew;
mod delivery;
mod dispatch;
mod ending;
mod felling;
mod given;
mod intake;
mod limits;
mod memory;
mod pace;
mod records;
mod rest;
mod worker;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use mp_handle::{Bell, Parcel};
use mp_process::Child;

use crate::answer::Answer;
use crate::chunk::Chunk;
use crate::engine::records::Records;
use crate::engine::rest::Pulse;
use crate::engine::worker::Worker;
pub(crate) use crate::engine::{crew::Size, memory::Memory};
use crate::equipment::Equipment;
use crate::error::PoolError;
use crate::life::Life;
use crate::lines::{Lines, Output};
use crate::oom::OomKills;
use crate::pending::Pending;
use crate::run::Routine;
use crate::surroundings::Surroundings;
use crate::task_error::{TaskError, TaskErrorKind};
use crate::worker::Initializer;

/// What a pool was made with.
pub(crate) struct Config {
    pub(crate) size: Size,
    pub(crate) memory: Memory,
    pub(crate) max_tasks_per_child: Option<u64>,
    pub(crate) initializer: Option<(Initializer, Parcel)>,
    /// How long a worker may take until it is ready.
    pub(crate) initializer_timeout: Option<Duration>,
    pub(crate) equipment: Equipment,
    /// How many workers in a row may come to nothing.
    pub(crate) restarts: usize,
    pub(crate) surroundings: Surroundings,
    /// How long a worker may take to exit.
    pub(crate) exit_timeout: Duration,
    /// Where that goes which workers print.
    pub(crate) output: Output,
    /// Workers measure their tasks.
    pub(crate) insights: bool,
}

/// Where a pool is in its life.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Phase {
    Running,
    /// Takes nothing new, and ends when all is done.
    Closed,
    Terminated,
    /// The workers do not live to run a task; the error says what became of the last.
    Broken(TaskError),
}

/// The state of a pool.
pub(crate) struct Engine {
    config: Config,
    bell: Bell,
    lines: Option<Arc<Lines>>,
    phase: Phase,
    /// The program is about to end: nothing happens any more.
    interrupted: bool,
    workers: Vec<Worker>,
    /// How many workers there ought to be: fewer than there may be, if some have left for want of
    /// something to do.
    wanted: usize,
    pending: Pending,
    /// There was a call with a priority of its own.
    has_priorities: bool,
    /// Calls that are still handing in their chunks. A pool that is closed meanwhile takes them.
    arriving: usize,
    /// What no worker has begun is cancelled, and what is on its way too.
    cancelling: bool,
    /// When it must have ended, on the monotonic clock.
    end_by: Option<u64>,
    looked_at_memory: u64,
    /// The functions that tasks have called so far: their numbers, and how they travel.
    numbers: HashMap<Routine, u32>,
    functions: Vec<Vec<u8>>,
    started: usize,
    /// Workers in a row that ended before they were ready.
    unready: usize,
    /// Workers in a row that were ready, and failed by themselves before their first task.
    idle_failures: usize,
    oom_kills: OomKills,
    records: Records,
    pulse: Pulse,
    life: Life,
    /// What finalizers have returned, with the numbers of the workers.
    exit_results: Vec<(usize, Answer)>,
    /// Reused for what rings are drained into.
    buffer: Vec<u8>,
}

impl Engine {
    /// Starts all workers.
    pub(crate) fn new(
        config: Config,
        bell: Bell,
        lines: Option<Arc<Lines>>,
    ) -> Result<Self, PoolError> {
        let life = Life::new(config.size.most);
        let mut engine = Self {
            wanted: config.size.most,
            config,
            bell,
            lines,
            phase: Phase::Running,
            interrupted: false,
            workers: Vec::new(),
            pending: Pending::default(),
            has_priorities: false,
            arriving: 0,
            cancelling: false,
            end_by: None,
            looked_at_memory: 0,
            numbers: HashMap::new(),
            functions: Vec::new(),
            started: 0,
            unready: 0,
            idle_failures: 0,
            oom_kills: OomKills::new(),
            records: Records::new(),
            pulse: Pulse::Stirred,
            life,
            exit_results: Vec::new(),
            buffer: Vec::new(),
        };
        while engine.workers.len() < engine.wanted {
            if let Err(error) = engine.start_worker() {
                engine.terminate();
                return Err(error);
            }
        }
        Ok(engine)
    }

    fn start_worker(&mut self) -> Result<(), PoolError> {
        self.started += 1;
        let name = format!("PoolWorker-{}", self.started);
        let lines = self.lines.as_deref();
        let worker =
            Worker::start(name, self.free_id(), &self.bell, &self.config, lines, &self.life)?;
        self.records.started(worker.id);
        self.life.started(&worker.track);
        self.workers.push(worker);
        Ok(())
    }

    /// The lowest number that no worker has. One that leaves has passed its number on.
    fn free_id(&self) -> usize {
        let is_taken =
            |id| self.workers.iter().any(|worker| worker.id == id && worker.leaving.is_none());
        (0..).find(|&id| !is_taken(id)).unwrap_or_default()
    }

    /// The workers' processes.
    pub(crate) fn children(&self) -> Vec<Child> {
        self.workers.iter().map(|worker| worker.child().clone()).collect()
    }

    /// Lets a call of the function in, which [hands in](Self::submit) its chunks from now on, until
    /// [`leave`](Self::leave); returns the number that stands for the function.
    pub(crate) fn enter(&mut self, routine: Routine) -> Result<u32, TaskError> {
        match &self.phase {
            Phase::Running => {}
            Phase::Closed | Phase::Terminated => return Err(TaskErrorKind::PoolClosed.into()),
            Phase::Broken(error) => return Err(error.clone()),
        }
        let number = self.number_of(routine)?;
        self.arriving += 1;
        Ok(number)
    }

    /// A call that was let in has handed in all it has.
    pub(crate) fn leave(&mut self) {
        self.arriving -= 1;
        if !self.is_running() {
            // It may have been all that workers are kept for.
            self.dispatch();
        }
    }

    fn number_of(&mut self, routine: Routine) -> Result<u32, TaskError> {
        if let Some(&number) = self.numbers.get(&routine) {
            return Ok(number);
        }
        let parcel = Parcel::encode(&routine)
            .map_err(|error| TaskErrorKind::Undecodable { reason: error.to_string() })?;
        let number = self.functions.len() as u32;
        self.functions.push(parcel.bytes().to_vec());
        self.numbers.insert(routine, number);
        Ok(number)
    }

    /// Takes chunks of a call that was let in, and gives out what can be given.
    pub(crate) fn submit(&mut self, chunks: Vec<Chunk>) {
        self.records.received += chunks.iter().map(|chunk| chunk.count() as u64).sum::<u64>();
        let refused = match &self.phase {
            Phase::Running | Phase::Closed => None,
            Phase::Terminated => Some(TaskErrorKind::Cancelled.into()),
            Phase::Broken(error) => Some(error.clone()),
        };
        match refused {
            None => {
                self.overtake(&chunks);
                self.pending.extend(chunks);
            }
            Some(error) => chunks.iter().for_each(|chunk| chunk.fail(&error)),
        }
        self.dispatch();
        self.stir();
    }

    /// Takes what the finalizers of workers have returned so far.
    pub(crate) fn take_exit_results(&mut self) -> Vec<(usize, Answer)> {
        std::mem::take(&mut self.exit_results)
    }

    /// Takes in answers and gives out tasks; returns whether there were any.
    pub(crate) fn pump(&mut self) -> bool {
        if self.is_interrupted() {
            return false;
        }
        let mut answers = 0;
        for worker in &mut self.workers {
            let was_ready = worker.ready;
            match worker.drain(&mut self.buffer) {
                Ok(0) => {}
                Ok(number) => {
                    answers += number;
                    if self.config.memory.is_outgrown_by(worker) {
                        self.pending.extend(worker.take_back());
                        worker.dismiss();
                    }
                }
                // What it has begun is lost, as if it had died; and so it shall.
                Err(_nonsense) => worker.kill(),
            }
            self.life.said(worker.take_said());
            if worker.ready && !was_ready {
                self.unready = 0;
                self.life.ready(&worker.track);
            }
            if worker.answered > 0 {
                self.idle_failures = 0;
            }
        }
        let has_moved = self.dispatch() || answers > 0;
        if has_moved {
            self.stir();
        }
        has_moved
    }

    /// Takes in what workers have answered in part: of many short items they tell together.
    pub(crate) fn look_closely(&mut self) {
        for worker in &mut self.workers {
            if worker.take_draft().is_err() {
                worker.kill();
            }
            self.life.said(worker.take_said());
        }
    }

    /// Takes what has happened so far, to be told when the engine is not locked.
    pub(crate) fn take_life(&mut self) -> Life {
        self.life.take()
    }

    /// Whether the pool has ended, workers included.
    pub(crate) fn is_over(&self) -> bool {
        // One that is closed may have no worker at the moment, and something to do.
        !self.is_running() && self.workers.is_empty() && !self.has_work()
    }

    /// Whether anything waits for a worker, or is about to come.
    fn has_work(&self) -> bool {
        !self.pending.is_empty() || self.arriving > 0 && self.phase == Phase::Closed
    }

    /// Whether it was neither closed nor terminated, nor has given up.
    pub(crate) fn is_running(&self) -> bool {
        self.phase == Phase::Running
    }
}
