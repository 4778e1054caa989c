//! Functions of the user, which are run without the lock of the server.
//!
//! The object is away meanwhile. Requests for it wait in its place, and are served when it is back.

use std::collections::VecDeque;
use std::mem;
use std::sync::Arc;

use mp_process::catch_panic;

use super::ends::drop_object;
use super::line::Frame;
use super::roster::Hold;
use super::state::{Entry, State};
use crate::error::Refusal;
use crate::function::Shim;
use crate::objects::{Aide, ClientId, Object, Ran, Ticket};
use crate::wire::{ObjectId, Put, Reader};

/// A function of the user to be run, with the object that it works on. Needs no lock.
pub(super) struct Errand {
    pub(super) object: Box<dyn Object>,
    pub(super) id: ObjectId,
    pub(super) ticket: Ticket,
    pub(super) called: Called,
    /// The first reference to the object, if the function makes it.
    pub(super) creation: Option<Hold>,
}

/// The function, and what it is called with.
pub(super) struct Called {
    pub(super) shim: Shim,
    pub(super) op: u8,
    /// The fields behind the function.
    pub(super) fields: Vec<u8>,
    pub(super) aide: Arc<Aide>,
}

impl Errand {
    pub(super) fn run(&mut self) -> Ran {
        let Called { shim, op, fields, aide } = &self.called;
        let ran = catch_panic(|| self.object.run(*shim, *op, Reader::new(fields), aide));
        ran.unwrap_or_else(|panic| Err(Refusal::Panicked(panic)))
    }
}

impl State {
    pub(super) fn send_away(
        &mut self,
        id: ObjectId,
        ticket: Ticket,
        called: Called,
    ) -> Option<Errand> {
        let away = Entry::Away { waiting: VecDeque::new(), ended: Vec::new() };
        let Entry::Here(object) = mem::replace(self.objects.get_mut(&id)?, away) else {
            return None;
        };
        Some(Errand { object, id, ticket, called, creation: None })
    }

    /// Takes in what came of an errand; returns the next one for the same object, if there is one.
    pub(super) fn conclude(&mut self, errand: Errand, ran: Ran) -> Option<Errand> {
        let Errand { mut object, id, ticket, creation, .. } = errand;
        self.cellar.note(id, &mut *object);
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
    pub(super) fn settle(&mut self, id: ObjectId, ended: Vec<ClientId>) {
        self.with_object(id, |object, turn| {
            object.settle(turn);
            ended.into_iter().for_each(|client| object.forget(client, turn));
        });
        let late = mem::take(&mut self.late);
        late.into_iter().for_each(|(id, ticket)| self.expire_one(id, ticket));
    }

    /// Serves the requests that came while the object was away, until it leaves again.
    pub(super) fn catch_up(
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
}
