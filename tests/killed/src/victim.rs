//! [`Victim`]: a child that is stepped through an operation, one instruction at a time.

use std::fs;

use nix::errno::Errno;
use nix::sched::sched_yield;
use nix::sys::ptrace::{self, Options};
use nix::sys::signal::{Signal, kill, raise};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid, waitpid};
use nix::unistd::Pid;

use crate::fork::fork;

/// Looks at a victim that should have made its step, before a look whether it sleeps.
const LOOKS: usize = 6;

/// It dies with its tracer, and stops at system calls can be told from others.
const OPTIONS: Options = Options::PTRACE_O_EXITKILL.union(Options::PTRACE_O_TRACESYSGOOD);

/// That a stop is before a system call, `PTRACE_SYSCALL_INFO_ENTRY`.
const ENTRY: u8 = 1;

/// A child under `ptrace(2)`.
#[derive(Debug)]
pub(crate) struct Victim {
    pid: Pid,
    /// Who started it, if that is not this process.
    parent: Option<Pid>,
    /// What it was stopped for, and shall get with the next step.
    signal: Option<Signal>,
    stride: Stride,
}

/// Where a victim is within a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stride {
    Stopped,
    Moving,
    InCall,
    /// It was told that this step sleeps, and is not told again.
    Sleeping,
}

/// How a step went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// The instruction is done.
    Done,
    /// It sleeps in a system call; the next step waits for the end of that.
    Asleep,
    /// The instruction was the end mark.
    Mark,
    /// It has ended by itself.
    Ended,
}

impl Victim {
    /// Starts one, and lets it run up to its first mark.
    pub(crate) fn start(work: impl FnOnce()) -> nix::Result<Victim> {
        let pid = fork(|| {
            ptrace::traceme().and_then(|()| raise(Signal::SIGSTOP)).expect("tracing was tried out");
            work();
            0
        })?;
        expect_mark(pid)?;
        ptrace::setoptions(pid, OPTIONS)?;
        ptrace::cont(pid, None)?;
        expect_mark(pid)?;
        Ok(Victim { pid, parent: None, signal: None, stride: Stride::Stopped })
    }

    /// Starts one that does `work`, in the course of which it starts a process: that is the victim,
    /// from its first instruction on. The other is its parent, a survivor.
    pub(crate) fn start_child(work: impl FnOnce()) -> nix::Result<Victim> {
        let parent = fork(|| {
            ptrace::traceme().and_then(|()| raise(Signal::SIGSTOP)).expect("tracing was tried out");
            work();
            0
        })?;
        expect_mark(parent)?;
        let births = Options::PTRACE_O_TRACEFORK | Options::PTRACE_O_TRACEVFORK;
        ptrace::setoptions(parent, OPTIONS | births)?;
        let pid = expect_birth(parent)?;
        ptrace::detach(parent, None)?;
        expect_mark(pid)?;
        ptrace::setoptions(pid, OPTIONS)?;
        Ok(Victim { pid, parent: Some(parent), signal: None, stride: Stride::Stopped })
    }

    /// Lets it do one instruction.
    pub(crate) fn step(&mut self) -> nix::Result<Step> {
        if self.stride == Stride::Stopped {
            let may_sleep = self.is_before_call()?;
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
            WaitStatus::Stopped(_, Signal::SIGSTOP) => Step::Mark,
            WaitStatus::Stopped(_, signal) => {
                self.signal = Some(signal);
                Step::Done
            }
            _ => Step::Ended,
        })
    }

    /// Lets it run to the end of its next system call: as many steps at once.
    pub(crate) fn leap(&mut self) -> nix::Result<Step> {
        loop {
            if self.stride == Stride::Stopped {
                ptrace::syscall(self.pid, self.signal.take())?;
                self.stride = Stride::Moving;
            }
            let Some(status) = self.wait()? else {
                self.stride = Stride::Sleeping;
                return Ok(Step::Asleep);
            };
            self.stride = Stride::Stopped;
            match status {
                WaitStatus::PtraceSyscall(_) if ptrace::syscall_info(self.pid)?.op == ENTRY => {
                    ptrace::syscall(self.pid, None)?;
                    self.stride = Stride::InCall;
                }
                WaitStatus::PtraceSyscall(_) => return Ok(Step::Done),
                WaitStatus::Stopped(_, Signal::SIGSTOP) => return Ok(Step::Mark),
                // The first instruction of a new program.
                WaitStatus::Stopped(_, Signal::SIGTRAP) => {}
                WaitStatus::Stopped(_, signal) => self.signal = Some(signal),
                _ => return Ok(Step::Ended),
            }
        }
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

    /// Tells whether the next instruction is a system call.
    pub(crate) fn is_before_call(&self) -> nix::Result<bool> {
        let address = program_counter(self.pid)?;
        let bytes = ptrace::read(self.pid, address as ptrace::AddressType)?.to_ne_bytes();
        Ok(bytes.starts_with(CALL))
    }

    /// Kills it where it is. Until it is reaped it is a zombie.
    pub(crate) fn kill(self) -> nix::Result<Zombie> {
        kill(self.pid, Signal::SIGKILL)?;
        waitid(
            Id::Pid(self.pid),
            WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT | WaitPidFlag::__WALL,
        )?;
        Ok(Zombie { pid: self.pid, parent: self.parent })
    }

    /// Lets it run to its end; returns whether that was in order.
    pub(crate) fn release(self) -> nix::Result<bool> {
        if let Some(parent) = self.parent {
            return has_succeeded(parent);
        }
        ptrace::detach(self.pid, None)?;
        has_succeeded(self.pid)
    }
}

/// A dead victim whose number is not free yet.
#[derive(Debug)]
pub(crate) struct Zombie {
    pid: Pid,
    parent: Option<Pid>,
}

impl Zombie {
    /// Takes its status. If it has a parent, that gets it too; returns whether it made good of it.
    pub(crate) fn reap(self) -> nix::Result<bool> {
        waitpid(self.pid, Some(WaitPidFlag::__WALL))?;
        self.parent.map_or(Ok(true), has_succeeded)
    }

    /// Tells whether somebody else waits for its status.
    pub(crate) fn has_parent(&self) -> bool {
        self.parent.is_some()
    }
}

fn has_succeeded(pid: Pid) -> nix::Result<bool> {
    Ok(waitpid(pid, None)? == WaitStatus::Exited(pid, 0))
}

/// Waits until a process has started another; returns which.
fn expect_birth(parent: Pid) -> nix::Result<Pid> {
    ptrace::cont(parent, None)?;
    loop {
        match waitpid(parent, Some(WaitPidFlag::__WALL))? {
            WaitStatus::PtraceEvent(..) => {
                return Ok(Pid::from_raw(ptrace::getevent(parent)? as i32));
            }
            WaitStatus::Stopped(_, signal) => ptrace::cont(parent, signal)?,
            _ => return Err(Errno::ECHILD),
        }
    }
}

fn expect_mark(pid: Pid) -> nix::Result<()> {
    loop {
        match waitpid(pid, Some(WaitPidFlag::__WALL))? {
            WaitStatus::Stopped(_, Signal::SIGSTOP) => return Ok(()),
            WaitStatus::Stopped(_, signal) => ptrace::cont(pid, signal)?,
            _ => return Err(Errno::ECHILD),
        }
    }
}

/// Finds out whether this system lets a process be stepped through.
pub(crate) fn try_out() -> nix::Result<()> {
    let pid = fork(|| match ptrace::traceme() {
        Ok(()) => raise(Signal::SIGSTOP).map_or(1, |()| 0),
        Err(_) => 1,
    })?;
    match waitpid(pid, None)? {
        WaitStatus::Stopped(..) => ptrace::kill(pid).and_then(|()| waitpid(pid, None)).map(drop),
        _ => Err(Errno::EPERM),
    }
}

/// Tells whether a process sleeps, as opposed to running, being stopped, or dead.
pub(crate) fn is_asleep(pid: Pid) -> bool {
    let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) else { return false };
    // The name before it is in brackets, and may have brackets of its own.
    stat.rsplit_once(") ").is_some_and(|(_, state)| state.starts_with('S'))
}

/// The instruction that enters the kernel.
#[cfg(target_arch = "x86_64")]
const CALL: &[u8] = &[0x0f, 0x05];
#[cfg(target_arch = "aarch64")]
const CALL: &[u8] = &[0x01, 0x00, 0x00, 0xd4];

#[cfg(target_arch = "x86_64")]
fn program_counter(pid: Pid) -> nix::Result<u64> {
    Ok(ptrace::getregs(pid)?.rip)
}

#[cfg(target_arch = "aarch64")]
fn program_counter(pid: Pid) -> nix::Result<u64> {
    Ok(ptrace::getregs(pid)?.pc)
}
