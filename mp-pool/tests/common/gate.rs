//! A flag that tasks and their callers share.

use std::sync::atomic::{AtomicU32, Ordering};

use mp_handle::{Kind, Region};
use serde::{Deserialize, Serialize};

/// A number in shared memory, from 0 up: to wait for what happens in other processes.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Gate(Region);

impl Gate {
    pub(crate) fn new() -> Self {
        Self(Region::create(Kind::new(1000, "gate"), 0, 64).unwrap())
    }

    fn word(&self) -> &AtomicU32 {
        self.0.atomic_u32(0).unwrap()
    }

    /// Counts one more.
    pub(crate) fn step(&self) -> u32 {
        self.word().fetch_add(1, Ordering::AcqRel) + 1
    }

    pub(crate) fn steps(&self) -> u32 {
        self.word().load(Ordering::Acquire)
    }

    /// Waits until so many steps were counted.
    pub(crate) fn wait(&self, steps: u32) {
        while self.steps() < steps {
            std::thread::yield_now();
        }
    }
}
