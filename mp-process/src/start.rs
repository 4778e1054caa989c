//! Starting a child: what the parent prepares before, and does after, the system call.

use std::ffi::{CString, OsStr, OsString};
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

use mp_handle::{Parcel, Post};
use rustix::event::EventfdFlags;
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, WaitOptions};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::builder::Builder;
use crate::child::Child;
use crate::current;
use crate::error::SpawnError;
use crate::func::{self, Func, Function};
use crate::image::ImageId;
use crate::init::{self, Mode};
use crate::outcome::Panic;
use crate::panic::catch_panic;
use crate::registry;
use crate::sys::{self, Source};
use crate::wire::{MARK, Mark, STDOUT_FD, Start};

/// What the child runs: it decodes the arguments, which begin at some byte of the parent's parcel,
/// calls the user's function, and encodes the result.
pub(crate) type Entry = Func<(Parcel, usize), Reply>;

/// What became of the user's function, in the child.
pub(crate) enum Reply {
    Returned(Parcel),
    Panicked(Panic),
    NotStarted(String),
    NotEncoded(String),
}

/// Makes the entry that calls `f`.
pub(crate) fn entry<F, A>(f: F) -> Result<Entry, SpawnError>
where
    F: Function<A>,
    A: DeserializeOwned,
    F::Output: Serialize,
{
    Ok(Func::bind(f, |f: F, (parcel, at): (Parcel, usize)| {
        let arguments = match catch_panic(|| parcel.get::<A>(at..parcel.bytes().len())) {
            Ok(Ok(arguments)) => arguments,
            Ok(Err(error)) => {
                return Reply::NotStarted(format!("its arguments cannot be decoded: {error}"));
            }
            Err(panic) => return Reply::Panicked(panic),
        };
        // What the arguments came in may be large: it is not kept while the function runs.
        drop(parcel);
        match catch_panic(|| Parcel::encode(&f.call(arguments))) {
            Ok(Ok(parcel)) => Reply::Returned(parcel),
            Ok(Err(error)) => Reply::NotEncoded(error.to_string()),
            Err(panic) => Reply::Panicked(panic),
        }
    })?)
}

/// Starts a child that runs `entry` with `arguments`.
pub(crate) fn start<A: Serialize>(
    builder: &mut Builder,
    entry: Entry,
    arguments: &A,
) -> Result<(Child, [Option<OwnedFd>; 3]), SpawnError> {
    let mode = init::mode().ok_or(SpawnError::NotInitialized)?;
    registry::reap();
    let identity = current::next_identity();
    let name = builder.name.take().unwrap_or_else(|| format!("Process-{identity}"));
    let start = Start {
        image: ImageId::current(),
        entry: entry.offset(),
        secret: func::family_secret(),
        name: name.clone(),
        identity,
        parent_name: current::current_process().name().to_owned(),
        settings: builder.settings.clone(),
    };
    let mut parcel = Parcel::new();
    let head = parcel.push(&start)?;
    parcel.push(arguments)?;
    let (ours, theirs) = Post::pair().map_err(SpawnError::system("make a socket pair"))?;
    ours.send(head.end as u64, &parcel).map_err(SpawnError::system("send the arguments"))?;

    let argv = strings(mode.arguments(), "an argument of this program")?;
    let (given, kept) = builder.open_stdio().map_err(SpawnError::system("open stdio"))?;
    let descriptors =
        descriptors(given, theirs.into(), mode).map_err(SpawnError::system("open stdio"))?;
    let environment = environment(builder, descriptors.len() > STDOUT_FD as usize)?;
    let pid = sys::spawn_self(&argv, &environment, &descriptors)
        .map_err(SpawnError::system("start a process"))?;
    let pidfd = open_pidfd(pid).map_err(SpawnError::system("open the pidfd of the child"))?;
    let child = Child::new(pid, name, pidfd, ours, builder);
    registry::add(&child);
    Ok((child, kept))
}

/// Opens the pidfd of a child that was just started. If the program ignores SIGCHLD the child may
/// be gone without a trace already; what is returned then looks like the pidfd of an ended process.
fn open_pidfd(pid: Pid) -> rustix::io::Result<OwnedFd> {
    match rustix::process::pidfd_open(pid, PidfdFlags::empty()) {
        Err(Errno::SRCH) => rustix::event::eventfd(1, EventfdFlags::CLOEXEC),
        Err(error) => {
            // Nobody could ever ask about this child, so it shall not live. Nobody has waited
            // for it either: the number is still its own.
            let _ = rustix::process::kill_process(pid, Signal::KILL);
            let _ = rustix::process::waitpid(Some(pid), WaitOptions::empty());
            Err(error)
        }
        opened => opened,
    }
}

/// What the child has open: its standard streams, the socket, and in a test its real standard
/// output (see [`STDOUT_FD`](crate::wire::STDOUT_FD)).
fn descriptors(stdio: [Source; 3], socket: OwnedFd, mode: &Mode) -> io::Result<Vec<Source>> {
    let [stdin, mut stdout, stderr] = stdio;
    let mut moved = None;
    if mode.is_test() {
        moved = match std::mem::replace(&mut stdout, Source::Null) {
            // If this process has no standard output either, there is none to move.
            Source::Parent => {
                io::stdout().as_fd().try_clone_to_owned().ok().map(Source::Descriptor)
            }
            other => Some(other),
        };
    }
    [stdin, stdout, stderr, Source::Descriptor(socket)].into_iter().chain(moved).map(lift).collect()
}

/// Moves a descriptor out of the way of those that are given away.
fn lift(source: Source) -> io::Result<Source> {
    const BEYOND: i32 = 10;
    match source {
        Source::Descriptor(fd) if fd.as_raw_fd() < BEYOND => {
            Ok(Source::Descriptor(rustix::io::fcntl_dupfd_cloexec(fd, BEYOND)?))
        }
        other => Ok(other),
    }
}

/// The environment of the child, with the mark that makes it one.
fn environment(builder: &Builder, moved_stdout: bool) -> Result<Vec<CString>, SpawnError> {
    let mark = Mark { parent: std::process::id(), moved_stdout }.to_string();
    let own = std::env::vars_os().filter(|_| !builder.clear_environment);
    let changed = |name: &OsStr| builder.environment.iter().any(|(changed, _)| changed == name);
    let kept = own.filter(|(name, _)| !changed(name) && name != MARK);
    let added = (builder.environment.iter())
        .filter_map(|(name, value)| value.as_ref().map(|value| (name.clone(), value.clone())));
    let all = kept.chain(added).chain([(MARK.into(), mark.into())]);
    let pairs = all.map(|(mut name, value)| {
        name.push("=");
        name.push(value);
        name
    });
    strings(pairs.collect(), "an environment variable")
}

fn strings(all: Vec<OsString>, what: &'static str) -> Result<Vec<CString>, SpawnError> {
    all.into_iter()
        .map(|s| CString::new(s.as_bytes()).map_err(|_| SpawnError::NulByte { what }))
        .collect()
}
