//! The pool's own thread: it sleeps until a worker rings or ends, or an item's time is over.

use std::iter;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::{self, ThreadId};
use std::time::Duration;

use mp_handle::{Bell, Deadline, REST, SLICE};
use mp_process::Child;
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;

use crate::callbacks::Callbacks;
use crate::copies;
use crate::engine::Engine;
use crate::equipment::Gear;
use crate::lines::Lines;
use crate::monitor::Monitor;
use crate::options::Options;

/// What the handles of a pool share with its thread.
pub(crate) struct Shared {
    engine: Mutex<Engine>,
    bell: Bell,
    lines: Option<Arc<Lines>>,
    /// Whether it has ended. The thread tells that when it has nothing of this any more.
    pub(crate) over: Arc<Monitor<bool>>,
    /// The thread, once it runs.
    thread: OnceLock<ThreadId>,
    pub(crate) callbacks: Callbacks,
    pub(crate) settings: Settings,
}

/// What calls have to know of the pool.
pub(crate) struct Settings {
    /// The most items of a chunk.
    pub(crate) max_chunk: usize,
    pub(crate) defaults: Options,
    pub(crate) gear: Gear,
    /// That of the process that made it: one that the user forked off inherits the pool, not the
    /// workers.
    pub(crate) generation: u32,
}

impl Shared {
    pub(crate) fn new(
        engine: Engine,
        bell: Bell,
        lines: Option<Arc<Lines>>,
        callbacks: Callbacks,
        settings: Settings,
    ) -> Self {
        let (engine, over) = (Mutex::new(engine), Arc::new(Monitor::new(false)));
        Self { engine, bell, lines, over, thread: OnceLock::new(), callbacks, settings }
    }

    /// The engine is whole between any two statements that could panic.
    pub(crate) fn engine(&self) -> MutexGuard<'_, Engine> {
        self.engine.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether this process inherits the pool of another, which has the workers.
    pub(crate) fn is_foreign(&self) -> bool {
        self.settings.generation != copies::generation()
    }

    /// Makes the thread look again now.
    pub(crate) fn wake(&self) {
        self.bell.ring();
    }

    /// Does the thread's work for a moment, if an answer may come within that; returns whether
    /// `ready` became true.
    pub(crate) fn help(&self, deadline: Deadline, ready: &dyn Fn() -> bool) -> bool {
        if ready() {
            return true;
        }
        // What is taken in here the workers need not ring for; see `Link::ring`.
        let is_ready = self.bell.spin(deadline, || {
            if let Ok(mut engine) = self.engine.try_lock() {
                engine.pump();
            }
            ready()
        });
        self.callbacks.wake_all();
        is_ready
    }

    /// Waits for a moment until that is written which workers have printed so far.
    pub(crate) fn sync_output(&self, deadline: Deadline) {
        if let Some(lines) = &self.lines {
            lines.sync(deadline);
        }
    }

    /// Waits until the pool has ended; false if the deadline comes first. The thread itself, on
    /// which a waker may drop the pool, does not wait.
    pub(crate) fn wait_over(&self, deadline: Deadline) -> bool {
        let is_here = self.thread.get() == Some(&thread::current().id());
        is_here || self.over.wait(deadline, |&over| over)
    }

    /// The body of the thread.
    pub(crate) fn drive(self: Arc<Self>) {
        self.thread.get_or_init(|| thread::current().id());
        loop {
            let life = self.engine().take_life();
            life.tell();
            self.callbacks.wake_all();
            let (children, next) = {
                let mut engine = self.engine();
                while engine.pump() {}
                engine.grow();
                if engine.is_interrupted() {
                    // It will not be over for anybody who waits.
                    return;
                }
                if engine.is_over() {
                    break;
                }
                let next = engine.enforce_limits();
                (engine.children(), next.unwrap_or(REST))
            };
            self.bell.arm();
            let (has_pumped, slice) = {
                let mut engine = self.engine();
                (engine.pump(), if engine.may_rest() { REST } else { SLICE })
            };
            if self.callbacks.wake_all() || has_pumped {
                continue;
            }
            let deaths = self.sleep(&children, next.min(slice));
            // It fails only if the descriptor were none of ours.
            let _ = self.bell.clear();
            self.bell.disarm();
            if deaths {
                self.engine().bury();
            }
        }
        if let Some(lines) = &self.lines {
            lines.end();
        }
        let life = self.engine().take_life();
        life.tell_end();
        self.callbacks.wake_all();
        // Who is told that it is over finds no descriptor that only this thread still has.
        let over = Arc::clone(&self.over);
        drop(self);
        over.set();
    }

    /// Sleeps; returns whether workers may have ended.
    fn sleep(&self, children: &[Child], timeout: Duration) -> bool {
        let bell = PollFd::new(&self.bell, PollFlags::IN);
        let sentinels = children.iter().map(Child::sentinel);
        let sentinels = sentinels.map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN));
        let mut fds: Vec<_> = iter::once(bell).chain(sentinels).collect();
        let timeout = Timespec {
            tv_sec: timeout.as_secs().cast_signed(),
            tv_nsec: timeout.subsec_nanos().into(),
        };
        match rustix::event::poll(&mut fds, Some(&timeout)) {
            // At the end of a slice everything is looked at, whoever may have said nothing.
            Ok(0) | Err(Errno::INTR) => true,
            Err(_) => self.doze(&timeout),
            Ok(_) => fds[1..].iter().any(|fd| !fd.revents().is_empty()),
        }
    }

    /// Sleeps where the workers cannot be polled, for want of memory, or because the program has
    /// lowered its limit of descriptors to less than it has. Deaths wait until the end of it.
    fn doze(&self, timeout: &Timespec) -> bool {
        let mut bell = [PollFd::new(&self.bell, PollFlags::IN)];
        if let Err(Errno::INVAL | Errno::NOMEM) = rustix::event::poll(&mut bell, Some(timeout)) {
            thread::sleep(SLICE);
        }
        true
    }
}
