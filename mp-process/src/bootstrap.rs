//! The child's side of a start: from `init` to the end of the process.
#![allow(unsafe_code)]

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;
use std::process;
use std::thread;
use std::time::Duration;

use mp_handle::{Deadline, Parcel, Post, clear_of_streams};
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::process::{Pid, Rlimit};

use crate::builder::Limit;
use crate::context::Context;
use crate::current;
use crate::ending::{Life, life};
use crate::fork_server;
use crate::friends;
use crate::func::{self, Func};
use crate::method;
use crate::panic::{self, catch_panic};
use crate::registry;
use crate::start::{Entry, Reply};
use crate::sys;
use crate::wire::{Heritage, MARK, Mark, SOCKET_FD, STDOUT_FD, Settings, Skin, Start, Tag, Task};

/// For how long another process that a parent has just started may have what that had open.
const LAST_HOLD: Duration = Duration::from_millis(100);

/// The socket to the parent, if this process is a child.
///
/// A program that a child starts by other means may find the mark in its environment too, if it
/// was started before the child came to `init`: its parent is another.
pub(crate) fn parents_socket() -> Option<OwnedFd> {
    let mark = Mark::parse(&std::env::var(MARK).ok()?);
    sys::remove_variable(MARK);
    let mark = mark?;
    let parent = rustix::process::getppid().map_or(0, Pid::as_raw_pid);
    if parent.unsigned_abs() != mark.parent {
        // It is none of ours, or an orphan. That must not go on as if it were the program
        // itself: it is up to `prepare` whether it lives on.
        return sys::adopt(SOCKET_FD).filter(|socket| is_orphan(socket.as_fd(), mark.parent));
    }
    if mark.moved_stdout
        && let Some(stdout) = sys::adopt(STDOUT_FD)
    {
        // Should it fail, the child's output stays with that of libtest.
        let _ = rustix::stdio::dup2_stdout(stdout);
    }
    sys::adopt(SOCKET_FD)
}

/// Whether this process, which has another parent now, has lost `parent`. One of several threads may
/// be gone as a parent before its memory is freed, and only then its end of the socket is closed.
fn is_orphan(socket: BorrowedFd<'_>, parent: u32) -> bool {
    let directory = PathBuf::from(format!("/proc/{parent}"));
    let end = Deadline::after(LAST_HOLD);
    while !hung_up(socket) {
        match life(&directory) {
            Ok(Life::Ends) => {}
            Ok(Life::Gone) if !end.is_expired() => {}
            Ok(Life::Gone | Life::Runs) | Err(_) => return hung_up(socket),
        }
        thread::sleep(Duration::from_millis(1));
    }
    true
}

/// Whether nobody has the other end of `socket` any more.
pub(crate) fn hung_up(socket: BorrowedFd<'_>) -> bool {
    let mut fds = [PollFd::from_borrowed_fd(socket, PollFlags::empty())];
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    rustix::event::poll(&mut fds, Some(&now)).is_ok()
        && fds[0].revents().intersects(PollFlags::HUP | PollFlags::ERR)
}

/// Runs the child; `ready` is called when it may start processes of its own, and runs the setup.
/// `threads` are there that are none of the program's own.
pub(crate) fn run_child(socket: OwnedFd, threads: usize, ready: impl FnOnce()) -> ! {
    let line = current::hold_line(socket);
    let (mut task, mut parcel, mut at) = begin(line);
    registry::join_at_exit();
    if let Task::Serve(template) = task {
        drop(parcel);
        // This returns in the children that it forks.
        let socket = fork_server::serve(template, line, threads);
        current::hold_line(socket);
        registry::hold().disown();
        (task, parcel, at) = begin(line);
    }
    let reply = match catch_panic(ready) {
        Ok(()) => call(task, parcel, at),
        Err(panic) => Reply::NotStarted(format!("its setup {panic}")),
    };
    let code = deliver(line, reply);
    process::exit(code);
}

/// Makes this process what the parent asked for, and tells that it has begun; returns its task, and
/// the parcel in which the arguments begin at a byte. If that cannot be, it tells why, and ends.
fn begin(line: &Post) -> (Task, Parcel, usize) {
    let begun = receive_start(line).and_then(|(start, parcel, at)| {
        prepare(line, &start)?;
        let Start { name, identity, parent_name, settings, .. } = &start;
        current::become_child(name, identity, parent_name, settings.daemon);
        Ok((start.task, parcel, at))
    });
    match begun {
        Ok(begun) => {
            panic::install_hook();
            send(line, Tag::Hello, &Parcel::new());
            begun
        }
        Err(reason) => {
            let code = deliver(line, Reply::NotStarted(reason));
            process::exit(code);
        }
    }
}

/// Calls the function that the child is for.
fn call(task: Task, parcel: Parcel, at: usize) -> Reply {
    let Task::Call(offset) = task else {
        return Reply::NotStarted("a forked process cannot be a fork server".into());
    };
    // SAFETY: the parent sent it over the private socket, has started its own image, and took the
    // offset from an `Entry`.
    match unsafe { Entry::from_offset(offset) } {
        Some(entry) => entry.call((parcel, at)),
        None => Reply::NotStarted("its function is not in the program".into()),
    }
}

/// What the parent has sent: the start, and the parcel in which the arguments begin at a byte.
fn receive_start(post: &Post) -> Result<(Start, Parcel, usize), String> {
    let (head, parcel) = match post.try_receive() {
        Ok(Some((head, parcel))) => (head as usize, parcel),
        Ok(None) => return Err("the parent is gone".into()),
        Err(error) => return Err(format!("its arguments cannot be received: {error}")),
    };
    let start: Start = parcel.get(0..head).map_err(|error| error.to_string())?;
    Ok((start, parcel, head))
}

/// Makes this process what the parent asked for.
fn prepare(line: &Post, start: &Start) -> Result<(), String> {
    let settings = &start.settings;
    if !settings.detached {
        watch_parent(line).map_err(|error| format!("cannot watch the parent: {error}"))?;
    }
    start.image.inherit();
    func::inherit_secret(start.secret);
    friends::inherit(start.friends);
    if let Some(skin) = &start.skin {
        put_on(skin).map_err(|error| format!("cannot take what it was given: {error}"))?;
    }
    if let Some(heritage) = &start.heritage {
        inherit(heritage);
    }
    take_program_name();
    settle(settings)
}

/// Does to this process what the parent wants.
pub(crate) fn settle(settings: &Settings) -> Result<(), String> {
    apply(settings)?;
    if settings.detached {
        // Of its own session, it outlives the parent's terminal as well. A process that leads a
        // group already cannot do so, which is as good.
        let _ = rustix::process::setsid();
    }
    Ok(())
}

/// Has the kernel kill this process when the parent is gone, or ends it if that is gone already.
pub(crate) fn watch_parent(line: &Post) -> io::Result<()> {
    sys::die_with_peer(line.as_fd(), rustix::process::getpid())?;
    if hung_up(line.as_fd()) {
        process::exit(1);
    }
    Ok(())
}

/// Takes what an executed child would have been given.
fn put_on(skin: &Skin) -> io::Result<()> {
    if let Some(environment) = &skin.environment {
        sys::set_environment(environment);
    }
    rustix::process::fchdir(&skin.directory)?;
    let [stdin, stdout, stderr] = skin.streams.each_ref().map(|it| it.as_ref().map(AsFd::as_fd));
    // A server has `/dev/null` there.
    let stdin = stdin.unwrap_or(rustix::stdio::stdin());
    put_on_streams([Some(stdin), stdout, stderr])?;
    sys::unblock_signals();
    Ok(())
}

/// Replaces the standard streams; `None` stands for `/dev/null`.
pub(crate) fn put_on_streams(streams: [Option<BorrowedFd<'_>>; 3]) -> io::Result<()> {
    let null = match streams.iter().all(Option::is_some) {
        true => None,
        false => {
            let null = File::options().read(true).write(true).open("/dev/null")?;
            Some(clear_of_streams(null)?)
        }
    };
    let places = [rustix::stdio::stdin(), rustix::stdio::stdout(), rustix::stdio::stderr()];
    for (place, stream) in places.into_iter().zip(streams) {
        if let Some(fd) = stream.or(null.as_ref().map(AsFd::as_fd)) {
            sys::replace(place, fd)?;
        }
    }
    Ok(())
}

/// Starts processes as the parent does.
fn inherit(heritage: &Heritage) {
    // SAFETY: as for the function of the task.
    let preload = heritage.preload.and_then(|offset| unsafe { Func::from_offset(offset) });
    method::inherit_context(Context::inherit(heritage.method, preload));
}

fn apply(settings: &Settings) -> Result<(), String> {
    if let Some(directory) = &settings.directory {
        std::env::set_current_dir(directory)
            .map_err(|error| format!("cannot change to {}: {error}", directory.display()))?;
    }
    if let Some(nice) = settings.nice {
        rustix::process::nice(nice)
            .map_err(|error| format!("cannot be nicer by {nice}: {error}"))?;
    }
    if let Some(group) = settings.process_group {
        rustix::process::setpgid(None, Pid::from_raw(group))
            .map_err(|error| format!("cannot join process group {group}: {error}"))?;
    }
    for &(limit, value) in &settings.limits {
        set_limit(limit, value)
            .map_err(|error| format!("cannot limit {limit:?} to {value}: {error}"))?;
    }
    Ok(())
}

/// Sets the soft limit, and the hard limit as well unless that is lower already.
fn set_limit(limit: Limit, value: u64) -> io::Result<()> {
    let resource = limit.resource();
    let hard = rustix::process::getrlimit(resource).maximum.map_or(value, |hard| hard.min(value));
    let new = Rlimit { current: Some(value.min(hard)), maximum: Some(hard) };
    Ok(rustix::process::setrlimit(resource, new)?)
}

/// The kernel calls a process after the path that was executed, here `/proc/self/exe`. Tools
/// such as `ps` and `pgrep` are to see the program.
fn take_program_name() {
    use std::os::unix::ffi::OsStrExt;
    let program = std::env::args_os().next().unwrap_or_default();
    let name = std::path::Path::new(&program).file_name().unwrap_or_default();
    if let Ok(name) = std::ffi::CString::new(name.as_bytes()) {
        let _ = rustix::thread::set_name(&name);
    }
}

/// Sends what became of the function, and returns the code to exit with. A copy that the function
/// has forked, and that has returned from it as well, ends here: the result is not its own.
pub(crate) fn deliver(post: &Post, reply: Reply) -> i32 {
    let (tag, parcel, code) = match reply {
        Reply::Returned(parcel) => (Tag::Returned, parcel, 0),
        Reply::Panicked(panic) => (Tag::Panicked, text_or_empty(&panic), panic::EXIT_CODE),
        Reply::NotStarted(reason) => (Tag::NotStarted, text_or_empty(&reason), 1),
        Reply::NotEncoded(reason) => (Tag::NotEncoded, text_or_empty(&reason), 1),
    };
    if !current::holds_line() {
        sys::exit_at_once(code);
    }
    // What the function printed is to be there when its result is.
    let _ = io::stdout().flush();
    send(post, tag, &parcel);
    code
}

fn text_or_empty<T: serde::Serialize>(text: &T) -> Parcel {
    Parcel::encode(text).unwrap_or_default()
}

/// Sends one message to the parent. If it cannot be sent, the parent hears why instead, if that
/// is possible; if the parent is gone (a detached process may outlive it) nobody is interested.
pub(crate) fn send(post: &Post, tag: Tag, parcel: &Parcel) {
    if let Err(error) = post.send(tag as u64, parcel)
        && tag == Tag::Returned
    {
        let reason = text_or_empty(&format!("it cannot be sent: {error}"));
        let _ = post.send(Tag::NotEncoded as u64, &reason);
    }
}
