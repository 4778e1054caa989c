//! A bare `fork`: the child shares everything with us until one of both writes.
#![allow(unsafe_code)]

use std::io;

use anyhow::{Result, ensure};
use rustix::process::{Pid, WaitOptions, waitpid};

/// Forks a child that exits at once, and waits for it.
pub(super) fn fork_and_wait() -> Result<()> {
    // SAFETY: the child calls `_exit` and nothing else, which is allowed whatever other threads
    // were doing.
    let pid = match unsafe { libc::fork() } {
        // SAFETY: as above.
        0 => unsafe { libc::_exit(0) },
        pid => pid,
    };
    ensure!(pid > 0, "fork: {}", io::Error::last_os_error());
    waitpid(Pid::from_raw(pid), WaitOptions::empty())?;
    Ok(())
}
