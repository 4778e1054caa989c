//! A plain fork: the function runs in a copy of this process.
#![allow(unsafe_code)]

use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use mp_handle::{Parcel, Post};
use rustix::process::Pid;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::bootstrap;
use crate::builder::Builder;
use crate::child::Child;
use crate::current;
use crate::error::SpawnError;
use crate::panic::{self, catch_panic};
use crate::process::Process;
use crate::registry;
use crate::start::{self, Reply};
use crate::sys::{self, Source};
use crate::wire::Tag;

/// Starts a process that calls `f` in a copy of the memory of this one.
///
/// It is what Python's start method `fork` does: `f` may capture anything, and finds all that is
/// there at this moment, while only its result has to travel. [`init`](crate::init) is not needed.
/// Otherwise the process is as others: it is killed with its parent, and how it ended is a value.
/// It inherits the descriptors of this process. When `f` has returned the process ends without
/// C's `atexit`; [`at_exit`](crate::at_exit) works.
///
/// Prefer [`Context::fork_server`](crate::Context::fork_server), which is safe. A fork also copies
/// the page tables of this process: 20 ms for each GiB.
///
/// # Safety
///
/// The copy has only the thread that called this, and whatever the other threads were at stays as
/// it was, half-done and for ever: locks that they held are never let go, data that they changed
/// may be in any state. So either this process has one thread, or `f` calls, and what it captures
/// does when it is dropped calls, nothing but what may be called in a signal handler: to allocate
/// is allowed by the C library of this system, to take a lock is not, nor is to print. Guards of
/// locks and ends of channels that are copied belong to the parent: the copy must not use or drop
/// them, unless their documentation allows it.
///
/// # Errors
///
/// The process could not be started.
///
/// # Examples
///
/// ```
/// let data = vec![1_u64, 2, 3];
/// // SAFETY: this program has one thread.
/// let process = unsafe { mp_process::fork(|| data.iter().sum::<u64>()) }?;
/// assert_eq!(process.join()?, 6);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub unsafe fn fork<R>(f: impl FnOnce() -> R) -> Result<Process<R>, SpawnError>
where
    R: Serialize + DeserializeOwned,
{
    // SAFETY: by the contract of this function.
    unsafe { Process::builder().fork(f) }
}

impl Builder {
    /// Starts the process as a copy of this one: see [`fork`](crate::fork).
    ///
    /// # Safety
    ///
    /// As for [`fork`](crate::fork).
    ///
    /// # Errors
    ///
    /// The process could not be started.
    pub unsafe fn fork<R>(mut self, f: impl FnOnce() -> R) -> Result<Process<R>, SpawnError>
    where
        R: Serialize + DeserializeOwned,
    {
        registry::reap();
        let identity = current::next_identity();
        let name = self.name.take().unwrap_or_else(|| format!("Process-{identity}"));
        let (ours, theirs) = Post::pair().map_err(SpawnError::system("make a socket pair"))?;
        let (given, kept) = self.open_stdio().map_err(SpawnError::system("open stdio"))?;
        let parent = current::current_process().name().to_owned();
        // What it has printed so far would else be printed by the copy once more.
        let _ = io::stdout().flush();
        // No other thread changes the list meanwhile, so the copy finds it whole.
        let family = registry::hold();
        // SAFETY: by the contract of this function.
        let pid = unsafe { libc::fork() };
        if pid < 0 {
            return Err(SpawnError::system("fork a process")(io::Error::last_os_error()));
        }
        let Some(pid) = Pid::from_raw(pid) else {
            drop(ours);
            family.disown();
            let person = (name.as_str(), identity.as_str(), parent.as_str());
            run(&self, person, theirs.into(), &given, f)
        };
        drop(family);
        let pidfd =
            start::open_pidfd(pid).map_err(SpawnError::system("open the pidfd of the child"))?;
        let child = Child::new(pid, name, pidfd, ours, &self);
        registry::add(&child);
        Ok(Process::new(child, kept))
    }
}

/// What the copy does.
fn run<R: Serialize>(
    builder: &Builder,
    (name, identity, parent): (&str, &str, &str),
    socket: OwnedFd,
    stdio: &[Source; 3],
    f: impl FnOnce() -> R,
) -> ! {
    let line = current::hold_line(socket);
    current::become_child(name, identity, parent, builder.settings.daemon);
    let reply = match prepare(builder, line, stdio) {
        Ok(()) => {
            panic::install_hook();
            bootstrap::send(line, Tag::Hello, &Parcel::new());
            match catch_panic(|| Parcel::encode(&f())) {
                Ok(Ok(parcel)) => Reply::Returned(parcel),
                Ok(Err(error)) => Reply::NotEncoded(error.to_string()),
                Err(panic) => Reply::Panicked(panic),
            }
        }
        Err(reason) => Reply::NotStarted(reason),
    };
    let code = bootstrap::deliver(line, reply);
    registry::end();
    sys::exit_at_once(code)
}

fn prepare(builder: &Builder, line: &Post, stdio: &[Source; 3]) -> Result<(), String> {
    let settings = &builder.settings;
    if !settings.detached {
        bootstrap::watch_parent(line)
            .map_err(|error| format!("cannot watch the parent: {error}"))?;
    }
    sys::unblock_signals();
    let [stdin, stdout, stderr] = stdio;
    let streams = [
        stream(stdin, rustix::stdio::stdin()),
        stream(stdout, rustix::stdio::stdout()),
        stream(stderr, rustix::stdio::stderr()),
    ];
    bootstrap::put_on_streams(streams)
        .map_err(|error| format!("cannot take its streams: {error}"))?;
    sys::change_environment(builder.clear_environment, &builder.environment);
    bootstrap::settle(settings)
}

fn stream<'a>(source: &'a Source, own: BorrowedFd<'a>) -> Option<BorrowedFd<'a>> {
    match source {
        Source::Parent => Some(own),
        Source::Null => None,
        Source::Descriptor(fd) => Some(fd.as_fd()),
    }
}
