//! [`Porter`]: the thread that lets clients in.
//!
//! Who has not shown that it knows the key is nobody's business but the porter's: the thread that
//! serves never hears of it. Greetings go on side by side, each with its deadline. When all places
//! are taken, a new guest takes that of the one who has been there the longest: an honest client
//! needs one round trip, and a silent one stays for ever.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use mp_handle::{Deadline, clear_of_streams};
use mp_queue::connection::{AcceptError, Address, Listener, Peer};
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use serde::{Deserialize, Serialize};

use super::channel::Channel;
use super::greeting::{Host, Identity};
use super::guest::{Guest, Refused};
use super::key::Key;
use super::line::StreamLine;
use super::stream::Stream;
use super::tls::{self, Acceptor};
use super::told;
use crate::error::ManagerError;
use crate::server::Limits;

/// How many may be at the greeting.
const PLACES: usize = 256;

/// How long the porter rests when the system has no descriptor for one more.
const REST: Duration = Duration::from_millis(100);

/// Where a server lets other programs in, and whom.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Gate {
    pub(crate) address: Address,
    pub(crate) key: Key,
    /// What the server shows, if nobody else is to read what is said.
    pub(crate) identity: Option<tls::Identity>,
}

/// A gate that is open.
pub(crate) struct Opened {
    pub(crate) listener: Arc<Listener>,
    key: Key,
    acceptor: Option<Acceptor>,
}

impl Gate {
    /// Listens. The greeting is the porter's, not that of other listeners.
    pub(crate) fn open(self) -> Result<Opened, ManagerError> {
        let acceptor = self.identity.as_ref().map(Acceptor::new).transpose()?;
        let listener = Listener::builder().without_key().backlog(1024).bind(self.address);
        let listener = listener.map_err(io::Error::other);
        let listener = listener.map_err(ManagerError::system("listen for other programs"))?;
        Ok(Opened { listener: Arc::new(listener), key: self.key, acceptor })
    }
}

/// Clients that were let in, on their way to the thread that serves.
pub(crate) struct Arrivals {
    /// `None` when nobody serves any more: who comes then finds its connection closed.
    queue: Mutex<Option<Vec<StreamLine>>>,
    /// Readable when somebody is in the queue.
    signal: OwnedFd,
}

impl Arrivals {
    pub(crate) fn new() -> io::Result<Self> {
        let signal = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        let signal = clear_of_streams(signal)?;
        Ok(Self { queue: Mutex::new(Some(Vec::new())), signal })
    }

    pub(crate) fn signal(&self) -> &OwnedFd {
        &self.signal
    }

    fn lock(&self) -> MutexGuard<'_, Option<Vec<StreamLine>>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, line: StreamLine) {
        if let Some(queue) = self.lock().as_mut() {
            queue.push(line);
        }
        // It cannot fail before it was written to so often as nothing can.
        let _ = rustix::io::write(&self.signal, &1_u64.to_ne_bytes());
    }

    /// Takes all who are there. The signal is cleared before, so that it is set for who comes
    /// meanwhile.
    pub(crate) fn take(&self) -> Vec<StreamLine> {
        let _ = rustix::io::read(&self.signal, &mut [0; 8]);
        self.lock().as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Sends all off who are there, and who comes later.
    pub(crate) fn close(&self) {
        *self.lock() = None;
    }
}

/// The place of one client among those that are let in.
pub(super) struct Seat(Arc<AtomicUsize>);

impl Seat {
    fn take(seats: &Arc<AtomicUsize>, limit: usize) -> Option<Self> {
        if seats.fetch_add(1, Ordering::Relaxed) < limit {
            return Some(Self(Arc::clone(seats)));
        }
        seats.fetch_sub(1, Ordering::Relaxed);
        None
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Whom a porter lets in, and how many.
pub(crate) struct Porter {
    gate: Opened,
    identity: Identity,
    arrivals: Arc<Arrivals>,
    limits: Limits,
}

impl Porter {
    pub(crate) fn new(
        gate: Opened,
        identity: Identity,
        arrivals: Arc<Arrivals>,
        limits: &Limits,
    ) -> Self {
        Self { gate, identity, arrivals, limits: limits.clone() }
    }

    /// Starts the thread, which ends when the listener is closed.
    pub(crate) fn start(self) -> io::Result<()> {
        let name = String::from("mp-porter");
        thread::Builder::new().name(name).spawn(move || self.run()).map(drop)
    }

    fn run(self) {
        let (mut guests, seats) = (Vec::new(), Arc::default());
        loop {
            let silent = self.wait(&guests);
            let mut silent = silent.into_iter();
            for guest in std::mem::take(&mut guests) {
                match silent.next() {
                    Some(true) if !guest.deadline.is_expired() => guests.push(guest),
                    _ => guests.extend(self.hear(guest, &seats)),
                }
            }
            match self.receive(&mut guests) {
                Err(AcceptError::Closed) => return,
                Err(AcceptError::Io(_)) => thread::sleep(REST),
                _ => {}
            }
        }
    }

    /// Waits until somebody comes or says something, or until one has had time enough; tells of
    /// each guest whether it was silent.
    fn wait(&self, guests: &[Guest]) -> Vec<bool> {
        let first = guests.iter().map(|guest| guest.deadline).min();
        let limit = first.and_then(Deadline::remaining);
        let limit: Option<Timespec> = limit.and_then(|left| left.try_into().ok());
        let mut heard: Vec<_> =
            guests.iter().map(|guest| PollFd::new(guest, PollFlags::IN)).collect();
        heard.push(PollFd::new(&*self.gate.listener, PollFlags::IN));
        // Interrupted, nobody has said anything; the next turn tells.
        let _ = poll(&mut heard, limit.as_ref());
        heard.into_iter().take(guests.len()).map(|one| one.revents().is_empty()).collect()
    }

    /// Gives places to those who knock.
    fn receive(&self, guests: &mut Vec<Guest>) -> Result<(), AcceptError> {
        loop {
            let connection = match self.gate.listener.try_accept() {
                Err(AcceptError::TimedOut) => return Ok(()),
                accepted => accepted?,
            };
            let name = self.gate.listener.last_accepted().map_or_else(String::new, name);
            let host = Host::new(self.gate.key.clone()).map_err(AcceptError::Io)?;
            let tls = self.gate.acceptor.as_ref().map(Acceptor::accept).transpose();
            let tls = tls.map_err(|error| AcceptError::Io(io::Error::other(error)))?;
            let channel = Channel::new(Stream::new(connection.into()), tls);
            if guests.len() >= PLACES {
                told::refused(&guests.remove(0).name, &Refused::Displaced);
            }
            guests.push(Guest::new(channel, host, Deadline::after(self.limits.handshake), name));
        }
    }

    /// Goes on with a greeting; returns the guest if it is not over.
    fn hear(&self, mut guest: Guest, seats: &Arc<AtomicUsize>) -> Option<Guest> {
        let refused = match guest.advance() {
            Ok(true) => {
                self.admit(guest, seats);
                return None;
            }
            Ok(false) if !guest.deadline.is_expired() => return Some(guest),
            Ok(false) => Refused::Late,
            Err(refused) => refused,
        };
        told::refused(&guest.name, &refused);
        None
    }

    /// Hands a guest over that has proved itself, if there is a seat.
    fn admit(&self, guest: Guest, seats: &Arc<AtomicUsize>) {
        let name = guest.name.clone();
        let seat = Seat::take(seats, self.limits.clients);
        match (guest.admit(seat.as_ref().map(|_| self.identity)), seat) {
            (Ok(channel), Some(seat)) => {
                told::admitted(&name);
                self.arrivals.push(StreamLine::new(channel, self.limits.frame, name, seat));
            }
            (Err(refused), _) => told::refused(&name, &refused),
            (Ok(_), None) => {}
        }
    }
}

fn name(peer: Peer) -> String {
    match peer {
        Peer::Tcp(address) => address.to_string(),
        Peer::Unix { uid } => format!("user {uid}"),
        _ => String::new(),
    }
}
