//! [`Zombie`]: a victim when it is dead.

use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

/// A dead victim whose number is not free yet.
#[derive(Debug)]
pub(crate) struct Zombie {
    pub(crate) pid: Pid,
    pub(crate) parent: Option<Pid>,
    /// Its status was taken when it ended.
    pub(crate) is_seen: bool,
}

impl Zombie {
    /// Takes its status. If it has a parent, that gets it too; returns whether it made good of it.
    pub(crate) fn reap(self) -> nix::Result<bool> {
        if !self.is_seen {
            waitpid(self.pid, Some(WaitPidFlag::__WALL))?;
        }
        self.parent.map_or(Ok(true), has_succeeded)
    }

    /// Tells whether somebody else waits for its status.
    pub(crate) fn has_parent(&self) -> bool {
        self.parent.is_some()
    }
}

/// Waits for the end of a process; returns whether that was in order.
pub(crate) fn has_succeeded(pid: Pid) -> nix::Result<bool> {
    Ok(waitpid(pid, None)? == WaitStatus::Exited(pid, 0))
}
