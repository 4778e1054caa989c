//! Where clients come in, and where their ends are heard.
//!
//! One epoll descriptor hears the bell, the listening socket, the sockets of those who have not
//! said who they are, the ends of clients, and the ends of leases. Only the same user and root get
//! in. When there are too many, or descriptors run out, the door rests for a moment.

use std::collections::HashMap;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use mp_handle::{Bell, Deadline, Descriptor, Parcel, Post, clear_of_streams};
use rustix::event::{Timespec, epoll};
use rustix::io::Errno;
use rustix::net::{SocketFlags, acceptfrom_with, sockopt::socket_peercred};
use rustix::process::geteuid;

use super::client::Client;
use super::limits::{LEASES, Limits};
use super::line::RingLine;
use super::roster::Hold;
use crate::objects::ClientId;
use crate::remote::Arrivals;
use crate::ring::{Hello, Welcome};

const DOOR: u64 = 0;
const BELL: u64 = 1;
const ARRIVALS: u64 = 2;
const FIRST_CLIENT: u64 = 16;
/// Set in the numbers of leases.
const LEASE: u64 = 1 << 63;

/// How long the door rests.
const REST: Duration = Duration::from_millis(100);

/// What can be waited for without the lock of the server.
pub(super) struct Poller {
    epoll: OwnedFd,
    pub(super) bell: Bell,
}

impl Poller {
    pub(super) fn new() -> io::Result<Self> {
        let epoll = clear_of_streams(epoll::create(epoll::CreateFlags::CLOEXEC)?)?;
        let bell = Bell::new().map_err(io::Error::other)?;
        let poller = Self { epoll, bell };
        poller.add(&poller.bell, BELL, epoll::EventFlags::IN)?;
        Ok(poller)
    }

    fn add(&self, fd: impl AsFd, data: u64, flags: epoll::EventFlags) -> io::Result<()> {
        Ok(epoll::add(&self.epoll, fd, epoll::EventData::new_u64(data), flags)?)
    }

    fn modify(&self, fd: impl AsFd, data: u64, flags: epoll::EventFlags) -> io::Result<()> {
        Ok(epoll::modify(&self.epoll, fd, epoll::EventData::new_u64(data), flags)?)
    }

    /// Waits until something happens, no longer than `limit`; returns what has.
    pub(super) fn wait(&self, limit: Duration) -> Vec<u64> {
        let limit = Timespec::try_from(limit).ok();
        let mut events = Vec::with_capacity(64);
        let space = rustix::buffer::spare_capacity(&mut events);
        // Interrupted or not: the caller looks again.
        let _ = epoll::wait(&self.epoll, space, limit.as_ref());
        events.into_iter().map(|event| event.data.u64()).collect()
    }
}

/// Somebody who has not said who it is.
struct Guest {
    socket: Post,
    deadline: Deadline,
}

/// Whom the server hears, beside the requests of clients.
pub(super) struct Door {
    poller: Arc<Poller>,
    listener: OwnedFd,
    /// Clients of other programs, who were asked for the key already.
    arrivals: Arc<Arrivals>,
    limits: Limits,
    guests: HashMap<ClientId, Guest>,
    /// How many local clients there are. Copies of their sockets would keep them open.
    clients: usize,
    leases: HashMap<u64, (Descriptor, Hold)>,
    next: u64,
    rests_until: Option<Deadline>,
}

/// What has happened at the door.
pub(super) enum Event {
    Entered(Vec<Client>),
    /// A client may have said something, or have gone.
    Stirred(ClientId),
}

impl Door {
    pub(super) fn new(poller: Arc<Poller>, listener: OwnedFd, limits: Limits) -> io::Result<Self> {
        let arrivals = Arc::new(Arrivals::new()?);
        poller.add(&listener, DOOR, epoll::EventFlags::IN)?;
        poller.add(arrivals.signal(), ARRIVALS, epoll::EventFlags::IN)?;
        Ok(Self {
            poller,
            listener,
            arrivals,
            limits,
            guests: HashMap::new(),
            clients: 0,
            leases: HashMap::new(),
            next: FIRST_CLIENT,
            rests_until: None,
        })
    }

    /// Where clients of other programs are to be left.
    pub(super) fn arrivals(&self) -> Arc<Arrivals> {
        Arc::clone(&self.arrivals)
    }

    /// Does what an event of the poller asks for.
    pub(super) fn hear(&mut self, data: u64) -> Option<Event> {
        match data {
            DOOR => self.open(),
            BELL => drop(self.poller.bell.clear()),
            ARRIVALS => return Some(Event::Entered(self.usher())),
            lease if lease & LEASE != 0 => drop(self.leases.remove(&lease)),
            guest if self.guests.contains_key(&guest) => {
                return self.receive(guest).map(|client| Event::Entered(vec![client]));
            }
            client => return Some(Event::Stirred(client)),
        }
        None
    }

    /// Takes in those who knock.
    fn open(&mut self) {
        loop {
            if self.guests.len() + self.clients >= self.limits.clients {
                return self.rest();
            }
            match acceptfrom_with(&self.listener, SocketFlags::CLOEXEC) {
                Ok((socket, _)) if is_trusted(&socket) => self.seat(Post::from(socket)),
                Ok(_) | Err(Errno::INTR | Errno::CONNABORTED) => {}
                Err(Errno::WOULDBLOCK) => return,
                Err(_) => return self.rest(),
            }
        }
    }

    fn seat(&mut self, socket: Post) {
        let id = self.next;
        if self.poller.add(&socket, id, epoll::EventFlags::IN).is_ok() {
            self.next += 1;
            let deadline = Deadline::after(self.limits.handshake);
            self.guests.insert(id, Guest { socket, deadline });
        }
    }

    /// Hears what a guest has to say; a client comes of it, or the guest is gone.
    fn receive(&mut self, id: ClientId) -> Option<Client> {
        let Guest { socket, deadline } = self.guests.remove(&id)?;
        let hello = match socket.try_receive() {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.guests.insert(id, Guest { socket, deadline });
                return None;
            }
            received => received.ok()??.1.decode::<Hello>().map_err(|error| error.to_string()),
        };
        let region = match hello.and_then(Hello::check) {
            Ok(region) => region,
            Err(reason) => {
                send(&socket, &Welcome::Refused(reason))?;
                return None;
            }
        };
        // From now on only its end is heard; what else comes is fetched when a request says so.
        self.poller.modify(&socket, id, epoll::EventFlags::empty()).ok()?;
        let bell = self.poller.bell.clone();
        send(&socket, &Welcome::Admitted { bell, max_frame: self.limits.frame })?;
        let line = RingLine::new(&region, socket, self.limits.frame).ok()?;
        self.clients += 1;
        Some(Client::new(id, Box::new(line), self.limits.frame))
    }

    /// Takes in those whom the porter has let in.
    fn usher(&mut self) -> Vec<Client> {
        let mut clients = Vec::new();
        for line in self.arrivals.take() {
            let id = self.next;
            let flags = epoll::EventFlags::IN | epoll::EventFlags::OUT | epoll::EventFlags::ET;
            // Should it fail, the client finds its connection closed.
            if self.poller.add(&line, id, flags).is_ok() {
                self.next += 1;
                clients.push(Client::new(id, Box::new(line), self.limits.frame));
            }
        }
        clients
    }

    /// Lets nobody in any more who was let in by the porter.
    pub(super) fn close(&self) {
        self.arrivals.close();
    }

    /// A client is gone. Its socket is closed, and with that no longer heard.
    pub(super) fn forget(&mut self, client: &Client) {
        if !client.is_remote() {
            self.clients -= 1;
        }
    }

    /// Keeps an object until the line is closed at its other end.
    pub(super) fn keep_lease(&mut self, line: Descriptor, hold: Hold) -> io::Result<()> {
        if self.leases.len() >= LEASES {
            return Err(io::Error::other(format!("at most {LEASES}")));
        }
        let number = LEASE | self.next;
        self.next += 1;
        self.poller.add(&line, number, epoll::EventFlags::empty())?;
        self.leases.insert(number, (line, hold));
        Ok(())
    }

    fn rest(&mut self) {
        if self.poller.modify(&self.listener, DOOR, epoll::EventFlags::empty()).is_ok() {
            self.rests_until = Some(Deadline::after(REST));
        }
    }

    /// Shows those out who have had time enough, and ends a rest.
    pub(super) fn tend(&mut self) {
        self.guests.retain(|_, guest| !guest.deadline.is_expired());
        if self.rests_until.is_some_and(Deadline::is_expired) {
            self.rests_until = None;
            // Should it fail, nobody else gets in: there is nothing to be done about it.
            let _ = self.poller.modify(&self.listener, DOOR, epoll::EventFlags::IN);
        }
    }
}

fn send(socket: &Post, welcome: &Welcome) -> Option<()> {
    socket.send(0, &Parcel::encode(welcome).ok()?).ok()
}

/// Whether it is this user or root.
fn is_trusted(socket: &OwnedFd) -> bool {
    let own = geteuid();
    socket_peercred(socket).is_ok_and(|peer| peer.uid == own || peer.uid.is_root())
}
