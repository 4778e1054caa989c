//! What workers find around them: their environment, their processors, and how deep they are in
//! pools within pools.

use std::ffi::{OsStr, OsString};

use mp_process::{Builder as Process, Context};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use crate::error::PoolError;

/// Counts the pools around a process. It is inherited by all that a worker starts, by whatever
/// means, which is what a limit has to see.
const DEPTH: &str = "MULTIPROCESS_POOL_DEPTH";

/// How many pools may be around a process by default, that of the process included.
pub(crate) const MAX_DEPTH: u32 = 10;

/// The surroundings of all workers of a pool.
#[derive(Debug)]
pub(crate) struct Surroundings {
    /// How they are started; `None` for how all processes of the program are.
    pub(crate) start: Option<Context>,
    pub(crate) environment: Vec<(OsString, OsString)>,
    /// Worker 0 runs on the first of them, and so on round; on any if there are none.
    pub(crate) cpus: Vec<usize>,
    pub(crate) max_depth: u32,
}

impl Default for Surroundings {
    fn default() -> Self {
        Self { start: None, environment: Vec::new(), cpus: Vec::new(), max_depth: MAX_DEPTH }
    }
}

impl Surroundings {
    pub(crate) fn set(&mut self, name: &OsStr, value: &OsStr) {
        self.environment.push((name.to_owned(), value.to_owned()));
    }

    /// The processor that worker `id` is to run on, if that matters.
    pub(crate) fn cpu_of(&self, id: usize) -> Option<usize> {
        self.cpus.get(id.checked_rem(self.cpus.len())?).copied()
    }

    /// Gives start method and environment to a process that is to be a worker.
    pub(crate) fn surround(&self, mut process: Process) -> Process {
        if let Some(start) = &self.start {
            process = process.start_method(start);
        }
        for (name, value) in &self.environment {
            process = process.env(name, value);
        }
        process.env(DEPTH, (depth() + 1).to_string())
    }

    /// Finds out whether a pool may be made here.
    pub(crate) fn check(&self) -> Result<(), PoolError> {
        if depth() >= self.max_depth {
            return Err(PoolError::TooDeep { limit: self.max_depth });
        }
        let absent = |cpu: &&usize| **cpu >= CpuSet::MAX_CPU;
        match self.cpus.iter().find(absent) {
            Some(&cpu) => Err(PoolError::NoSuchCpu { cpu }),
            None => Ok(()),
        }
    }
}

/// How many pools are around this process.
fn depth() -> u32 {
    std::env::var(DEPTH).ok().and_then(|depth| depth.parse().ok()).unwrap_or(0)
}

/// The processors that this process may use.
pub(crate) fn own_cpus() -> Vec<usize> {
    sched_getaffinity(None)
        .map(|set| (0..CpuSet::MAX_CPU).filter(|&cpu| set.is_set(cpu)).collect())
        .unwrap_or_default()
}

/// Binds this process, which has one thread, to a processor.
pub(crate) fn pin_to(cpu: usize) -> Result<(), String> {
    let mut set = CpuSet::new();
    set.set(cpu);
    sched_setaffinity(None, &set).map_err(|error| format!("cannot run on processor {cpu}: {error}"))
}
