//! The thread that watches the leader, and takes over while that runs a long function.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::thread::{self, Thread};
use std::time::Duration;

use super::leader::Server;

/// How long a function may keep the leader.
const TICK: Duration = Duration::from_millis(10);

/// How many functions may run for longer at a time; more than that keep everybody waiting.
const OLD_LEADERS: usize = 256;

impl Server {
    /// Notes that the leader runs a function, and sees to it that somebody watches.
    pub(super) fn begin(&self) {
        let number = self.runs.fetch_add(1, Ordering::Relaxed) + 1;
        self.running.store(number, Ordering::Release);
        let is_awake = &self.watcher_is_awake;
        if !is_awake.load(Ordering::Relaxed) && !is_awake.swap(true, Ordering::AcqRel) {
            self.wake_watcher();
        }
    }

    pub(super) fn wake_watcher(&self) {
        let watcher = self.watcher.lock().unwrap_or_else(PoisonError::into_inner);
        watcher.iter().for_each(Thread::unpark);
    }

    /// Starts a thread that watches the leader.
    pub(super) fn watch(self: &Arc<Self>) {
        let server = Arc::clone(self);
        let name = String::from("mp-manager");
        let started = thread::Builder::new().name(name).spawn(move || server.watch_leader());
        // Without a watcher, long functions keep everybody waiting.
        let thread = started.ok().map(|handle| handle.thread().clone());
        *self.watcher.lock().unwrap_or_else(PoisonError::into_inner) = thread;
        self.watcher_is_awake.store(false, Ordering::Release);
    }

    pub(super) fn watch_leader(self: Arc<Self>) {
        let (mut seen_running, mut seen_runs) = (0, 0);
        while !self.has_ended.load(Ordering::Acquire) {
            let running = self.running.load(Ordering::Acquire);
            if running != 0
                && running == seen_running
                && let Some(term) = self.take_over(running)
            {
                self.watch();
                return self.lead(term);
            }
            let runs = self.runs.load(Ordering::Relaxed);
            if running == 0 && runs == seen_runs {
                self.watcher_is_awake.store(false, Ordering::Release);
                thread::park();
            } else {
                thread::park_timeout(TICK);
            }
            (seen_running, seen_runs) = (running, runs);
        }
    }

    /// Becomes the leader if the old one still runs the same function; returns the new term.
    pub(super) fn take_over(&self, running: u64) -> Option<u64> {
        let _state = self.lock();
        if self.running.load(Ordering::Relaxed) != running
            || self.old_leaders.load(Ordering::Relaxed) >= OLD_LEADERS
        {
            return None;
        }
        self.old_leaders.fetch_add(1, Ordering::Relaxed);
        self.running.store(0, Ordering::Relaxed);
        Some(self.term.fetch_add(1, Ordering::Relaxed) + 1)
    }
}
