//! [`Partner`]: a process that holds something, or waits for something, beside the victim.

use std::thread;
use std::time::Duration;

use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid, waitpid};
use nix::unistd::Pid;

use crate::fork::fork;
use crate::notes::Notes;
use crate::operation::Verdict;
use crate::victim::is_asleep;

/// How often a process looks for what another one does.
const LOOK: Duration = Duration::from_micros(50);

/// A forked process, to be joined by the check.
#[derive(Debug)]
pub(crate) struct Partner {
    pid: Pid,
    /// Its own: that it is ready, and that it may go on.
    notes: Notes,
}

impl Partner {
    /// Starts it; it fails if `work` does.
    pub(crate) fn start(work: impl FnOnce() -> Verdict) -> Partner {
        Partner::noting(Notes::new(), work)
    }

    fn noting(notes: Notes, work: impl FnOnce() -> Verdict) -> Partner {
        let run = || match work() {
            Ok(()) => 0,
            Err(text) => {
                eprintln!("a partner says: {text}");
                1
            }
        };
        Partner { pid: fork(run).expect("a partner can be forked"), notes }
    }

    /// Starts one that is within `hold` until it may [go](Self::go); returns when it is there.
    pub(crate) fn holding(hold: impl FnOnce(&mut dyn FnMut())) -> Partner {
        let notes = Notes::new();
        let partner = Partner::noting(notes.clone(), || {
            hold(&mut || {
                notes.reach(1);
                wait_until(|| notes.is_finished());
            });
            Ok(())
        });
        wait_until(|| partner.notes.reached() == 1);
        partner
    }

    /// Starts one that does `wait` when it may [go](Self::go), for a victim that calls
    /// [`let_wait`](Self::let_wait).
    pub(crate) fn waiting(wait: impl FnOnce() -> Verdict) -> Partner {
        let notes = Notes::new();
        Partner::noting(notes.clone(), || {
            wait_until(|| notes.is_finished());
            // To look is to sleep, which is not the sleep that is meant.
            notes.reach(1);
            wait()
        })
    }

    /// Lets it go, and returns when it waits, which is to say that it sleeps.
    pub(crate) fn let_wait(&self) {
        self.go();
        wait_until(|| self.notes.reached() == 1);
        wait_until(|| self.is_asleep());
    }

    /// Lets it go on.
    pub(crate) fn go(&self) {
        self.notes.finish();
    }

    /// Tells whether it has ended, without joining it.
    pub(crate) fn has_ended(&self) -> bool {
        let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT | WaitPidFlag::WNOHANG;
        !matches!(waitid(Id::Pid(self.pid), flags), Ok(WaitStatus::StillAlive))
    }

    /// Tells whether it sleeps.
    pub(crate) fn is_asleep(&self) -> bool {
        is_asleep(self.pid)
    }

    /// Lets it go, waits for its end, and tells how it was.
    pub(crate) fn join(&self) -> Verdict {
        self.go();
        match waitpid(self.pid, None) {
            Ok(WaitStatus::Exited(_, 0)) => Ok(()),
            ended => Err(format!("a partner failed: {ended:?}")),
        }
    }
}

/// Looks until something is so.
pub(crate) fn wait_until(is_so: impl Fn() -> bool) {
    while !is_so() {
        thread::sleep(LOOK);
    }
}
