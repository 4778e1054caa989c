//! Where to run: two processes on one processor are another matter than two on two.

use std::fs;

use anyhow::{Context, Result};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use serde::{Deserialize, Serialize};

/// The number of a processor, or none in particular.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Place(Option<usize>);

impl Place {
    /// Wherever the system likes.
    pub(crate) const ANYWHERE: Self = Self(None);

    /// For a peer that pins itself: 0 is anywhere, 1 the first processor.
    pub(crate) fn code(self) -> usize {
        self.0.map_or(0, |cpu| cpu + 1)
    }

    /// Pins the calling thread for good.
    pub(crate) fn stay(self) -> Result<()> {
        if let Some(cpu) = self.0 {
            let mut only = CpuSet::new();
            only.set(cpu);
            sched_setaffinity(None, &only)?;
        }
        Ok(())
    }

    /// Pins the calling thread until the result is dropped.
    pub(crate) fn enter(self) -> Result<Visit> {
        let visit = Visit { home: sched_getaffinity(None)? };
        self.stay()?;
        Ok(visit)
    }
}

/// Remembers where the thread may run otherwise.
#[must_use = "the visit ends when this is dropped"]
pub(crate) struct Visit {
    home: CpuSet,
}

impl Drop for Visit {
    fn drop(&mut self) {
        // The set was the thread's own, and can fail only if all its processors were taken away.
        sched_setaffinity(None, &self.home).ok();
    }
}

/// Where the two sides are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Places {
    pub(crate) here: Place,
    pub(crate) there: Place,
}

impl Places {
    /// Both on the same processor.
    pub(crate) fn one_core() -> Result<Self> {
        let first = Place(allowed()?.first().copied());
        Ok(Self { here: first, there: first })
    }

    /// Each on a core of its own, if the machine has two.
    pub(crate) fn two_cores() -> Result<Self> {
        let allowed = allowed()?;
        let first = *allowed.first().context("no processor")?;
        let other = |cpu: &&usize| **cpu != first && !are_siblings(first, **cpu);
        let second =
            allowed.iter().find(other).or_else(|| allowed.iter().find(|cpu| **cpu != first));
        let second = *second.context("only one processor may be used")?;
        Ok(Self { here: Place(Some(first)), there: Place(Some(second)) })
    }
}

fn allowed() -> Result<Vec<usize>> {
    let set = sched_getaffinity(None)?;
    Ok((0..CpuSet::MAX_CPU).filter(|cpu| set.is_set(*cpu)).collect())
}

/// Tells whether two processors are threads of one core. A machine that does not say has none.
fn are_siblings(first: usize, second: usize) -> bool {
    let core = |cpu: usize| {
        let path = format!("/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list");
        fs::read_to_string(path).ok()
    };
    core(first).is_some_and(|list| Some(list) == core(second))
}
