//! The fork server itself: what is forked, again and again.
#![allow(unsafe_code)]

use std::fs;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::process;
use std::sync::atomic::AtomicU32;
use std::thread;
use std::time::Duration;

use mp_handle::{Descriptor, Parcel, Post, Region, View};
use serde::{Deserialize, Serialize};

use super::running::BORN;
use super::{Answer, Refusal};
use crate::bootstrap;
use crate::ending::{Life, life};
use crate::func::Func;
use crate::image;
use crate::panic::catch_panic;
use crate::start::Reply;
use crate::sys::{self, Cloner};

/// What makes a process a fork server.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Template {
    /// Where it is asked, and answers.
    pub(super) control: Descriptor,
    /// The word for the number of the child that was forked last.
    pub(super) born: Region,
    /// The offset of the function that preloads.
    pub(super) preload: Option<u64>,
    /// The environment of those children that are given no other.
    pub(super) environment: Vec<u8>,
}

/// Serves, and returns in each child with the child's socket to its parent. `threads` are there
/// that are none of the program's own.
pub(crate) fn serve(template: Template, line: &Post, threads: usize) -> OwnedFd {
    let Template { control, born, preload, environment } = template;
    let serving = control.into_owned().and_then(|control| Ok((Post::from(control), word(&born)?)));
    drop(born);
    let (control, born) = match serving {
        Ok(serving) => serving,
        Err(error) => fail(line, Reply::NotStarted(format!("it has no socket or word: {error}"))),
    };
    if let Some(preload) = preload
        && let Err(panic) = catch_panic(|| load(preload))
    {
        fail(line, Reply::Panicked(panic));
    }
    // What it has printed so far would else be printed by each child once more.
    let _ = io::stdout().flush();
    sys::flush_streams();
    match count_threads().map(|count| count.saturating_sub(threads)) {
        Ok(0) => {}
        Ok(count) => leave(&control, &Answer::Threads(count)),
        Err(error) => leave(&control, &Answer::refused(Refusal::Prepare, &error)),
    }
    if let Err(error) = dress(environment) {
        leave(&control, &Answer::refused(Refusal::Prepare, &error));
    }
    let cloner = match Cloner::new() {
        Ok(cloner) => cloner,
        Err(error) => leave(&control, &Answer::refused(Refusal::Prepare, &error)),
    };
    // What is known here, no child has to find out, each on pages of its own.
    image::main_object();
    // Ctrl-C is for the program: this process ends with it. A child unblocks them.
    sys::block_signals();
    say(&control, &Answer::Ready);
    fork_on_demand(&control, &cloner, &born)
}

fn fork_on_demand(control: &Post, cloner: &Cloner, born: &AtomicU32) -> OwnedFd {
    loop {
        let socket = match control.receive() {
            Ok(Some((_, request))) => socket_in(request),
            // Nobody will ask any more.
            Ok(None) => process::exit(0),
            Err(error) => Err(error),
        };
        // SAFETY: the threads were counted: there is this one, and in a test that of libtest,
        // which waits for this one and holds nothing.
        let forked = socket.map(|socket| (unsafe { cloner.fork(born) }, socket));
        say(
            control,
            &match forked {
                Ok((Ok(true), socket)) => return socket,
                Ok((Ok(false), _)) => Answer::Forked,
                Ok((Err(error), _)) => Answer::refused(Refusal::Fork, &error),
                Err(error) => Answer::refused(Refusal::Receive, &error),
            },
        );
    }
}

fn word(region: &Region) -> io::Result<View<AtomicU32>> {
    region.expect(BORN, 0).map_err(io::Error::other)?;
    View::new(region, 0).map_err(io::Error::other)
}

fn load(preload: u64) {
    // SAFETY: the parent sent it over the private socket, has started its own image, and took the
    // offset from such a function.
    let preload = unsafe { Func::<(), ()>::from_offset(preload) };
    preload.expect("a function of this image").call(());
}

/// Puts on what most children have: a child changes the rest. What preloading has made of it ends.
fn dress(environment: Vec<u8>) -> io::Result<()> {
    sys::set_environment(&environment);
    let (stdout, stderr) = (rustix::stdio::stdout(), rustix::stdio::stderr());
    bootstrap::put_on_streams([None, Some(stdout), Some(stderr)])
}

fn socket_in(request: Parcel) -> io::Result<OwnedFd> {
    let (_, mut descriptors) = request.into_parts();
    let socket = descriptors.pop().ok_or(io::ErrorKind::InvalidData)?;
    socket.into_owned()
}

/// Counts the threads when those that end are gone: one that was joined may take a moment for that.
fn count_threads() -> io::Result<usize> {
    loop {
        let tasks = fs::read_dir("/proc/self/task")?;
        let lives: Vec<Life> = tasks.map(|task| life(&task?.path())).collect::<io::Result<_>>()?;
        if lives.iter().all(|&life| life == Life::Runs) {
            return Ok(lives.len());
        }
        thread::sleep(Duration::from_millis(1));
    }
}

/// Answers. If nobody hears it, the next look at the socket tells.
fn say(control: &Post, answer: &Answer) {
    if let Ok(parcel) = Parcel::encode(answer) {
        let _ = control.send(0, &parcel);
    }
}

fn leave(control: &Post, answer: &Answer) -> ! {
    say(control, answer);
    process::exit(1)
}

fn fail(line: &Post, reply: Reply) -> ! {
    process::exit(bootstrap::deliver(line, reply))
}
