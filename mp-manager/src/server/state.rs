//! All that the server has: clients, objects, and who waits until when.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::mem;
use std::sync::Arc;

use mp_handle::Deadline;
use mp_process::catch_panic;

use super::client::Client;
use super::desk;
use super::door::Door;
use super::limits::{Limits, WAITING};
use super::line::Frame;
use super::roster::Hold;
use crate::error::Refusal;
use crate::function::Shim;
use crate::objects::{Aide, ClientId, Object, Outcome, Ran, Reply, Ticket, Turn, WITH_FUNCTION};
use crate::wire::{NO_ANSWER, ObjectId, Put, Reader, RequestHeader, SERVER};

/// An object, or its place while it is away.
pub(super) enum Entry {
    Here(Box<dyn Object>),
    /// A function works on it. Requests wait, and clients have ended, until it is back.
    Away {
        waiting: VecDeque<(Ticket, Vec<u8>)>,
        ended: Vec<ClientId>,
    },
}

/// A function of the user to be run, with the object that it works on. Needs no lock.
pub(super) struct Errand {
    pub(super) object: Box<dyn Object>,
    pub(super) id: ObjectId,
    pub(super) ticket: Ticket,
    pub(super) shim: Shim,
    pub(super) op: u8,
    /// The fields behind the function.
    pub(super) fields: Vec<u8>,
    /// The first reference to the object, if the function makes it.
    pub(super) creation: Option<Hold>,
}

impl Errand {
    pub(super) fn run(&mut self, aide: &Arc<Aide>) -> Ran {
        let fields = Reader::new(&self.fields);
        let ran = catch_panic(|| self.object.run(self.shim, self.op, fields, aide));
        ran.unwrap_or_else(|panic| Err(Refusal::Panicked(panic)))
    }
}

/// Whoever leads has it.
pub(super) struct State {
    pub(super) aide: Arc<Aide>,
    pub(super) limits: Limits,
    pub(super) door: Door,
    /// Functions that clients may call by name.
    pub(super) allowed: HashMap<String, Shim>,
    /// In the order of their numbers.
    pub(super) clients: Vec<Client>,
    pub(super) objects: HashMap<ObjectId, Entry>,
    timers: BTreeSet<(Deadline, Ticket)>,
    /// Who waits, where, and until when.
    parked: HashMap<Ticket, (ObjectId, Deadline)>,
    /// Whose time is over, while the object is away that they wait for.
    late: Vec<(ObjectId, Ticket)>,
    pub(super) has_ended: bool,
    /// Used again and again.
    frame: Frame,
    reply: Reply,
    others: Vec<(Ticket, Reply)>,
}

impl State {
    pub(super) fn new(
        aide: Arc<Aide>,
        limits: Limits,
        door: Door,
        allowed: HashMap<String, Shim>,
    ) -> Self {
        Self {
            aide,
            limits,
            door,
            allowed,
            clients: Vec::new(),
            objects: HashMap::new(),
            timers: BTreeSet::new(),
            parked: HashMap::new(),
            late: Vec::new(),
            has_ended: false,
            frame: Frame::default(),
            reply: Reply::default(),
            others: Vec::new(),
        }
    }

    /// Takes a client in. Its number is older than those of others that were quicker to say who
    /// they are.
    pub(super) fn enter(&mut self, client: Client) {
        let place = self.clients.partition_point(|other| other.id < client.id);
        self.clients.insert(place, client);
    }

    pub(super) fn client(&mut self, id: ClientId) -> Option<&mut Client> {
        let place = self.clients.binary_search_by_key(&id, |client| client.id).ok()?;
        self.clients.get_mut(place)
    }

    #[inline]
    pub(super) fn is_ready(&self) -> bool {
        self.clients.iter().any(Client::is_ready)
    }

    /// Serves the next request of the client in this place; tells whether there was one.
    #[inline]
    pub(super) fn serve_next(&mut self, place: usize) -> Option<Option<Errand>> {
        let client = self.clients.get_mut(place)?;
        self.frame.bytes.clear();
        if !client.receive(&mut self.frame) {
            return None;
        }
        let id = client.id;
        let frame = mem::take(&mut self.frame);
        let errand = self.serve(id, &frame);
        self.frame = frame;
        self.frame.descriptors.clear();
        Some(errand)
    }

    fn serve(&mut self, client: ClientId, frame: &Frame) -> Option<Errand> {
        let mut reader = Reader::new(&frame.bytes);
        let Ok(header) = RequestHeader::read(&mut reader) else {
            self.lose(client);
            return None;
        };
        let ticket = Ticket { client, request: header.id };
        let served = if header.object == SERVER {
            desk::serve(self, ticket, header.op, reader, &frame.descriptors)
        } else {
            self.serve_object(ticket, header, reader, &frame.bytes)
        };
        served.unwrap_or_else(|refusal| {
            self.answer(ticket, Err(refusal));
            None
        })
    }

    fn serve_object(
        &mut self,
        ticket: Ticket,
        header: RequestHeader,
        mut fields: Reader<'_>,
        frame: &[u8],
    ) -> Result<Option<Errand>, Refusal> {
        match self.objects.get_mut(&header.object).ok_or(Refusal::NoObject)? {
            Entry::Away { waiting, .. } => {
                waiting.push_back((ticket, frame.to_vec()));
                self.count_waiting(ticket.client);
                Ok(None)
            }
            Entry::Here(_) if header.op & WITH_FUNCTION != 0 => {
                let shim = self.function(ticket.client, &mut fields)?;
                let errand = self.send_away(header.object, ticket, shim, header.op, fields);
                Ok(errand)
            }
            Entry::Here(object) => {
                self.reply.bytes.clear();
                let mut turn = Turn {
                    aide: &self.aide,
                    ticket,
                    reply: &mut self.reply,
                    others: &mut self.others,
                };
                let outcome = object.handle(header.op, fields, &mut turn)?;
                self.finish(header.object, ticket, outcome);
                Ok(None)
            }
        }
    }

    /// Counts a request that waits; too many end the client.
    fn count_waiting(&mut self, client: ClientId) {
        if let Some(client) = self.client(client) {
            client.waiting += 1;
            client.is_lost |= client.waiting > WAITING;
        }
    }

    /// Reads which function is meant: one that the client has numbered, or one with a name.
    pub(super) fn function(
        &mut self,
        client: ClientId,
        fields: &mut Reader<'_>,
    ) -> Result<Shim, Refusal> {
        if fields.flag()? {
            let name = fields.text()?;
            let known = self.allowed.get(name).copied();
            return known.ok_or_else(|| Refusal::NoSuchFunction(name.to_owned()));
        }
        let number = fields.u32()? as usize;
        let client = self.client(client).ok_or(Refusal::Malformed)?;
        client.functions.get(number).copied().ok_or(Refusal::Malformed)
    }

    fn send_away(
        &mut self,
        id: ObjectId,
        ticket: Ticket,
        shim: Shim,
        op: u8,
        fields: Reader<'_>,
    ) -> Option<Errand> {
        let away = Entry::Away { waiting: VecDeque::new(), ended: Vec::new() };
        let Entry::Here(object) = mem::replace(self.objects.get_mut(&id)?, away) else {
            return None;
        };
        let fields = fields.rest().to_vec();
        Some(Errand { object, id, ticket, shim, op, fields, creation: None })
    }

    /// Does what a request has led to.
    #[inline]
    fn finish(&mut self, object: ObjectId, ticket: Ticket, outcome: Outcome) {
        match outcome {
            Outcome::Answered | Outcome::Entrusted => {
                if let (Outcome::Entrusted, Some(client)) = (&outcome, self.client(ticket.client)) {
                    client.involved.insert(object);
                }
                let mut reply = mem::take(&mut self.reply);
                self.answer(ticket, Ok(&mut reply));
                self.reply = reply;
            }
            Outcome::Parked(deadline) => {
                self.park(object, ticket, deadline);
                if deadline.is_expired() {
                    self.expire_one(object, ticket);
                }
            }
        }
        if !self.others.is_empty() {
            self.answer_others();
        }
    }

    fn park(&mut self, object: ObjectId, ticket: Ticket, deadline: Deadline) {
        self.parked.insert(ticket, (object, deadline));
        if deadline != Deadline::NEVER {
            self.timers.insert((deadline, ticket));
        }
        if let Some(client) = self.client(ticket.client) {
            client.involved.insert(object);
        }
        self.count_waiting(ticket.client);
    }

    /// Answers those who have waited for what was just done.
    fn answer_others(&mut self) {
        for (ticket, mut reply) in mem::take(&mut self.others) {
            self.unpark(ticket);
            self.answer(ticket, Ok(&mut reply));
        }
    }

    fn unpark(&mut self, ticket: Ticket) {
        if let Some((_, deadline)) = self.parked.remove(&ticket) {
            self.timers.remove(&(deadline, ticket));
            if let Some(client) = self.client(ticket.client) {
                client.waiting = client.waiting.saturating_sub(1);
            }
        }
    }

    pub(super) fn answer(&mut self, ticket: Ticket, result: Result<&mut Reply, Refusal>) {
        if ticket.request == NO_ANSWER {
            return;
        }
        if let Some(client) = self.client(ticket.client) {
            client.answer(ticket.request, result);
        }
    }

    /// Takes in what came of an errand; returns the next one for the same object, if there is one.
    pub(super) fn conclude(&mut self, errand: Errand, ran: Ran) -> Option<Errand> {
        let Errand { object, id, ticket, creation, .. } = errand;
        let result = ran.map(|mut reply| {
            if let Some(hold) = creation {
                reply.bytes.put_u64(id);
                reply.grants.push(hold);
            }
            reply
        });
        match result {
            Ok(mut reply) => self.answer(ticket, Ok(&mut reply)),
            Err(refusal) => self.answer(ticket, Err(refusal)),
        }
        let Some(Entry::Away { waiting, ended }) = self.objects.remove(&id) else {
            // Nobody refers to it any more.
            drop_object(object);
            return None;
        };
        self.objects.insert(id, Entry::Here(object));
        self.settle(id, ended);
        self.catch_up(id, waiting)
    }

    /// Lets an object that is back hear of what it has missed.
    fn settle(&mut self, id: ObjectId, ended: Vec<ClientId>) {
        self.with_object(id, |object, turn| {
            object.settle(turn);
            ended.into_iter().for_each(|client| object.forget(client, turn));
        });
        let late = mem::take(&mut self.late);
        late.into_iter().for_each(|(id, ticket)| self.expire_one(id, ticket));
    }

    /// Serves the requests that came while the object was away, until it leaves again.
    fn catch_up(
        &mut self,
        id: ObjectId,
        mut waiting: VecDeque<(Ticket, Vec<u8>)>,
    ) -> Option<Errand> {
        while let Some((ticket, bytes)) = waiting.pop_front() {
            // Without its client a request is void.
            let Some(client) = self.client(ticket.client) else { continue };
            client.waiting = client.waiting.saturating_sub(1);
            let errand = self.serve(ticket.client, &Frame { bytes, descriptors: Vec::new() });
            if errand.is_some() {
                if let Some(Entry::Away { waiting: empty, .. }) = self.objects.get_mut(&id) {
                    *empty = waiting;
                }
                return errand;
            }
        }
        None
    }

    /// Shows an object something that is no request, and answers whom that concerns.
    fn with_object(&mut self, id: ObjectId, show: impl FnOnce(&mut dyn Object, &mut Turn<'_>)) {
        let Some(Entry::Here(object)) = self.objects.get_mut(&id) else { return };
        let ticket = Ticket { client: 0, request: NO_ANSWER };
        let mut turn =
            Turn { aide: &self.aide, ticket, reply: &mut self.reply, others: &mut self.others };
        show(&mut **object, &mut turn);
        self.answer_others();
    }

    /// Answers those whose time is over.
    pub(super) fn expire(&mut self) {
        while let Some(&(deadline, ticket)) = self.timers.first() {
            if !deadline.is_expired() {
                return;
            }
            self.timers.pop_first();
            if let Some(&(id, _)) = self.parked.get(&ticket) {
                self.expire_one(id, ticket);
            }
        }
    }

    fn expire_one(&mut self, id: ObjectId, ticket: Ticket) {
        match self.objects.get_mut(&id) {
            Some(Entry::Away { .. }) => self.late.push((id, ticket)),
            Some(Entry::Here(_)) => {
                let mut answer = None;
                self.with_object(id, |object, turn| answer = object.expire(ticket, turn));
                if let Some(mut reply) = answer {
                    self.unpark(ticket);
                    self.answer(ticket, Ok(&mut reply));
                }
            }
            None => {}
        }
    }

    /// When the next one's time is over.
    pub(super) fn next_deadline(&self) -> Deadline {
        self.timers.first().map_or(Deadline::NEVER, |(deadline, _)| *deadline)
    }

    /// Sends what there was no room for; tells whether some of it is left.
    pub(super) fn flush(&mut self) -> bool {
        self.clients.iter_mut().for_each(Client::flush);
        self.clients.iter().any(Client::has_outbox)
    }

    /// A client is gone. What it asked for before is done all the same.
    pub(super) fn leave(&mut self, id: ClientId) {
        if let Some(client) = self.client(id) {
            client.is_lost |= !client.is_ready();
        }
    }

    fn lose(&mut self, client: ClientId) {
        if let Some(client) = self.client(client) {
            client.is_lost = true;
        }
    }

    /// Sends off the clients that are lost, with all that they had.
    pub(super) fn bid_farewell(&mut self) {
        while let Some(place) = self.clients.iter().position(|client| client.is_lost) {
            let client = self.clients.remove(place);
            let gone: Vec<Ticket> =
                self.parked.keys().filter(|ticket| ticket.client == client.id).copied().collect();
            gone.into_iter().for_each(|ticket| self.unpark(ticket));
            for id in &client.involved {
                if let Some(Entry::Away { ended, .. }) = self.objects.get_mut(id) {
                    ended.push(client.id);
                }
                self.with_object(*id, |object, turn| object.forget(client.id, turn));
            }
            self.door.forget(client.id);
        }
    }

    /// Drops the objects to which nobody refers any more; that may free others.
    pub(super) fn bury(&mut self) {
        loop {
            let dead = self.aide.roster.take_dead();
            if dead.is_empty() {
                return;
            }
            for id in dead {
                match self.objects.remove(&id) {
                    Some(Entry::Here(object)) => drop_object(object),
                    Some(Entry::Away { waiting, .. }) => {
                        let refuse = |(ticket, _)| self.answer(ticket, Err(Refusal::NoObject));
                        waiting.into_iter().for_each(refuse);
                    }
                    None => {}
                }
            }
        }
    }
}

/// The user's own `Drop` may panic.
fn drop_object(object: Box<dyn Object>) {
    let _ = catch_panic(|| drop(object));
}
