//! What workers may use of the memory.
//!
//! A hard limit holds for what a worker has allocated: the kernel refuses more, and an allocation
//! that fails ends the process in most programs. Memory that it shares, or maps from files, does
//! not count there. So the pool's thread looks, slice by slice, at what is resident, whatever it
//! is, and kills whoever has more. A soft limit is looked at when tasks have ended.

use std::fs;

use mp_handle::SLICE;
use mp_process::{Builder as Process, Limit};

use crate::engine::worker::Worker;
use crate::engine::{Engine, felling};
use crate::protocol::now;

/// What each worker may use, in bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Memory {
    /// Whoever has more is killed.
    pub(crate) hard: Option<u64>,
    /// Whoever has more after a task is replaced.
    pub(crate) soft: Option<u64>,
}

impl Memory {
    /// Limits a process that is to be a worker.
    pub(crate) fn restrict(self, process: Process) -> Process {
        match self.hard {
            Some(limit) => process.limit(Limit::Data, limit),
            None => process,
        }
    }

    /// Whether a worker, which has just answered, is to be replaced.
    pub(super) fn is_outgrown_by(self, worker: &Worker) -> bool {
        let has_more = |limit| resident(worker.child().pid()).is_some_and(|used| used > limit);
        worker.leaving.is_none() && self.soft.is_some_and(has_more)
    }
}

impl Engine {
    /// Kills whoever uses more memory than it may.
    pub(super) fn enforce_memory(&mut self) {
        let Some(limit) = self.config.memory.hard else { return };
        if now().saturating_sub(self.looked_at_memory) < SLICE.as_nanos() as u64 {
            return;
        }
        self.looked_at_memory = now();
        for worker in self.workers.iter_mut().filter(|worker| worker.oversize.is_none()) {
            worker.oversize = resident(worker.child().pid()).filter(|&used| used > limit);
            if worker.oversize.is_some() {
                felling::fell(worker.child());
            }
        }
    }
}

/// How many bytes of a process are in memory.
fn resident(pid: u32) -> Option<u64> {
    let statm = fs::read_to_string(format!("/proc/{pid}/statm")).ok()?;
    let pages: u64 = statm.split(' ').nth(1)?.parse().ok()?;
    Some(pages.saturating_mul(rustix::param::page_size() as u64))
}
