//! All that the server has: clients, objects, and who waits until when.
//!
//! Here requests are served; what else happens to the state is in `errands`, `waiting` and `ends`.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::hash::BuildHasherDefault;
use std::mem;
use std::sync::Arc;

use mp_handle::Deadline;
use mp_queue::connection::Address;

use super::by_id::ById;
use super::cellar::Cellar;
use super::client::Client;
use super::desk;
use super::door::Door;
use super::errands::{Called, Errand};
use super::hearing::Question;
use super::limits::{Limits, WAITING};
use super::line::Frame;
use super::names::Names;
use crate::error::Refusal;
use crate::function::Shim;
use crate::objects::{Aide, ClientId, Object, Outcome, Reply, Ticket, Turn, WITH_FUNCTION};
use crate::wire::{NO_ANSWER, ObjectId, Reader, RequestHeader, SERVER, op};

/// An object, or its place while it is away.
pub(super) enum Entry {
    Here(Box<dyn Object>),
    /// A function works on it. Requests wait, and clients have ended, until it is back.
    Away {
        waiting: VecDeque<(Ticket, Vec<u8>)>,
        ended: Vec<ClientId>,
    },
}

/// All objects, by number.
pub(super) type Objects = HashMap<ObjectId, Entry, BuildHasherDefault<ById>>;

/// Whoever leads has it.
pub(super) struct State {
    pub(super) aide: Arc<Aide>,
    pub(super) limits: Limits,
    pub(super) door: Door,
    /// Functions that clients may call by name.
    pub(super) allowed: HashMap<String, Shim>,
    /// Where other programs find it.
    pub(super) address: Option<Address>,
    pub(super) names: Names,
    /// In the order of their numbers.
    pub(super) clients: Vec<Client>,
    pub(super) objects: Objects,
    pub(super) cellar: Cellar,
    pub(super) timers: BTreeSet<(Deadline, Ticket)>,
    /// Who waits, where, until when, and since which pass.
    pub(super) parked: HashMap<Ticket, (ObjectId, Deadline, u64)>,
    /// Whose time is over, while the object is away that they wait for.
    pub(super) late: Vec<(ObjectId, Ticket)>,
    /// Whose the last request was, if it came from another program.
    pub(super) far: Option<ClientId>,
    pub(super) has_ended: bool,
    /// Counts how often everybody was heard.
    pub(super) pass: u64,
    pub(super) questions: Vec<Question>,
    /// These are served at the moment.
    pub(super) has_heard: bool,
    /// Used again and again.
    frame: Frame,
    reply: Reply,
    pub(super) others: Vec<(Ticket, Reply)>,
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
            address: None,
            names: Names::new(),
            clients: Vec::new(),
            objects: Objects::default(),
            cellar: Cellar::default(),
            timers: BTreeSet::new(),
            parked: HashMap::new(),
            late: Vec::new(),
            far: None,
            has_ended: false,
            pass: 0,
            questions: Vec::new(),
            has_heard: false,
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
        #[cfg(feature = "pool")]
        if self.aide.outside.has_some() {
            return true;
        }
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

    pub(super) fn serve(&mut self, client: ClientId, frame: &Frame) -> Option<Errand> {
        let mut reader = Reader::new(&frame.bytes);
        let Ok(header) = RequestHeader::read(&mut reader) else {
            self.lose(client);
            return None;
        };
        let ticket = Ticket { client, request: header.id };
        if (header.object, header.op, self.has_heard) == (SERVER, op::INFO, false) {
            self.ask_later(client, &frame.bytes);
            return None;
        }
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
                let aide = self.cellar.aide(header.object)?.unwrap_or(&self.aide);
                let aide = Arc::clone(aide);
                let shim = self.function(ticket.client, &mut fields)?;
                let called = Called { shim, op: header.op, fields: fields.rest().to_vec(), aide };
                Ok(self.send_away(header.object, ticket, called))
            }
            Entry::Here(object) if !self.has_heard && object.is_question(header.op) => {
                self.ask_later(ticket.client, frame);
                Ok(None)
            }
            Entry::Here(object) => {
                // A request that failed may have left something.
                self.reply.bytes.clear();
                self.reply.grants.clear();
                let aide = self.cellar.aide(header.object)?.unwrap_or(&self.aide);
                let (reply, others) = (&mut self.reply, &mut self.others);
                let mut turn = Turn { aide, ticket, reply, others };
                let handled = object.handle(header.op, fields, &mut turn);
                self.cellar.note(header.object, &mut **object);
                self.finish(header.object, ticket, handled?);
                Ok(None)
            }
        }
    }

    /// Counts a request that waits; too many end the client.
    pub(super) fn count_waiting(&mut self, client: ClientId) {
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
            Outcome::Parked(deadline) => self.park(object, ticket, deadline),
        }
        if !self.others.is_empty() {
            self.answer_others();
        }
    }

    pub(super) fn answer(&mut self, ticket: Ticket, result: Result<&mut Reply, Refusal>) {
        if ticket.request == NO_ANSWER {
            return;
        }
        if self.cellar.holds_answers() {
            return self.cellar.hold(ticket, result);
        }
        if let Some(client) = self.client(ticket.client) {
            client.answer(ticket.request, result);
        }
    }

    /// Keeps what was changed of what is to be kept, and sends the answers that have waited for it.
    /// To be called before the lock is given up.
    #[inline]
    pub(super) fn commit(&mut self) {
        for (ticket, mut result) in self.cellar.commit() {
            self.answer(ticket, result.as_mut().map_err(|refusal| refusal.clone()));
        }
    }

    /// Shows an object something that is no request, and answers whom that concerns.
    pub(super) fn with_object(
        &mut self,
        id: ObjectId,
        show: impl FnOnce(&mut dyn Object, &mut Turn<'_>),
    ) {
        let Some(Entry::Here(object)) = self.objects.get_mut(&id) else { return };
        let ticket = Ticket { client: 0, request: NO_ANSWER };
        let mut turn =
            Turn { aide: &self.aide, ticket, reply: &mut self.reply, others: &mut self.others };
        show(&mut **object, &mut turn);
        self.answer_others();
    }

    /// Sends what there was no room for; tells whether some of it is left.
    pub(super) fn flush(&mut self) -> bool {
        self.clients.iter_mut().for_each(Client::flush);
        self.is_clogged()
    }

    /// Tells whether there are answers for which there was no room.
    pub(super) fn is_clogged(&self) -> bool {
        self.clients.iter().any(Client::has_outbox)
    }
}
