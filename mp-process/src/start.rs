//! Starting a child: what the parent prepares before, and does after, the system call.

use std::ffi::{CString, OsString};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

use mp_handle::{Descriptor, Parcel, Post};
use rustix::event::EventfdFlags;
use rustix::fs::{Mode as FileMode, OFlags};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, WaitOptions};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::builder::Builder;
use crate::child::Child;
use crate::context::Context;
use crate::current;
use crate::environment::{self, VARIABLE};
use crate::error::SpawnError;
use crate::fork_server::ForkServer;
use crate::friends;
use crate::func::{self, Func, Function};
use crate::image::ImageId;
use crate::init::{self, Mode};
use crate::method;
use crate::outcome::Panic;
use crate::panic::catch_panic;
use crate::registry;
use crate::sys::{self, Source};
use crate::wire::{MARK, Mark, SOCKET_FD, STDOUT_FD, Skin, Start, Task};

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

/// Starts a child that does `task` with `arguments`.
pub(crate) fn start<A: Serialize>(
    builder: &mut Builder,
    task: Task,
    arguments: &A,
) -> Result<(Child, [Option<OwnedFd>; 3]), SpawnError> {
    let mode = init::mode().ok_or(SpawnError::NotInitialized)?;
    registry::reap();
    let context = builder.context.take().unwrap_or_else(|| method::default_context().clone());
    let (given, kept) = builder.open_stdio().map_err(SpawnError::system("open stdio"))?;
    let mut start = orders(builder, task);
    let name = start.name.clone();
    let (pid, ours) = match context.server() {
        None => spawn(builder, mode, given, &letter(&start, arguments)?)?,
        Some(server) => {
            start.skin = Some(skin(builder, given, server)?);
            let letter = letter(&start, arguments)?;
            server.fork(letter.head, &letter.parcel, builder.start_timeout)?
        }
    };
    let pidfd = open_pidfd(pid).map_err(SpawnError::system("open the pidfd of the child"))?;
    let child = Child::new(pid, name, pidfd, ours, builder);
    registry::add(&child);
    Ok((child, kept))
}

/// What a child is to be, and to do.
fn orders(builder: &mut Builder, task: Task) -> Start {
    // Those that work for this library have no number.
    let identity = if builder.helper { String::new() } else { current::next_identity() };
    Start {
        image: ImageId::current(),
        task,
        secret: func::family_secret(),
        friends: friends::secret(),
        name: builder.name.take().unwrap_or_else(|| format!("Process-{identity}")),
        identity,
        parent_name: current::current_process().name().to_owned(),
        settings: builder.settings.clone(),
        heritage: method::settled_context().map(Context::heritage),
        skin: None,
    }
}

/// What a child finds in its socket.
struct Letter {
    parcel: Parcel,
    /// Where the arguments begin in it.
    head: u64,
}

fn letter<A: Serialize>(start: &Start, arguments: &A) -> Result<Letter, SpawnError> {
    let mut parcel = Parcel::new();
    let head = parcel.push(start)?.end as u64;
    parcel.push(arguments)?;
    Ok(Letter { parcel, head })
}

/// Executes the program anew.
fn spawn(
    builder: &Builder,
    mode: &Mode,
    stdio: [Source; 3],
    letter: &Letter,
) -> Result<(Pid, Post), SpawnError> {
    let (ours, theirs) = Post::pair().map_err(SpawnError::system("make a socket pair"))?;
    ours.send(letter.head, &letter.parcel).map_err(SpawnError::system("send the arguments"))?;
    let argv = strings(mode.arguments(), "an argument of this program")?;
    let descriptors =
        descriptors(stdio, theirs.into(), mode).map_err(SpawnError::system("open stdio"))?;
    let mark =
        Mark { parent: std::process::id(), moved_stdout: descriptors.len() > STDOUT_FD as usize };
    let mut environment = strings(environment::assignments(builder), VARIABLE)?;
    environment.extend(strings(vec![format!("{MARK}={mark}").into()], "the mark of a child")?);
    let pid = sys::spawn_self(&argv, &environment, &descriptors)
        .map_err(SpawnError::system("start a process"))?;
    if let Source::Descriptor(end) = &descriptors[SOCKET_FD as usize]
        && !builder.settings.detached
    {
        // The child does so in `init`. Until it comes there, this holds.
        let _ = sys::die_with_peer(end.as_fd(), pid);
    }
    Ok((pid, ours))
}

/// What a forked child takes, since nobody executes it.
fn skin(builder: &Builder, stdio: [Source; 3], server: &ForkServer) -> Result<Skin, SpawnError> {
    let [stdin, stdout, stderr] = stdio;
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let directory = rustix::fs::open(c".", flags, FileMode::empty());
    let environment = environment::text(builder)?;
    Ok(Skin {
        streams: [
            stream(stdin, rustix::stdio::stdin())?,
            stream(stdout, rustix::stdio::stdout())?,
            stream(stderr, rustix::stdio::stderr())?,
        ],
        directory: directory.map_err(SpawnError::system("open the working directory"))?.into(),
        // It is longer than all else that is sent, and most have what the server has.
        environment: Some(environment).filter(|text| text != server.environment()),
    })
}

/// What a forked child has as one of its streams; `None` stands for `/dev/null`.
fn stream(source: Source, own: BorrowedFd<'_>) -> Result<Option<Descriptor>, SpawnError> {
    match source {
        Source::Descriptor(fd) => Ok(Some(fd.into())),
        Source::Null => Ok(None),
        Source::Parent => match own.try_clone_to_owned() {
            Ok(fd) => Ok(Some(fd.into())),
            // What this process has closed, every Rust program opens anew at its start.
            Err(error) if error.raw_os_error() == Some(libc::EBADF) => Ok(None),
            Err(error) => Err(SpawnError::system("open stdio")(error)),
        },
    }
}

/// Opens the pidfd of a child that was just started. If the program ignores SIGCHLD the child may
/// be gone without a trace already; what is returned then looks like the pidfd of an ended process.
pub(crate) fn open_pidfd(pid: Pid) -> rustix::io::Result<OwnedFd> {
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

fn strings(all: Vec<OsString>, what: &'static str) -> Result<Vec<CString>, SpawnError> {
    all.into_iter()
        .map(|s| CString::new(s.as_bytes()).map_err(|_| SpawnError::NulByte { what }))
        .collect()
}
