//! The loop of the server, and who runs it.
//!
//! One thread leads: it polls the rings of all clients, serves what it finds, and when there is
//! nothing it spins for a moment and then sleeps. A function of a user is run by the leader
//! itself, without the lock, since nearly all of them take less time than to wake another thread.
//! A second thread watches: if a function takes longer than a [`TICK`], the watcher becomes the
//! leader, and another thread watches. The old leader finishes its function, hands over what came
//! of it, and ends. So a function that never returns costs a thread and its own object.

use std::collections::HashMap;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use mp_handle::SLICE;
use mp_queue::connection::Address;

use super::door::{Door, Event, Poller};
use super::errands::Errand;
use super::limits::Limits;
use super::roster::Roster;
use super::state::State;
use crate::function::Shim;
use crate::objects::Aide;
use crate::origin::Origin;
use crate::remote::Arrivals;

/// How long a function may keep the leader.
const TICK: Duration = Duration::from_millis(10);

/// How many functions may run for longer at a time; more than that keep everybody waiting.
const OLD_LEADERS: usize = 256;

/// Requests of one client before the next one's turn.
const BATCH: usize = 64;

/// A busy server looks at the sockets this often.
const LOOK_EVERY: Duration = Duration::from_millis(1);

/// What all threads of the server share.
pub(super) struct Server {
    state: Mutex<State>,
    poller: Arc<Poller>,
    aide: Arc<Aide>,
    /// Counts the leaders. Changes under the lock of the state.
    term: AtomicU64,
    /// The number of the function that the leader runs, 0 for none.
    running: AtomicU64,
    runs: AtomicU64,
    watcher: Mutex<Option<Thread>>,
    watcher_is_awake: AtomicBool,
    old_leaders: AtomicUsize,
    has_ended: AtomicBool,
    main: Thread,
}

impl Server {
    pub(super) fn new(
        origin: Origin,
        listener: OwnedFd,
        limits: Limits,
        allowed: HashMap<String, Shim>,
    ) -> io::Result<Arc<Self>> {
        let poller = Arc::new(Poller::new()?);
        let door = Door::new(Arc::clone(&poller), listener, limits.clone())?;
        let roster = Arc::new(Roster::default());
        let aide = Arc::new(Aide { origin, roster, max_bytes: limits.bytes });
        Ok(Arc::new(Self {
            state: Mutex::new(State::new(Arc::clone(&aide), limits, door, allowed)),
            poller,
            aide,
            term: AtomicU64::new(1),
            running: AtomicU64::new(0),
            runs: AtomicU64::new(0),
            watcher: Mutex::new(None),
            watcher_is_awake: AtomicBool::new(false),
            old_leaders: AtomicUsize::new(0),
            has_ended: AtomicBool::new(false),
            main: thread::current(),
        }))
    }

    /// Serves until the server is told to end.
    pub(super) fn run_to_end(self: &Arc<Self>) {
        self.watch();
        self.lead(1);
        // Another thread may lead now, and this one is the process.
        while !self.lock().has_ended {
            thread::park_timeout(SLICE);
        }
        // The process may go on: nobody shall wait for an answer, nor for a leader.
        self.lock().clients.clear();
        self.has_ended.store(true, Ordering::Release);
        self.wake_watcher();
    }

    /// Lets other programs in, who reach the server at this address; returns where to leave them.
    pub(super) fn open(&self, address: Address) -> Arc<Arrivals> {
        let mut state = self.lock();
        state.address = Some(address);
        state.door.arrivals()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Leads until the server ends, or another leader has taken over.
    fn lead(self: &Arc<Self>, term: u64) {
        let mut state = self.lock();
        let mut looked = Instant::now();
        for turn in 0_u64.. {
            if state.has_ended {
                break;
            }
            let Some((guard, has_served)) = self.serve_all(state, term) else { return };
            state = guard;
            state.bury();
            // Those who keep it busy, one way or the other, must not keep others out.
            let is_due = turn.is_multiple_of(64) && looked.elapsed() > LOOK_EVERY;
            if is_due || !(has_served || self.spin(&state)) {
                state = self.look(state, !is_due);
                looked = Instant::now();
            }
        }
        self.main.unpark();
    }

    /// Waits a moment for a request of somebody who runs on another processor. Who asks over a
    /// network is heard by the poller alone.
    fn spin(&self, state: &State) -> bool {
        !state.is_far
            && !state.is_clogged()
            && self.poller.bell.spin(state.next_deadline(), || state.is_ready())
    }

    /// Serves some requests of each client; tells whether there were any. `None` if this thread
    /// does not lead any more.
    fn serve_all<'s>(
        self: &'s Arc<Self>,
        mut state: MutexGuard<'s, State>,
        term: u64,
    ) -> Option<(MutexGuard<'s, State>, bool)> {
        let mut has_served = false;
        for place in 0..state.clients.len() {
            let mut count = 0;
            while count < BATCH && !state.has_ended {
                match state.serve_next(place) {
                    None => break,
                    Some(None) => {}
                    Some(Some(errand)) => state = self.run(state, errand, term)?,
                }
                count += 1;
            }
            if count > 0 {
                has_served = true;
                if let Some(client) = state.clients.get_mut(place) {
                    client.settle();
                    state.is_far = client.is_remote();
                }
            }
        }
        Some((state, has_served))
    }

    /// Runs functions without the lock, one after the other as long as they are for one object.
    fn run<'s>(
        self: &'s Arc<Self>,
        mut state: MutexGuard<'s, State>,
        errand: Errand,
        term: u64,
    ) -> Option<MutexGuard<'s, State>> {
        let mut next = Some(errand);
        while let Some(mut errand) = next {
            let leads = self.term.load(Ordering::Relaxed) == term;
            if leads {
                self.begin();
            }
            drop(state);
            let ran = errand.run(&self.aide);
            state = self.lock();
            if leads && self.term.load(Ordering::Relaxed) == term {
                self.running.store(0, Ordering::Relaxed);
            }
            next = state.conclude(errand, ran);
        }
        if self.term.load(Ordering::Relaxed) == term {
            return Some(state);
        }
        state.bury();
        self.old_leaders.fetch_sub(1, Ordering::Relaxed);
        None
    }

    /// Notes that the leader runs a function, and sees to it that somebody watches.
    fn begin(&self) {
        let number = self.runs.fetch_add(1, Ordering::Relaxed) + 1;
        self.running.store(number, Ordering::Release);
        let is_awake = &self.watcher_is_awake;
        if !is_awake.load(Ordering::Relaxed) && !is_awake.swap(true, Ordering::AcqRel) {
            self.wake_watcher();
        }
    }

    fn wake_watcher(&self) {
        let watcher = self.watcher.lock().unwrap_or_else(PoisonError::into_inner);
        watcher.iter().for_each(Thread::unpark);
    }

    /// Starts a thread that watches the leader.
    fn watch(self: &Arc<Self>) {
        let server = Arc::clone(self);
        let name = String::from("mp-manager");
        let started = thread::Builder::new().name(name).spawn(move || server.watch_leader());
        // Without a watcher, long functions keep everybody waiting.
        let thread = started.ok().map(|handle| handle.thread().clone());
        *self.watcher.lock().unwrap_or_else(PoisonError::into_inner) = thread;
        self.watcher_is_awake.store(false, Ordering::Release);
    }

    fn watch_leader(self: Arc<Self>) {
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
    fn take_over(&self, running: u64) -> Option<u64> {
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

    /// Looks at everything that is not a request; waits for something to do if it may.
    fn look<'s>(
        &'s self,
        mut state: MutexGuard<'s, State>,
        may_wait: bool,
    ) -> MutexGuard<'s, State> {
        let bell = &self.poller.bell;
        let is_clogged = state.flush();
        state.bid_farewell();
        if !may_wait {
            return self.attend(state, self.poller.wait(Duration::ZERO));
        }
        bell.arm();
        let slice = match (state.is_ready(), is_clogged) {
            (true, _) => Duration::ZERO,
            (false, true) => LOOK_EVERY,
            (false, false) => SLICE,
        };
        let limit = state.next_deadline().remaining().map_or(slice, |left| left.min(slice));
        drop(state);
        let events = self.poller.wait(limit);
        bell.disarm();
        self.attend(self.lock(), events)
    }

    fn attend<'s>(
        &self,
        mut state: MutexGuard<'s, State>,
        events: Vec<u64>,
    ) -> MutexGuard<'s, State> {
        for event in events {
            match state.door.hear(event) {
                Some(Event::Entered(clients)) => {
                    clients.into_iter().for_each(|client| state.enter(client));
                }
                Some(Event::Stirred(id)) => state.stir(id),
                None => {}
            }
        }
        state.door.tend();
        state.expire();
        state.bid_farewell();
        state.bury();
        state
    }
}
