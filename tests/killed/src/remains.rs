//! What may be left over of a performance: processes and descriptors.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};

use crate::operation::{Verdict, ensure};

/// How long the kernel and the dying may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// Counts the descriptors of this process.
pub(crate) fn descriptors() -> usize {
    fs::read_dir("/proc/self/fd").map_or(0, Iterator::count)
}

/// Fails if this process has more descriptors than before, and keeps them: threads of what was
/// dropped may be about to close theirs.
pub(crate) fn no_descriptor_left(before: usize) -> Verdict {
    let end = Instant::now() + PATIENCE;
    loop {
        let now = descriptors();
        if now <= before {
            return Ok(());
        }
        ensure!(Instant::now() < end, "{} descriptors are left over", now - before);
        thread::sleep(Duration::from_micros(200));
    }
}

/// Fails if a child lives on. Orphans of children are children, too: a stage adopts them.
pub(crate) fn no_process_left() -> Verdict {
    let end = Instant::now() + PATIENCE;
    loop {
        match waitpid(None, Some(WaitPidFlag::WNOHANG | WaitPidFlag::__WALL)) {
            Err(Errno::ECHILD) => return Ok(()),
            Ok(WaitStatus::StillAlive) => {
                ensure!(Instant::now() < end, "a process is left over");
                thread::sleep(Duration::from_micros(200));
            }
            Ok(_) => {}
            Err(error) => return Err(format!("cannot look for processes: {error}")),
        }
    }
}
