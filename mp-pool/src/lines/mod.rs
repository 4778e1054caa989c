//! What workers print, line by line.
//!
//! Each worker has pipes as standard output and error. A thread of the pool reads them, and writes
//! whole lines to the streams of this process: so lines do not mix, and the last words of a worker
//! that dies are known. That thread alone ever waits for who reads our standard output. If nobody
//! does, pipes fill up and workers wait in their `write`, as they would with a stream of ours; the
//! rest of the pool goes on.
//!
//! Whoever has a result wants to see what was printed before it. The kernel is asked whether any
//! pipe has something (that is one system call for all of them, and the usual answer is no), and
//! if so, the thread for a pass: a caller [`sync`](Lines::sync)s.

mod pass;
mod stream;

use std::collections::HashMap;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use mp_handle::{Deadline, clear_of_streams};
use mp_process::Stdio;
use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::event::{EventfdFlags, Timespec, eventfd};

use crate::monitor::Monitor;
pub(crate) use stream::{Stream, Target};

/// Where that goes which workers print.
///
/// # Examples
///
/// ```
/// use mp_pool::{Output, Pool};
///
/// mp_process::init();
/// let pool = Pool::builder().workers(2).output(Output::Null).build()?;
/// pool.map(|n: u32| println!("nobody reads that {n}"), 0..3)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Output {
    /// To the standard output and error of this process, in whole lines that do not mix. What a
    /// task prints is there when its result is, unless nobody takes the output for a second. For
    /// the workers it is a pipe, not a terminal; half a line waits for its end.
    #[default]
    Lines,
    /// As [`Lines`](Self::Lines), with the name of the worker before each line.
    Named,
    /// Workers have the streams of this process themselves: lines of several workers mix, and
    /// [`TaskError::stderr_tail`](crate::TaskError::stderr_tail) is empty.
    Inherit,
    /// Nowhere.
    Null,
}

impl Output {
    /// What the worker has as standard output and error.
    pub(crate) fn stdio(self) -> Stdio {
        match self {
            Self::Lines | Self::Named => Stdio::Piped,
            Self::Inherit => Stdio::Inherit,
            Self::Null => Stdio::Null,
        }
    }
}

/// How long a caller waits for those who read our output, if they take nothing of it.
const PATIENCE: Duration = Duration::from_secs(1);

/// The key of the descriptor that wakes the thread. Streams have others.
const WAKE: u64 = 0;

/// The pipes of all workers of a pool, and the thread that empties them. The thread ends when this
/// is closed and the last pipe has ended, which a child of a worker may keep open.
pub(crate) struct Lines {
    shared: Arc<Shared>,
    /// Whether the thread has ended, or has only pipes left that such a child keeps open.
    rests: Arc<Monitor<bool>>,
    is_named: bool,
}

struct Shared {
    epoll: OwnedFd,
    wake: OwnedFd,
    streams: Mutex<Streams>,
    work: Monitor<Work>,
    /// How many pieces were written so far: who reads them is there.
    written: AtomicU64,
}

#[derive(Default)]
struct Streams {
    by_key: HashMap<u64, Arc<Stream>>,
    next_key: u64,
    /// There will be no more.
    closed: bool,
}

/// What the thread is at.
#[derive(Default)]
struct Work {
    /// It has taken something from pipes, and may not have written it yet.
    busy: bool,
    /// Passes that were asked for, and those that were done.
    asked: u64,
    served: u64,
}

impl Lines {
    /// Starts the thread, if this `output` needs it.
    pub(crate) fn start(output: Output) -> io::Result<Option<Self>> {
        if !matches!(output, Output::Lines | Output::Named) {
            return Ok(None);
        }
        let epoll = clear_of_streams(epoll::create(epoll::CreateFlags::CLOEXEC)?)?;
        let wake = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        let wake = clear_of_streams(wake)?;
        epoll::add(&epoll, &wake, EventData::new_u64(WAKE), EventFlags::IN)?;
        let (streams, work) = (Mutex::default(), Monitor::new(Work::default()));
        let shared = Arc::new(Shared { epoll, wake, streams, work, written: AtomicU64::new(0) });
        let rests = Arc::new(Monitor::new(false));
        thread::Builder::new().name("pool output".into()).spawn({
            let (shared, rests) = (Arc::clone(&shared), Arc::clone(&rests));
            move || {
                shared.forward(&rests);
                drop(shared);
                rests.set();
            }
        })?;
        Ok(Some(Self { shared, rests, is_named: output == Output::Named }))
    }

    /// Takes the reading end of a pipe that the worker of this name has as its `target`.
    pub(crate) fn add(&self, pipe: OwnedFd, target: Target, name: &str) -> io::Result<Arc<Stream>> {
        let prefix = if self.is_named { format!("{name}: ") } else { String::new() };
        let stream = Arc::new(Stream::new(pipe, target, prefix)?);
        let mut streams = self.shared.streams();
        streams.next_key += 1;
        let key = EventData::new_u64(streams.next_key);
        epoll::add(&self.shared.epoll, &*stream, key, EventFlags::IN)?;
        let key = streams.next_key;
        streams.by_key.insert(key, Arc::clone(&stream));
        Ok(stream)
    }

    /// Waits until what workers have printed so far is written, as long as somebody takes it; tells
    /// whether it is.
    pub(crate) fn sync(&self, deadline: Deadline) -> bool {
        let mut work = self.shared.work.lock();
        if !work.value.busy && !self.shared.has_news() {
            return true;
        }
        work.value.asked += 1;
        let asked = work.value.asked;
        drop(work);
        let written = || self.shared.written.load(Ordering::Relaxed);
        loop {
            let before = written();
            let patience = deadline.min(Deadline::after(PATIENCE));
            if self.shared.work.wait(patience, |work| work.served >= asked) {
                return true;
            }
            if deadline.is_expired() || written() == before {
                return false;
            }
        }
    }

    /// Has the lines written that somebody else has read from a pipe.
    pub(crate) fn poke(&self) {
        self.shared.wake();
    }

    /// Says that there are no more workers, and waits until what they have printed is written and
    /// their pipes are closed; but not for the children that a worker has left with its pipes.
    pub(crate) fn end(&self) {
        let is_taken = self.sync(Deadline::NEVER);
        self.close();
        if is_taken {
            self.rests.wait(Deadline::after(PATIENCE), |&rests| rests);
        }
    }

    fn close(&self) {
        self.shared.streams().closed = true;
        self.shared.wake();
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        self.close();
    }
}

impl Shared {
    fn streams(&self) -> MutexGuard<'_, Streams> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake(&self) {
        // It fails only if there were as many wakes before as make no difference.
        let _ = rustix::io::write(&self.wake, &1_u64.to_ne_bytes());
    }

    /// Whether any pipe has something.
    fn has_news(&self) -> bool {
        let mut events = Vec::with_capacity(1);
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        epoll::wait(&self.epoll, spare_capacity(&mut events), Some(&now)).is_ok_and(|n| n > 0)
    }
}
