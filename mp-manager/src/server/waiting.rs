//! Requests that have to wait: for something to happen, or for their time to be over.

use std::mem;

use mp_handle::Deadline;

use super::state::{Entry, State};
use crate::objects::{Reply, Ticket};
use crate::wire::{ObjectId, SERVER};

impl State {
    pub(super) fn park(&mut self, object: ObjectId, ticket: Ticket, deadline: Deadline) {
        self.parked.insert(ticket, (object, deadline, self.pass));
        if deadline != Deadline::NEVER {
            self.timers.insert((deadline, ticket));
        }
        if let Some(client) = self.client(ticket.client) {
            client.involved.insert(object);
        }
        self.count_waiting(ticket.client);
    }

    pub(super) fn unpark(&mut self, ticket: Ticket) {
        if let Some((_, deadline, _)) = self.parked.remove(&ticket) {
            self.timers.remove(&(deadline, ticket));
            if let Some(client) = self.client(ticket.client) {
                client.waiting = client.waiting.saturating_sub(1);
            }
        }
    }

    /// Answers those who have waited for what was just done.
    pub(super) fn answer_others(&mut self) {
        for (ticket, mut reply) in mem::take(&mut self.others) {
            self.unpark(ticket);
            self.answer(ticket, Ok(&mut reply));
        }
    }

    /// Answers those whose time is over, but for who came in this pass.
    pub(super) fn expire(&mut self) {
        while let Some(&(deadline, ticket)) = self.timers.first() {
            let parked = self.parked.get(&ticket).copied();
            let is_new = parked.is_some_and(|(.., pass)| pass == self.pass);
            if is_new || !deadline.is_expired() {
                return;
            }
            self.timers.pop_first();
            if let Some((id, ..)) = parked {
                self.expire_one(id, ticket);
            }
        }
    }

    pub(super) fn expire_one(&mut self, id: ObjectId, ticket: Ticket) {
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
            // It waits for the end of the server, and that has not come.
            None if id == SERVER => {
                self.unpark(ticket);
                self.answer(ticket, Ok(&mut Reply::default()));
            }
            None => {}
        }
    }

    /// When the next one's time is over.
    pub(super) fn next_deadline(&self) -> Deadline {
        self.timers.first().map_or(Deadline::NEVER, |(deadline, _)| *deadline)
    }
}
