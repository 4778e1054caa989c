//! Waiting in asynchronous code: the runtime's own poll looks at the pidfd, and no thread waits.
#![allow(unsafe_code)]

use std::fmt;
use std::future::{IntoFuture, poll_fn};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::pin::Pin;
use std::task::{Context, Poll};

use mp_handle::Deadline;
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};
use serde::de::DeserializeOwned;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::child::Child;
use crate::outcome::{ExitStatus, Failure, JoinError};
use crate::process::Process;

/// A child, as the runtime polls it.
struct Sentinel(Child);

impl AsRawFd for Sentinel {
    fn as_raw_fd(&self) -> RawFd {
        self.0.sentinel().as_raw_fd()
    }
}

/// What the runtime watches for a child.
struct Watch {
    end: AsyncFd<Sentinel>,
    /// When the child should have begun; it is looked at once more then.
    start: Option<AsyncFd<OwnedFd>>,
}

impl Watch {
    fn new(child: &Child) -> io::Result<Self> {
        let end = Sentinel(child.clone());
        // SAFETY: a child owns its pidfd, never exchanges it, and closes it when dropped.
        let end = unsafe { AsyncFd::register_with_interest(end, Interest::READABLE) }?;
        let start = child.start_deadline().map(timer).transpose()?;
        Ok(Self { end, start })
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<ExitStatus>> {
        loop {
            if let Some(status) = self.end.get_ref().0.exit_status() {
                return Poll::Ready(Ok(status));
            }
            if let Poll::Ready(ended) = self.end.poll_read_ready(cx) {
                ended?.clear_ready();
                continue;
            }
            match self.start.as_ref().map(|timer| timer.poll_read_ready(cx).map_ok(drop)) {
                Some(Poll::Ready(rung)) => {
                    rung?;
                    self.start = None;
                }
                Some(Poll::Pending) | None => return Poll::Pending,
            }
        }
    }
}

/// A descriptor that becomes readable at the deadline. It needs none of the runtime's timers, which
/// a program may have left out.
fn timer(deadline: Deadline) -> io::Result<AsyncFd<OwnedFd>> {
    let flags = TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK;
    let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
    // Zero would be never.
    let left = deadline.remaining().unwrap_or_default().max(std::time::Duration::from_nanos(1));
    let once = Itimerspec {
        it_interval: Timespec::default(),
        // One too long for the system is as good as the longest.
        it_value: left.try_into().unwrap_or(Timespec { tv_sec: i64::MAX, tv_nsec: 0 }),
    };
    timerfd_settime(&timer, TimerfdTimerFlags::empty(), &once)?;
    // SAFETY: the only owner of the descriptor.
    Ok(unsafe { AsyncFd::register_with_interest(timer, Interest::READABLE) }?)
}

impl Child {
    /// Waits until it ends, as [`wait`](Child::wait) does, in asynchronous code. It may be
    /// cancelled, and begun again.
    ///
    /// # Errors
    ///
    /// The system's error if the runtime cannot watch one more descriptor.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime, or in one without I/O.
    ///
    /// # Examples
    ///
    /// ```
    /// # mp_process::init();
    /// # let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    /// # runtime.block_on(async {
    /// let child = mp_process::spawn(std::thread::park, ())?;
    /// child.terminate()?;
    /// assert!(!child.wait_async().await?.success());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub async fn wait_async(&self) -> io::Result<ExitStatus> {
        let mut watch = Watch::new(self)?;
        poll_fn(|cx| watch.poll(cx)).await
    }
}

/// A process that is awaited: [`Process::join`] in asynchronous code. To drop it is to drop the
/// process, which runs on.
#[must_use = "nothing waits before this is polled"]
pub struct Joining<R> {
    waiting: Pin<Box<dyn Future<Output = Result<R, JoinError>> + Send>>,
}

impl<R: DeserializeOwned + 'static> IntoFuture for Process<R> {
    type Output = Result<R, JoinError>;
    type IntoFuture = Joining<R>;

    /// Waits as [`join`](Process::join) does.
    ///
    /// # Panics
    ///
    /// When it is polled outside of a tokio runtime, or in one without I/O.
    fn into_future(mut self) -> Joining<R> {
        let waiting = async move {
            self.close_stdin();
            match self.wait_async().await {
                Ok(status) => self.finish(status),
                Err(error) => Err(self.error(Failure::Unwatched { reason: error.to_string() })),
            }
        };
        Joining { waiting: Box::pin(waiting) }
    }
}

impl<R> Future for Joining<R> {
    type Output = Result<R, JoinError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.waiting.as_mut().poll(cx)
    }
}

impl<R> fmt::Debug for Joining<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Joining").finish_non_exhaustive()
    }
}
