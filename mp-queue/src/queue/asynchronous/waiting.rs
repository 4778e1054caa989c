//! [`Waiting`]: what a task waits by.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use mp_handle::SLICE;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::task::coop::poll_proceed;
use tokio::time::{Instant, Sleep, sleep};

/// A descriptor that becomes readable when a bell rings, and the slice after which the task looks
/// again whether it rang or not.
#[derive(Debug)]
pub(super) struct Waiting {
    /// A duplicate, for a poll knows each descriptor but once, and many tasks may use one handle.
    /// If the system has none left, the slices must do.
    bell: Option<AsyncFd<OwnedFd>>,
    slice: Pin<Box<Sleep>>,
}

impl Waiting {
    /// Registers the descriptor with the runtime of the caller.
    fn new(fd: BorrowedFd<'_>) -> Waiting {
        Waiting { bell: register(fd).ok(), slice: Box::pin(sleep(SLICE)) }
    }

    /// Is ready once for each bell and each slice.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        // Both are asked, whatever the first answers: either shall wake the task.
        let bell = self.bell.as_ref().map_or(Poll::Pending, |bell| bell.poll_read_ready(cx));
        let slice = self.slice.as_mut().poll(cx);
        if let Poll::Ready(Ok(mut ready)) = bell {
            // What comes from now on is news: the caller arms and looks after this.
            ready.clear_ready();
        } else if slice.is_pending() {
            return Poll::Pending;
        }
        self.slice.as_mut().reset(Instant::now() + SLICE);
        Poll::Ready(())
    }
}

fn register(fd: BorrowedFd<'_>) -> io::Result<AsyncFd<OwnedFd>> {
    let fd = fd.try_clone_to_owned()?;
    // SAFETY: an owned descriptor stays what it is until it is dropped.
    Ok(unsafe { AsyncFd::register_with_interest(fd, Interest::READABLE) }?)
}

/// Tries until an attempt gives something, and waits between the attempts.
///
/// `attempt` returns `None` if nothing can be done now; before that it has armed the bell of the
/// descriptor `fd`. What to wait by is made when it is first needed.
pub(super) fn poll_until<R>(
    waiting: &mut Option<Waiting>,
    fd: BorrowedFd<'_>,
    cx: &mut Context<'_>,
    mut attempt: impl FnMut() -> Option<R>,
) -> Poll<R> {
    // A task that never has to wait lets others run all the same.
    let turn = ready!(poll_proceed(cx));
    loop {
        if let Some(result) = attempt() {
            turn.made_progress();
            return Poll::Ready(result);
        }
        ready!(waiting.get_or_insert_with(|| Waiting::new(fd)).poll(cx));
    }
}
