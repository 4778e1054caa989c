//! A client, and what it has.

use std::collections::{HashMap, HashSet, VecDeque};

use mp_handle::{Deadline, Parcel};

use super::line::{Frame, Line, Lost};
use super::roster::Hold;
use crate::error::Refusal;
use crate::function::Shim;
use crate::objects::{ClientId, Reply};
use crate::wire::{DONE, ObjectId};

/// The status of an answer that is a refusal.
pub(crate) const REFUSED: u8 = 1;

/// Answers that a client has not taken in: more than that are not made for it.
const OUTBOX: usize = 1024;
const OUTBOX_BYTES: usize = 16 << 20;

/// The server's end of a connection.
pub(super) struct Client {
    pub(super) id: ClientId,
    line: Box<dyn Line>,
    /// Its references to objects, each with the number of times that it was given.
    holds: HashMap<ObjectId, (Hold, u64)>,
    /// Where it waits, or holds something: objects that must hear of its end.
    pub(super) involved: HashSet<ObjectId>,
    /// The functions that it has numbered.
    pub(super) functions: Vec<Shim>,
    /// How many of its requests wait.
    pub(super) waiting: usize,
    /// Answers for which there was no room.
    outbox: VecDeque<(u64, u8, Vec<u8>)>,
    /// The bytes in them.
    unsent: usize,
    /// It has broken the protocol, or is gone.
    pub(super) is_lost: bool,
    /// The longest answer.
    limit: usize,
}

impl Client {
    pub(super) fn new(id: ClientId, line: Box<dyn Line>, limit: usize) -> Self {
        Self {
            id,
            line,
            holds: HashMap::new(),
            involved: HashSet::new(),
            functions: Vec::new(),
            waiting: 0,
            outbox: VecDeque::new(),
            unsent: 0,
            is_lost: false,
            limit,
        }
    }

    #[inline]
    pub(super) fn is_ready(&self) -> bool {
        self.line.is_ready() && self.outbox.is_empty() && !self.is_lost
    }

    /// Whether there are answers for which nobody says when there is room.
    pub(super) fn has_outbox(&self) -> bool {
        !self.outbox.is_empty() && !self.is_lost && !self.line.is_remote()
    }

    pub(super) fn is_remote(&self) -> bool {
        self.line.is_remote()
    }

    /// Waits a moment for its next request, if that is likely to come.
    pub(super) fn spin(&mut self, deadline: Deadline) -> bool {
        let spun = self.line.spin(deadline);
        self.note(spun)
    }

    /// Hears that something has happened to the connection.
    pub(super) fn stir(&mut self) {
        if !self.line.stir() {
            self.is_lost |= !self.is_ready();
        }
    }

    /// Takes its next request. Who does not take in its answers is not heard.
    #[inline]
    pub(super) fn receive(&mut self, frame: &mut Frame) -> bool {
        if self.is_lost || !self.outbox.is_empty() {
            return false;
        }
        let received = self.line.receive(frame);
        self.note(received)
    }

    fn note(&mut self, result: Result<bool, Lost>) -> bool {
        self.is_lost |= result.is_err();
        result.unwrap_or(false)
    }

    pub(super) fn settle(&mut self) {
        self.line.settle();
    }

    pub(super) fn answer(&mut self, id: u64, result: Result<&mut Reply, Refusal>) {
        match result {
            Ok(reply) if reply.bytes.len() <= self.limit => {
                for hold in reply.grants.drain(..) {
                    self.grant(hold);
                }
                self.send(id, DONE, &reply.bytes);
            }
            Ok(_) => self.refuse(id, &Refusal::Limit(format!("{} bytes an answer", self.limit))),
            Err(refusal) => self.refuse(id, &refusal),
        }
    }

    #[cold]
    fn refuse(&mut self, id: u64, refusal: &Refusal) {
        let parcel = Parcel::encode(refusal).unwrap_or_default();
        self.send(id, REFUSED, parcel.bytes());
    }

    fn send(&mut self, id: u64, status: u8, body: &[u8]) {
        let sent = self.outbox.is_empty() && {
            let sent = self.line.send(id, status, body);
            self.note(sent)
        };
        if !sent && !self.is_lost {
            self.outbox.push_back((id, status, body.to_vec()));
            self.unsent += body.len();
            self.is_lost = self.outbox.len() > OUTBOX || self.unsent > OUTBOX_BYTES.max(self.limit);
        }
    }

    /// Sends what there was no room for, as far as there is now.
    pub(super) fn flush(&mut self) {
        let flushed = self.line.flush();
        if !self.note(flushed) {
            return;
        }
        while let Some((id, status, body)) = self.outbox.front() {
            let sent = self.line.send(*id, *status, body);
            let len = body.len();
            if !self.note(sent) {
                return;
            }
            self.unsent -= len;
            self.outbox.pop_front();
        }
    }

    /// Notes one more reference of the client.
    pub(super) fn grant(&mut self, hold: Hold) {
        self.holds.entry(hold.id()).or_insert((hold, 0)).1 += 1;
    }

    /// Takes one reference of the client back.
    pub(super) fn release(&mut self, id: ObjectId) {
        if let Some((_, count)) = self.holds.get_mut(&id) {
            *count -= 1;
            if *count == 0 {
                self.holds.remove(&id);
            }
        }
    }
}
