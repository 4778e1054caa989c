//! How a victim comes to be: stopped where its operation begins, with this process as its tracer.

use std::thread;
use std::time::Duration;

use nix::errno::Errno;
use nix::libc::PTRACE_EVENT_STOP;
use nix::sys::ptrace::{self, Options};
use nix::sys::signal::{Signal, raise};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use crate::fork::fork;
use crate::notes::Notes;
use crate::operation::Role;
use crate::victim::{Victim, is_asleep};

/// It dies with its tracer, and stops at system calls can be told from others.
const OPTIONS: Options = Options::PTRACE_O_EXITKILL.union(Options::PTRACE_O_TRACESYSGOOD);

/// The tracer gets the processes that it starts, too.
const BIRTHS: Options = Options::PTRACE_O_TRACEFORK.union(Options::PTRACE_O_TRACEVFORK);

/// How often one who waits for a process looks at it.
const LOOK: Duration = Duration::from_micros(50);

impl Victim {
    /// Starts a process that does `work`; the victim is who plays the role.
    pub(crate) fn start(role: Role, notes: &Notes, work: impl FnOnce()) -> nix::Result<Victim> {
        match role {
            Role::Performer | Role::Held => Victim::start_performer(work),
            Role::Child => Victim::start_child(work),
            Role::Server => Victim::start_server(notes, work),
            Role::Grandchild => Victim::start_grandchild(notes, work),
        }
    }

    /// Lets it run up to its first mark.
    fn start_performer(work: impl FnOnce()) -> nix::Result<Victim> {
        let pid = start_traced(work)?;
        ptrace::setoptions(pid, OPTIONS)?;
        ptrace::cont(pid, None)?;
        expect_mark(pid)?;
        Ok(Victim::new(pid, None))
    }

    /// The victim is whom it starts first, from its first instruction on.
    fn start_child(work: impl FnOnce()) -> nix::Result<Victim> {
        let parent = start_traced(work)?;
        ptrace::setoptions(parent, OPTIONS | BIRTHS)?;
        ptrace::cont(parent, None)?;
        let pid = expect_birth(parent)?;
        ptrace::detach(parent, None)?;
        expect_mark(pid)?;
        ptrace::setoptions(pid, OPTIONS)?;
        Ok(Victim::new(pid, Some(parent)))
    }

    /// The victim is who serves it, from the sleep on in which that waits to be asked.
    fn start_server(notes: &Notes, work: impl FnOnce()) -> nix::Result<Victim> {
        let (parent, server) = start_serving(notes, work)?;
        ptrace::seize(server, OPTIONS)?;
        ptrace::interrupt(server)?;
        expect_mark(server)?;
        Ok(Victim::interrupted(server, Some(parent)))
    }

    /// The victim is whom its server forks.
    fn start_grandchild(notes: &Notes, work: impl FnOnce()) -> nix::Result<Victim> {
        let (parent, server) = start_serving(notes, work)?;
        ptrace::seize(server, OPTIONS | BIRTHS)?;
        notes.begin();
        let pid = expect_birth(server)?;
        ptrace::detach(server, None)?;
        expect_mark(pid)?;
        ptrace::setoptions(pid, OPTIONS)?;
        Ok(Victim::new(pid, Some(parent)))
    }
}

/// Starts a process that is traced, and stopped before its work.
fn start_traced(work: impl FnOnce()) -> nix::Result<Pid> {
    let pid = fork(|| {
        ptrace::traceme().and_then(|()| raise(Signal::SIGSTOP)).expect("tracing was tried out");
        work();
        0
    })?;
    expect_mark(pid)?;
    Ok(pid)
}

/// Starts a process, and waits until it is [ready](Notes::prepare) and its server asleep.
fn start_serving(notes: &Notes, work: impl FnOnce()) -> nix::Result<(Pid, Pid)> {
    let parent = fork(|| {
        work();
        0
    })?;
    let server = || Pid::from_raw(notes.victim() as i32);
    while !(notes.is_ready() && is_asleep(server())) {
        if waitpid(parent, Some(WaitPidFlag::WNOHANG))? != WaitStatus::StillAlive {
            return Err(Errno::ECHILD);
        }
        thread::sleep(LOOK);
    }
    Ok((parent, server()))
}

/// Waits until a process has started another; returns which.
fn expect_birth(parent: Pid) -> nix::Result<Pid> {
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

/// Waits until a process has stopped: at a mark, or as the tracer wants it.
pub(crate) fn expect_mark(pid: Pid) -> nix::Result<()> {
    loop {
        match waitpid(pid, Some(WaitPidFlag::__WALL))? {
            WaitStatus::Stopped(_, Signal::SIGSTOP)
            | WaitStatus::PtraceEvent(.., PTRACE_EVENT_STOP) => return Ok(()),
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
