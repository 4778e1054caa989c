//! What a process shares with others, and whether that has changed.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;

use nix::unistd::Pid;

/// So much of each mapping is looked at: the words by which processes meet come first in it.
const LOOKED_AT: u64 = 16 << 10;

/// The memory that a process shares, as it was at the last look.
#[derive(Debug)]
pub(crate) struct Shared {
    memory: File,
    /// Where each mapping begins, and what was there.
    mappings: Vec<(u64, Vec<u8>)>,
}

impl Shared {
    /// Looks at what the process has mapped now.
    pub(crate) fn of(pid: Pid) -> io::Result<Shared> {
        let memory = File::open(format!("/proc/{pid}/mem"))?;
        let maps = fs::read_to_string(format!("/proc/{pid}/maps"))?;
        let mappings = maps.lines().filter_map(mapping).collect();
        let mut shared = Shared { memory, mappings };
        shared.has_changed();
        Ok(shared)
    }

    /// Looks again; returns whether anything is not as it was.
    pub(crate) fn has_changed(&mut self) -> bool {
        let mut now = [0; LOOKED_AT as usize];
        let mut has_changed = false;
        for (start, before) in &mut self.mappings {
            // There is nothing beyond the end of a file, though it is mapped.
            let readable = self.memory.read_at(&mut now[..before.len()], *start).unwrap_or(0);
            if before[..readable] != now[..readable] {
                before[..readable].copy_from_slice(&now[..readable]);
                has_changed = true;
            }
        }
        has_changed
    }
}

/// Reads a line of `/proc/PID/maps`, if it is of memory that is shared and can be written.
fn mapping(line: &str) -> Option<(u64, Vec<u8>)> {
    let mut columns = line.split(' ');
    let (start, end) = columns.next()?.split_once('-')?;
    let [start, end] = [start, end].map(|address| u64::from_str_radix(address, 16));
    let (start, end) = (start.ok()?, end.ok()?);
    let is_shared = columns.next()?.starts_with("rw-s");
    is_shared.then(|| (start, vec![0; (end - start).min(LOOKED_AT) as usize]))
}
