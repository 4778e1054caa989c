//! The parent's side of a child: to wait for it, to stop it, to know how it ended.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use mp_handle::{Deadline, Parcel, Post, wait_readable};
use rustix::io::Errno;
use rustix::process::{Pid, WaitId, WaitIdOptions};

use crate::builder::Builder;
use crate::outcome::{ExitStatus, Failure, Panic};
use crate::registry;
use crate::sys;
use crate::wire::Tag;

/// A child of this process, whatever it computes: the part of a [`Process`](crate::Process) that
/// can be cloned, and that [`active_children`](crate::active_children) lists.
///
/// Dropping it does nothing to the child.
#[derive(Clone, Debug)]
pub struct Child {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    pid: u32,
    name: String,
    daemon: bool,
    detached: bool,
    /// It works for this library: the program knows nothing of it.
    helper: bool,
    pidfd: OwnedFd,
    /// Closed when the child has ended and the last handle is gone: its end kills the child.
    post: Post,
    start_timeout: Duration,
    start_by: Deadline,
    state: Mutex<State>,
}

/// What is known of the child so far.
#[derive(Debug, Default)]
struct State {
    status: Option<ExitStatus>,
    /// It has reached `init`.
    begun: bool,
    /// It was killed because it had not begun in time.
    overdue: bool,
    answer: Option<(Tag, Parcel)>,
    /// Why its answer could not be received.
    broken: Option<String>,
    taken: bool,
}

impl Child {
    pub(crate) fn new(pid: Pid, name: String, pidfd: OwnedFd, post: Post, made: &Builder) -> Self {
        let inner = Inner {
            pid: pid.as_raw_pid().unsigned_abs(),
            name,
            daemon: made.settings.daemon,
            detached: made.settings.detached,
            helper: made.helper,
            pidfd,
            post,
            start_timeout: made.start_timeout,
            start_by: Deadline::after(made.start_timeout),
            state: Mutex::default(),
        };
        Self { inner: Arc::new(inner) }
    }

    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner)
    }

    /// Its process id.
    #[doc(alias = "ident")]
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.inner.pid
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// Whether it is stopped, not joined, when this process ends.
    #[must_use]
    pub fn is_daemon(&self) -> bool {
        self.inner.daemon
    }

    /// Whether it lives on when this process ends.
    #[must_use]
    pub fn is_detached(&self) -> bool {
        self.inner.detached
    }

    /// Lets go of the line to a child that is none of this process: it would hide the death of the
    /// parent, of which this is a forked copy. Other handles of the child may be left.
    pub(crate) fn cut_line(&self) {
        if let Ok(null) = File::open("/dev/null") {
            let _ = sys::replace(self.inner.post.as_fd(), null.as_fd());
        }
    }

    pub(crate) fn is_helper(&self) -> bool {
        self.inner.helper
    }

    /// Whether it has not ended yet.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.exit_status().is_none()
    }

    /// How it ended, or `None` while it is alive. Never blocks.
    #[doc(alias = "exitcode")]
    #[doc(alias = "try_wait")]
    #[must_use = "asking changes nothing"]
    pub fn exit_status(&self) -> Option<ExitStatus> {
        self.reap()
    }

    /// Waits until it ends.
    pub fn wait(&self) -> ExitStatus {
        loop {
            if let Some(status) = self.wait_until(Deadline::NEVER) {
                return status;
            }
        }
    }

    /// Waits until it ends, but no longer than `timeout`; `None` if it is alive then.
    pub fn wait_timeout(&self, timeout: Duration) -> Option<ExitStatus> {
        self.wait_until(Deadline::after(timeout))
    }

    fn wait_until(&self, deadline: Deadline) -> Option<ExitStatus> {
        loop {
            if let Some(status) = self.reap() {
                return Some(status);
            }
            if deadline.is_expired() {
                return None;
            }
            // Until it has begun, it is looked at once more when it should have.
            let start_by = self.start_deadline().unwrap_or(Deadline::NEVER);
            wait_readable(self.sentinel(), deadline.min(start_by));
        }
    }

    /// When it should have begun, if it has not, and that is to come.
    pub(crate) fn start_deadline(&self) -> Option<Deadline> {
        let start_by = self.inner.start_by;
        (!self.state().begun && !start_by.is_expired()).then_some(start_by)
    }

    /// Takes the status if the child has ended; kills it if it should have begun and has not.
    fn reap(&self) -> Option<ExitStatus> {
        let mut state = self.state();
        if state.status.is_some() {
            return state.status;
        }
        let Some(status) = self.ask_system() else {
            self.enforce_start(&mut state);
            return None;
        };
        self.receive(&mut state);
        // Before anybody else knows: who has heard of the end does not find it listed.
        registry::remove(self);
        state.status = Some(status);
        Some(status)
    }

    fn ask_system(&self) -> Option<ExitStatus> {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG;
        let wait = || rustix::process::waitid(WaitId::PidFd(self.sentinel()), options);
        match rustix::io::retry_on_intr(wait) {
            Ok(status) => status.as_ref().map(ExitStatus::from_wait),
            // It is nobody's child any more, or there was never more than the stand-in of
            // `open_pidfd`: somebody else has taken the status, when it had ended.
            Err(_) => {
                wait_readable(self.sentinel(), Deadline::now()).then_some(ExitStatus::Unknown)
            }
        }
    }

    fn enforce_start(&self, state: &mut State) {
        if state.begun || state.overdue || !self.inner.start_by.is_expired() {
            return;
        }
        self.receive(state);
        if !state.begun {
            state.overdue = true;
            // It fails only if the child has ended just now.
            let _ = sys::send_signal(self.sentinel(), libc::SIGKILL);
        }
    }

    /// Asks it to end: sends SIGTERM. It is no error if the child has ended already.
    ///
    /// # Errors
    ///
    /// The system's error if the child has become another user's.
    pub fn terminate(&self) -> io::Result<()> {
        self.send_signal(libc::SIGTERM)
    }

    /// Ends it: sends SIGKILL. It is no error if the child has ended already.
    ///
    /// # Errors
    ///
    /// The system's error if the child has become another user's.
    pub fn kill(&self) -> io::Result<()> {
        self.send_signal(libc::SIGKILL)
    }

    /// Interrupts it, as Ctrl-C does: sends SIGINT. It is no error if the child has ended
    /// already.
    ///
    /// # Errors
    ///
    /// The system's error if the child has become another user's.
    pub fn interrupt(&self) -> io::Result<()> {
        self.send_signal(libc::SIGINT)
    }

    /// Sends it a signal; never to another process that got the same id. It is no error if the
    /// child has ended already.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::InvalidInput`] if there is no such signal, or the system's error if the
    /// child has become another user's.
    pub fn send_signal(&self, signal: i32) -> io::Result<()> {
        if self.state().status.is_some() {
            return Ok(());
        }
        match sys::send_signal(self.sentinel(), signal) {
            Err(error) if error.raw_os_error() == Some(Errno::SRCH.raw_os_error()) => Ok(()),
            // The stand-in of `open_pidfd`.
            Err(error) if error.raw_os_error() == Some(Errno::BADF.raw_os_error()) => Ok(()),
            result => result,
        }
    }

    /// A descriptor that polls as readable when the child has ended: its pidfd, to be waited for
    /// together with others.
    #[must_use]
    pub fn sentinel(&self) -> BorrowedFd<'_> {
        self.inner.pidfd.as_fd()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in what the child has sent.
    fn receive(&self, state: &mut State) {
        loop {
            match self.inner.post.try_receive() {
                Ok(Some((number, parcel))) => match Tag::from_number(number) {
                    Some(Tag::Hello) => state.begun = true,
                    Some(tag) => state.answer = Some((tag, parcel)),
                    None => state.broken = Some(format!("message {number} is not known")),
                },
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => {
                    state.broken = Some(error.to_string());
                    return;
                }
                Ok(None) | Err(_) => return,
            }
        }
    }

    /// Whether it was killed because it had not begun in time.
    pub(crate) fn is_overdue(&self) -> bool {
        self.state().overdue
    }

    /// What the function returned, or why there is nothing. The child has ended.
    pub(crate) fn take_answer(&self, status: ExitStatus) -> Result<Parcel, Failure> {
        let mut state = self.state();
        if std::mem::replace(&mut state.taken, true) {
            return Err(Failure::ResultTaken);
        }
        let text = |parcel: Parcel| parcel.decode().unwrap_or_else(|error| error.to_string());
        Err(match (state.answer.take(), state.broken.take()) {
            (Some((Tag::Returned, parcel)), _) => return Ok(parcel),
            (Some((Tag::Panicked, parcel)), _) => match parcel.decode::<Panic>() {
                Ok(panic) => Failure::Panicked(panic),
                Err(error) => Failure::ResultUndecodable { reason: error.to_string() },
            },
            (Some((Tag::NotEncoded, parcel)), _) => {
                Failure::ResultUndecodable { reason: text(parcel) }
            }
            (Some((_, parcel)), _) => Failure::FailedToStart { reason: text(parcel) },
            (None, Some(reason)) => Failure::ResultUndecodable { reason },
            (None, None) if state.overdue => {
                let after = self.inner.start_timeout;
                Failure::FailedToStart { reason: format!("it did not reach init within {after:?}") }
            }
            (None, None) if !state.begun && status != ExitStatus::Unknown => {
                Failure::FailedToStart { reason: format!("it {status} before it reached init") }
            }
            (None, None) => status.into(),
        })
    }
}
