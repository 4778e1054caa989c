//! [`Victim`]: a process that is stepped through an operation, one instruction at a time.

use std::{fs, io};

use nix::errno::Errno;
use nix::sched::sched_yield;
use nix::sys::ptrace;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid, waitpid};
use nix::unistd::Pid;

use crate::birth::expect_mark;
use crate::machine;
use crate::path::Jump;
use crate::shared::Shared;
use crate::zombie::{Zombie, has_succeeded};

/// Looks at a victim that should have made its step, before a look whether it sleeps.
const LOOKS: usize = 6;

/// That a stop is before a system call, `PTRACE_SYSCALL_INFO_ENTRY`.
const ENTRY: u8 = 1;

/// A process under `ptrace(2)`; how it came to be, see `birth.rs`.
#[derive(Debug)]
pub(crate) struct Victim {
    pid: Pid,
    /// Who started it, if that is not this process.
    parent: Option<Pid>,
    /// What it was stopped for, and shall get with the next step.
    signal: Option<Signal>,
    stride: Stride,
    /// Where its last step began.
    address: u64,
    /// Whether that was a system call.
    was_call: bool,
}

/// Where a victim is within a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stride {
    Stopped,
    /// So, and with the next step it goes on with a system call that was interrupted.
    Interrupted,
    Moving,
    InCall,
    /// It was told that this step sleeps, and is not told again.
    Sleeping,
    /// It is stopped at its last mark.
    Marked,
    /// It has ended, and whose child it is may know that by now.
    Ended,
}

/// How a step went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// The instruction is done.
    Done,
    /// It sleeps in a system call; the next step waits for the end of that.
    Asleep,
    /// Its path is another one this time: it is before a system call already.
    Astray,
    /// The instruction was the end mark.
    Mark,
    /// It has ended by itself.
    Ended,
}

impl Victim {
    /// Takes over one that is stopped, of a parent if that is not this process.
    pub(crate) fn new(pid: Pid, parent: Option<Pid>) -> Victim {
        Victim { pid, parent, signal: None, stride: Stride::Stopped, address: 0, was_call: false }
    }

    /// As [`new`](Self::new), for one that was stopped in its sleep.
    pub(crate) fn interrupted(pid: Pid, parent: Option<Pid>) -> Victim {
        Victim { stride: Stride::Interrupted, ..Victim::new(pid, parent) }
    }

    /// Lets it do one instruction.
    pub(crate) fn step(&mut self) -> nix::Result<Step> {
        let stepped = self.try_step();
        self.unless_killed(stepped)
    }

    /// Lets it run to the end of its next system call: as many steps at once.
    pub(crate) fn leap(&mut self) -> nix::Result<Step> {
        let leapt = self.try_leap();
        self.unless_killed(leapt)
    }

    /// Lets it run to a place ahead: as many steps at once.
    pub(crate) fn run(&mut self, jump: Jump) -> nix::Result<Step> {
        let ran = self.try_run(jump);
        self.unless_killed(ran)
    }

    /// Tells whether it can [`run`](Self::run).
    pub(crate) fn can_run(&self) -> bool {
        machine::set_breakpoint(self.pid, 0)
            .and_then(|()| machine::clear_breakpoint(self.pid))
            .is_ok()
    }

    /// Somebody else may have killed it meanwhile, as one does who waits for its end in vain.
    fn unless_killed(&mut self, step: nix::Result<Step>) -> nix::Result<Step> {
        if step == Err(Errno::ESRCH) {
            waitpid(self.pid, Some(WaitPidFlag::__WALL))?;
            return Ok(self.ended());
        }
        step
    }

    fn try_step(&mut self) -> nix::Result<Step> {
        if matches!(self.stride, Stride::Stopped | Stride::Interrupted) {
            self.address = machine::program_counter(self.pid)?;
            self.was_call = self.is_before_call()?;
            let may_sleep = self.stride == Stride::Interrupted || self.was_call;
            ptrace::step(self.pid, self.signal.take())?;
            self.stride = if may_sleep { Stride::InCall } else { Stride::Moving };
        }
        let Some(status) = self.wait()? else {
            self.stride = Stride::Sleeping;
            return Ok(Step::Asleep);
        };
        self.stride = Stride::Stopped;
        Ok(match status {
            WaitStatus::Stopped(_, Signal::SIGTRAP) => Step::Done,
            WaitStatus::Stopped(_, Signal::SIGSTOP) => self.marked(),
            WaitStatus::Stopped(_, signal) => {
                self.signal = Some(signal);
                Step::Done
            }
            _ => self.ended(),
        })
    }

    fn try_leap(&mut self) -> nix::Result<Step> {
        loop {
            if matches!(self.stride, Stride::Stopped | Stride::Interrupted) {
                ptrace::syscall(self.pid, self.signal.take())?;
                self.stride = Stride::Moving;
            }
            let Some(status) = self.wait()? else {
                self.stride = Stride::Sleeping;
                return Ok(Step::Asleep);
            };
            let was_in_call = self.stride != Stride::Moving;
            self.stride = Stride::Stopped;
            match status {
                WaitStatus::PtraceSyscall(_) if ptrace::syscall_info(self.pid)?.op == ENTRY => {
                    ptrace::syscall(self.pid, None)?;
                    self.stride = Stride::InCall;
                }
                // The end of the call by which it came to be is none of its own.
                WaitStatus::PtraceSyscall(_) if was_in_call => return Ok(Step::Done),
                WaitStatus::PtraceSyscall(_) => {}
                WaitStatus::Stopped(_, Signal::SIGSTOP) => return Ok(self.marked()),
                // The first instruction of a new program.
                WaitStatus::Stopped(_, Signal::SIGTRAP) => {}
                WaitStatus::Stopped(_, signal) => self.signal = Some(signal),
                _ => return Ok(self.ended()),
            }
        }
    }

    fn try_run(&mut self, jump: Jump) -> nix::Result<Step> {
        machine::set_breakpoint(self.pid, jump.address)?;
        let step = self.run_into(jump.times)?;
        // Whoever is held, and not killed, comes by again.
        if step != Step::Ended {
            machine::clear_breakpoint(self.pid)?;
        }
        Ok(step)
    }

    /// Runs into the breakpoint so many times.
    fn run_into(&mut self, times: usize) -> nix::Result<Step> {
        let mut met = 0;
        while met < times {
            ptrace::syscall(self.pid, self.signal.take())?;
            match waitpid(self.pid, Some(WaitPidFlag::__WALL))? {
                WaitStatus::Stopped(_, Signal::SIGTRAP) => met += 1,
                WaitStatus::Stopped(_, Signal::SIGSTOP) => return Ok(self.marked()),
                WaitStatus::Stopped(_, signal) => self.signal = Some(signal),
                WaitStatus::PtraceSyscall(_) => return Ok(Step::Astray),
                _ => return Ok(self.ended()),
            }
        }
        Ok(Step::Done)
    }

    fn marked(&mut self) -> Step {
        self.stride = Stride::Marked;
        Step::Mark
    }

    fn ended(&mut self) -> Step {
        self.stride = Stride::Ended;
        Step::Ended
    }

    /// Waits for the end of a step; `None` if it sleeps and that is news.
    fn wait(&self) -> nix::Result<Option<WaitStatus>> {
        if self.stride != Stride::InCall {
            return waitpid(self.pid, Some(WaitPidFlag::__WALL)).map(Some);
        }
        let flags = WaitPidFlag::__WALL | WaitPidFlag::WNOHANG;
        for look in 1.. {
            match waitpid(self.pid, Some(flags))? {
                WaitStatus::StillAlive => sched_yield()?,
                status => return Ok(Some(status)),
            }
            if look % LOOKS == 0 && is_asleep(self.pid) {
                break;
            }
        }
        Ok(None)
    }

    /// What it shares with others.
    pub(crate) fn shared(&self) -> io::Result<Shared> {
        Shared::of(self.pid)
    }

    /// Tells whether its next step is within a system call.
    pub(crate) fn is_interrupted(&self) -> bool {
        self.stride == Stride::Interrupted
    }

    /// Where the last step began.
    pub(crate) fn address(&self) -> u64 {
        self.address
    }

    /// Tells whether the last step was a system call.
    pub(crate) fn was_call(&self) -> bool {
        self.was_call
    }

    fn is_before_call(&self) -> nix::Result<bool> {
        let bytes = ptrace::read(self.pid, self.address as ptrace::AddressType)?.to_ne_bytes();
        Ok(bytes.starts_with(machine::CALL))
    }

    /// Kills it where it is. Until it is reaped it is a zombie.
    pub(crate) fn kill(self) -> nix::Result<Zombie> {
        let Victim { pid, parent, stride, .. } = self;
        if stride != Stride::Ended {
            kill(pid, Signal::SIGKILL)?;
            waitid(
                Id::Pid(pid),
                WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT | WaitPidFlag::__WALL,
            )?;
        }
        Ok(Zombie { pid, parent, is_seen: stride == Stride::Ended })
    }

    /// Lets it go on with its operation up to the mark, and then to its end; returns whether that
    /// was in order.
    pub(crate) fn finish(mut self) -> nix::Result<bool> {
        if self.stride == Stride::Sleeping && !self.wait()?.is_some_and(is_stop) {
            return Ok(false);
        }
        if self.stride != Stride::Marked {
            ptrace::cont(self.pid, self.signal.take())?;
            if expect_mark(self.pid).is_err() {
                return Ok(false);
            }
        }
        self.release()
    }

    /// Lets it run to its end; returns whether that, or that of its parent, was in order.
    pub(crate) fn release(self) -> nix::Result<bool> {
        if self.stride != Stride::Ended {
            ptrace::detach(self.pid, self.signal)?;
        }
        has_succeeded(self.parent.unwrap_or(self.pid))
    }
}

/// Tells whether a process has stopped, and not ended.
fn is_stop(status: WaitStatus) -> bool {
    !matches!(status, WaitStatus::Exited(..) | WaitStatus::Signaled(..))
}

/// Tells whether a process sleeps, as opposed to running, being stopped, or dead.
pub(crate) fn is_asleep(pid: Pid) -> bool {
    let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) else { return false };
    // The name before it is in brackets, and may have brackets of its own.
    stat.rsplit_once(") ").is_some_and(|(_, state)| state.starts_with('S'))
}
