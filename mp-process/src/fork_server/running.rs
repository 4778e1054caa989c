//! A server that runs.

use std::io;
use std::os::fd::OwnedFd;
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use mp_handle::{Deadline, Descriptor, Kind, Parcel, Post, Region, View};
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::process::Pid;

use super::{Answer, ForkServerError, Template};
use crate::child::Child;
use crate::error::SpawnError;
use crate::func::Func;
use crate::method::StartMethod;
use crate::outcome::Failure;
use crate::process::Process;
use crate::start;
use crate::wire::Task;

/// The word that says which child the server has forked last.
pub(super) const BORN: Kind = Kind::new(0x08, "fork server");

/// How long the kernel may take to end a server that was killed.
const BURIAL: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(super) struct Running {
    /// The process whose child the server is.
    owner: u32,
    child: Child,
    control: Post,
    born: View<AtomicU32>,
}

/// Why there is no word from the server that a child was forked.
pub(super) enum Lost {
    /// It says why.
    Refused(SpawnError),
    /// It has ended; if it came to fork the child, this is it.
    Gone(Option<Pid>),
    /// It lived, did not answer in time, and had forked no child.
    Silent,
}

/// What comes of waiting for an answer.
enum Heard {
    Answer(Answer),
    /// The server has ended.
    End,
    Nothing,
}

impl Running {
    /// Starts a server, and waits until it can be asked.
    pub(super) fn start(
        preload: Option<Func<(), ()>>,
        environment: &[u8],
        timeout: Duration,
        deadline: Deadline,
    ) -> Result<Self, SpawnError> {
        let share = SpawnError::system("share a word with the fork server");
        let word = Region::create(BORN, 0, size_of::<AtomicU32>());
        let born = word
            .map_err(io::Error::other)
            .and_then(|region| View::new(&region, 0).map_err(io::Error::other));
        let born: View<AtomicU32> = born.map_err(share)?;
        let (control, theirs) = Post::pair().map_err(SpawnError::system("make a socket pair"))?;
        let template = Template {
            control: Descriptor::from(OwnedFd::from(theirs)),
            born: born.region().clone(),
            preload: preload.as_ref().map(Func::offset),
            environment: environment.to_vec(),
        };
        let mut builder = Process::builder().start_method(StartMethod::Spawn);
        builder = builder.name("ForkServer").daemon(true).start_timeout(timeout);
        builder.helper = true;
        let (child, _) = start::start(&mut builder, Task::Serve(template), &())?;
        let server = Self { owner: process::id(), child, control, born };
        match server.hear(deadline) {
            Heard::Answer(Answer::Ready) => Ok(server),
            Heard::Answer(answer) => Err(answer.into()),
            Heard::End => Err(server.obituary(timeout).into()),
            Heard::Nothing => Err(ForkServerError::TimedOut { after: timeout }.into()),
        }
    }

    /// Why it ended before it could be asked.
    fn obituary(&self, timeout: Duration) -> ForkServerError {
        let status = self.child.wait();
        match self.child.take_answer(status).err().unwrap_or(status.into()) {
            // Another thread that looks after children may have been the one to end it.
            Failure::FailedToStart { .. } if self.child.is_overdue() => {
                ForkServerError::TimedOut { after: timeout }
            }
            failure => ForkServerError::Ended(failure),
        }
    }

    /// Whether it is a child of this process, not of one that this is a forked copy of.
    pub(super) fn is_ours(&self) -> bool {
        self.owner == process::id()
    }

    /// Has a child forked that has `socket`.
    pub(super) fn fork(&self, socket: Post, deadline: Deadline) -> Result<Pid, Lost> {
        self.born.store(0, Ordering::Relaxed);
        let socket = Descriptor::from(OwnedFd::from(socket));
        let request = Parcel::from_parts(Vec::new(), vec![socket]);
        if let Err(error) = self.control.send(0, &request)
            && error.kind() != io::ErrorKind::BrokenPipe
        {
            let what = SpawnError::system("ask the fork server");
            return Err(Lost::Refused(what(error)));
        }
        // From now on the server alone has it: with the server it goes.
        drop(request);
        match self.hear(deadline) {
            Heard::Answer(Answer::Forked) => self.born().ok_or(Lost::Gone(None)),
            Heard::Answer(answer) => Err(Lost::Refused(answer.into())),
            Heard::End => Err(Lost::Gone(self.born())),
            Heard::Nothing => {
                let _ = self.child.kill();
                self.child.wait_timeout(BURIAL);
                Err(self.born().map_or(Lost::Silent, |pid| Lost::Gone(Some(pid))))
            }
        }
    }

    /// The child that was forked last.
    fn born(&self) -> Option<Pid> {
        let pid = self.born.load(Ordering::Acquire);
        i32::try_from(pid).ok().and_then(Pid::from_raw)
    }

    /// Waits for an answer.
    fn hear(&self, deadline: Deadline) -> Heard {
        let ended = self.wait(deadline);
        match self.control.try_receive() {
            Ok(Some((_, parcel))) => match parcel.decode() {
                Ok(answer) => Heard::Answer(answer),
                // No server says anything else: it is out of its mind.
                Err(_) => Heard::Nothing,
            },
            Ok(None) => Heard::End,
            Err(_) if ended => Heard::End,
            Err(_) => Heard::Nothing,
        }
    }

    /// Waits until there is an answer, or the server has ended; returns whether it has.
    ///
    /// A child that was just forked has the server's end of the socket for a moment, or longer if
    /// it is stopped in that: only the pidfd tells the server's end for sure.
    fn wait(&self, deadline: Deadline) -> bool {
        loop {
            let timeout: Option<Timespec> =
                deadline.remaining().and_then(|left| left.try_into().ok());
            let mut fds = [
                PollFd::new(&self.control, PollFlags::IN),
                PollFd::from_borrowed_fd(self.child.sentinel(), PollFlags::IN),
            ];
            match rustix::event::poll(&mut fds, timeout.as_ref()) {
                Ok(0) | Err(_) if deadline.is_expired() => return false,
                Ok(0) | Err(_) => {}
                Ok(_) => return !fds[1].revents().is_empty(),
            }
        }
    }
}

/// Ends the server. Its children live on.
impl Drop for Running {
    fn drop(&mut self) {
        if self.is_ours() {
            // It fails only if the server has ended. Its status is taken at the next start.
            let _ = self.child.kill();
        }
    }
}

/// An answer that is not the one that was hoped for.
impl From<Answer> for SpawnError {
    fn from(answer: Answer) -> Self {
        match answer {
            Answer::Threads(count) => ForkServerError::Threads { count }.into(),
            Answer::Refused { what, errno } => {
                Self::System { what: what.into(), source: io::Error::from_raw_os_error(errno) }
            }
            Answer::Ready | Answer::Forked => Self::System {
                what: "understand the fork server",
                source: io::ErrorKind::InvalidData.into(),
            },
        }
    }
}
