//! The loop of the server, and who runs it.
//!
//! One thread leads: it polls the rings of all clients, serves what it finds, and when there is
//! nothing it spins for a moment and then sleeps. A function of a user is run by the leader
//! itself, without the lock, since nearly all of them take less time than to wake another thread.
//! A second thread watches (see `watcher`): if a function takes longer than a few milliseconds, the
//! watcher becomes the leader, and another thread watches. The old leader finishes its function,
//! hands over what came of it, and ends. So a function that never returns costs a thread and its own
//! object.

use std::collections::HashMap;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use mp_handle::SLICE;
use mp_queue::connection::Address;

use super::cellar::Cellar;
use super::door::{Door, Event, Poller};
use super::errands::Errand;
use super::limits::Limits;
use super::roster::Roster;
use super::state::State;
use crate::function::Shim;
use crate::objects::Aide;
use crate::origin::Origin;
use crate::remote::Arrivals;

/// Requests of one client before the next one's turn.
const BATCH: usize = 64;

/// A busy server looks at the sockets this often.
const LOOK_EVERY: Duration = Duration::from_millis(1);

/// What all threads of the server share.
pub(super) struct Server {
    state: Mutex<State>,
    poller: Arc<Poller>,
    /// Counts the leaders. Changes under the lock of the state.
    pub(super) term: AtomicU64,
    /// The number of the function that the leader runs, 0 for none.
    pub(super) running: AtomicU64,
    pub(super) runs: AtomicU64,
    pub(super) watcher: Mutex<Option<Thread>>,
    pub(super) watcher_is_awake: AtomicBool,
    pub(super) old_leaders: AtomicUsize,
    pub(super) has_ended: AtomicBool,
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
        let max_bytes = limits.bytes;
        let aide = Arc::new(Aide {
            origin,
            roster,
            max_bytes,
            allows_proxies: true,
            #[cfg(feature = "pool")]
            outside: Arc::new(super::outside::Outside::new(poller.bell.clone())),
        });
        Ok(Arc::new(Self {
            state: Mutex::new(State::new(aide, limits, door, allowed)),
            poller,
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

    /// Serves until the server is told to end. `leave` gives up its address, before anybody hears
    /// of the end: who does may start the next server at once.
    pub(super) fn run_to_end(self: &Arc<Self>, leave: impl FnOnce()) {
        self.watch();
        self.lead(1);
        // Another thread may lead now, and this one is the process.
        while !self.lock().has_ended {
            thread::park_timeout(SLICE);
        }
        leave();
        let mut state = self.lock();
        // The store is closed, which leaves one file where there were two.
        state.cellar = Cellar::default();
        // The process may go on: nobody shall wait for an answer, nor for a leader.
        state.clients.clear();
        state.door.close();
        drop(state);
        self.has_ended.store(true, Ordering::Release);
        self.wake_watcher();
    }

    /// Keeps objects on disk, and takes in those that are there.
    #[cfg(feature = "persist")]
    pub(super) fn keep(&self, keep: &super::cellar::Keep) -> Result<(), String> {
        self.lock().keep(keep)
    }

    /// Lets other programs in, who reach the server at this address; returns where to leave them.
    pub(super) fn open(&self, address: Address) -> Arc<Arrivals> {
        let mut state = self.lock();
        state.address = Some(address);
        state.door.arrivals()
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Leads until the server ends, or another leader has taken over.
    pub(super) fn lead(self: &Arc<Self>, term: u64) {
        let mut state = self.lock();
        let mut looked = Instant::now();
        for turn in 0_u64.. {
            if state.has_ended {
                break;
            }
            let Some((guard, has_served)) = self.serve_all(state, term) else { return };
            state = guard;
            #[cfg(feature = "pool")]
            state.hear_outside();
            state.bury();
            // Those who keep it busy, one way or the other, must not keep others out.
            let is_late = || turn.is_multiple_of(64) && looked.elapsed() > LOOK_EVERY;
            let is_due = state.is_asked() || is_late();
            if is_due || !(has_served || self.spin(&mut state)) {
                state = self.look(state, !is_due);
                looked = Instant::now();
            }
        }
        self.main.unpark();
    }

    /// Waits a moment for a request of somebody who runs on another processor: of another program,
    /// if the last one was, or else of anybody with rings.
    fn spin(&self, state: &mut State) -> bool {
        let deadline = state.next_deadline();
        if state.is_clogged() {
            return false;
        }
        match state.far.and_then(|id| state.client(id)) {
            Some(client) => client.spin(deadline),
            None => self.poller.bell.spin(deadline, || state.is_ready()),
        }
    }

    /// Serves some requests of each client; tells whether there were any. `None` if this thread
    /// does not lead any more.
    fn serve_all<'s>(
        self: &'s Arc<Self>,
        mut state: MutexGuard<'s, State>,
        term: u64,
    ) -> Option<(MutexGuard<'s, State>, bool)> {
        let mut has_served = false;
        state.begin_pass();
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
                    state.far = client.is_remote().then_some(client.id);
                }
            }
        }
        state.end_pass();
        state.commit();
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
            state.commit();
            drop(state);
            let ran = errand.run();
            state = self.lock();
            if leads && self.term.load(Ordering::Relaxed) == term {
                self.running.store(0, Ordering::Relaxed);
            }
            next = state.conclude(errand, ran);
        }
        if self.term.load(Ordering::Relaxed) == term {
            return Some(state);
        }
        state.commit();
        state.bury();
        self.old_leaders.fetch_sub(1, Ordering::Relaxed);
        None
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
