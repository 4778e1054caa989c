//! The fork server, as its user sees it.
//!
//! ```text
//! this process ──spawn──► server ──fork──► child
//!       │                                    │
//!       └────────── parent of both ──────────┘
//! ```
//!
//! The server is a child like others, whose task is to preload and then to fork. It is given one
//! thing for each fork: the child's end of the socket to this process, in which the child finds
//! what any child does: what to be, and what to do. The server makes it a child of ours
//! (`CLONE_PARENT`), so nobody has to tell us how it ended, and nothing that happens to the server
//! afterwards matters to it.
//!
//! What may happen to the server meanwhile: it is killed at any point. Its number of the child is
//! in shared memory before the child exists for anybody (see [`sys::Cloner`]). So when the server
//! is gone, that word says whether there is a child. If there is none, another server is started,
//! and asked with a new socket; whatever had the old one has lost it.
//!
//! [`sys::Cloner`]: crate::sys::Cloner

mod error;
mod running;
mod template;

use std::io;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use mp_handle::{Deadline, Parcel, Post};
use rustix::process::Pid;
use serde::{Deserialize, Serialize};

pub use error::ForkServerError;
pub(crate) use template::{Template, serve};

use crate::environment;
use crate::error::{ForeignFunction, SpawnError};
use crate::func::Func;
use running::{Lost, Running};

/// What a server loads before it serves.
pub(crate) type Preload = Option<Result<Func<(), ()>, ForeignFunction>>;

/// So many servers in a row may be killed before they have forked once.
const ATTEMPTS: usize = 5;

/// What the server says.
#[derive(Debug, Serialize, Deserialize)]
enum Answer {
    /// It can be asked.
    Ready,
    /// So many other threads are there: it does not serve.
    Threads(usize),
    /// There is a child.
    Forked,
    /// The system has refused something.
    Refused { what: Refusal, errno: i32 },
}

/// What a system may refuse to the server.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
enum Refusal {
    Prepare,
    Receive,
    Fork,
}

impl Answer {
    fn refused(what: Refusal, error: &io::Error) -> Self {
        Self::Refused { what, errno: error.raw_os_error().unwrap_or(libc::ENOTSUP) }
    }
}

impl From<Refusal> for &'static str {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Prepare => "make a fork server",
            Refusal::Receive => "hand a socket to the fork server",
            Refusal::Fork => "fork a process",
        }
    }
}

/// The server of a context, which runs once it is needed.
#[derive(Debug)]
pub(crate) struct ForkServer {
    preload: Preload,
    /// That of this process when it was first needed, and of the server when that has preloaded.
    environment: OnceLock<Vec<u8>>,
    running: Mutex<Option<Running>>,
}

impl ForkServer {
    pub(crate) fn new(preload: Preload) -> Self {
        Self { preload, environment: OnceLock::new(), running: Mutex::new(None) }
    }

    /// What it preloads, if that can be told to another process.
    pub(crate) fn preload(&self) -> Option<Func<(), ()>> {
        self.preload.as_ref()?.as_ref().ok().copied()
    }

    /// What its children have as environment if they are given no other.
    pub(crate) fn environment(&self) -> &[u8] {
        self.environment.get_or_init(environment::own_text)
    }

    /// Forks a child that finds `parcel` in its socket; returns our end of that.
    pub(crate) fn fork(
        &self,
        head: u64,
        parcel: &Parcel,
        timeout: Duration,
    ) -> Result<(Pid, Post), SpawnError> {
        let preload = self.preload.clone().transpose()?;
        let deadline = Deadline::after(timeout);
        let mut place = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        for _ in 0..ATTEMPTS {
            // In a forked copy of this process it is the server of another.
            let kept = place.take().filter(Running::is_ours);
            let server = match kept {
                Some(server) => server,
                None => Running::start(preload, self.environment(), timeout, deadline)?,
            };
            let (ours, theirs) = Post::pair().map_err(SpawnError::system("make a socket pair"))?;
            ours.send(head, parcel).map_err(SpawnError::system("send the arguments"))?;
            match server.fork(theirs, deadline) {
                Ok(pid) => {
                    *place = Some(server);
                    return Ok((pid, ours));
                }
                Err(Lost::Refused(error)) => {
                    *place = Some(server);
                    return Err(error);
                }
                // Its last word may have been a child.
                Err(Lost::Gone(Some(pid))) => return Ok((pid, ours)),
                Err(Lost::Gone(None)) => {}
                Err(Lost::Silent) => {
                    return Err(ForkServerError::TimedOut { after: timeout }.into());
                }
            }
        }
        Err(ForkServerError::Killed.into())
    }
}
