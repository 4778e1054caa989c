//! Starting a process as a copy of this one, which has set everything up.
#![allow(unsafe_code)]

use std::panic::{AssertUnwindSafe, catch_unwind};

use nix::libc;
use nix::sys::prctl;
use nix::sys::signal::Signal;
use nix::unistd::{self, ForkResult, Pid};

/// What a process exits with whose work panicked.
const PANICKED: i32 = 101;

/// Forks; the child ends with the code that `work` returns, and is killed if this process ends.
pub(crate) fn fork(work: impl FnOnce() -> i32) -> nix::Result<Pid> {
    let parent = unistd::getpid();
    // SAFETY: this program has one thread wherever it forks, so the child finds all as it should be.
    match unsafe { unistd::fork() }? {
        ForkResult::Parent { child } => Ok(child),
        ForkResult::Child => {
            let followed = prctl::set_pdeathsig(Signal::SIGKILL);
            let is_alone = followed.is_err() || unistd::getppid() != parent;
            let code = if is_alone { PANICKED } else { catch(work) };
            // SAFETY: ends the process, and runs nothing of the parent's.
            unsafe { libc::_exit(code) }
        }
    }
}

fn catch(work: impl FnOnce() -> i32) -> i32 {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or(PANICKED)
}
