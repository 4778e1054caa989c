//! Clients that go, and objects to which nobody refers any more.

use mp_process::catch_panic;

use super::state::{Entry, State};
use crate::error::Refusal;
use crate::objects::{ClientId, Object, Ticket};

impl State {
    /// Something has happened to a client: it may be gone. What it asked for before is done all
    /// the same.
    pub(super) fn stir(&mut self, id: ClientId) {
        if let Some(client) = self.client(id) {
            client.stir();
        }
    }

    pub(super) fn lose(&mut self, client: ClientId) {
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
            self.door.forget(&client);
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
pub(super) fn drop_object(object: Box<dyn Object>) {
    let _ = catch_panic(|| drop(object));
}
