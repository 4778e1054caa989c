//! What a process and its children use, as `/proc` tells it.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};

/// Bytes of memory.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Memory {
    /// A page that several share counts for each in part.
    pub(super) proportional: u64,
    /// Only pages that nobody shares.
    pub(super) private: u64,
}

/// All that descend from `pid`.
pub(super) fn descendants(pid: u32) -> Result<Vec<u32>> {
    let mut parents = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let Ok(child) = entry?.file_name().to_string_lossy().parse::<u32>() else { continue };
        // It may have ended meanwhile.
        let Ok(stat) = fs::read_to_string(format!("/proc/{child}/stat")) else { continue };
        // The name before it may contain anything.
        let fields = stat.rsplit_once(')').context("stat")?.1;
        let parent = fields.split_whitespace().nth(1).context("stat")?;
        parents.push((child, parent.parse::<u32>()?));
    }
    let mut found = vec![pid];
    let mut next = 0;
    while let Some(&parent) = found.get(next) {
        found.extend(parents.iter().filter(|(_, its)| *its == parent).map(|(child, _)| child));
        next += 1;
    }
    Ok(found.split_off(1))
}

/// The time that all threads of a process have run.
pub(super) fn processor_time(pid: u32) -> Result<Duration> {
    let mut nanos = 0;
    for thread in fs::read_dir(format!("/proc/{pid}/task"))? {
        let schedule = fs::read_to_string(thread?.path().join("schedstat"))?;
        nanos += schedule.split_whitespace().next().context("schedstat")?.parse::<u64>()?;
    }
    Ok(Duration::from_nanos(nanos))
}

/// The memory of a process.
pub(super) fn memory(pid: u32) -> Result<Memory> {
    let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
    let mut memory = Memory::default();
    for line in rollup.lines() {
        let mut words = line.split_whitespace();
        let (Some(name), Some(kib)) = (words.next(), words.next()) else { continue };
        match name {
            "Pss:" => memory.proportional += kib.parse::<u64>()? << 10,
            "Private_Clean:" | "Private_Dirty:" => memory.private += kib.parse::<u64>()? << 10,
            _ => {}
        }
    }
    Ok(memory)
}
