//! Those who wait at an object, first come, first served.

use std::collections::VecDeque;

use super::{ClientId, Ticket};

/// Tickets in the order in which they came, each with what it waits for.
pub(super) struct Waiters<W> {
    line: VecDeque<(Ticket, W)>,
}

impl<W> Default for Waiters<W> {
    fn default() -> Self {
        Self { line: VecDeque::new() }
    }
}

impl<W> Waiters<W> {
    pub(super) fn len(&self) -> usize {
        self.line.len()
    }

    pub(super) fn push(&mut self, ticket: Ticket, what: W) {
        self.line.push_back((ticket, what));
    }

    pub(super) fn pop(&mut self) -> Option<(Ticket, W)> {
        self.line.pop_front()
    }

    /// Lets one go who does not want to wait any longer.
    pub(super) fn remove(&mut self, ticket: Ticket) -> Option<W> {
        let place = self.line.iter().position(|(other, _)| *other == ticket)?;
        self.line.remove(place).map(|(_, what)| what)
    }

    /// Takes out all that a client waits for.
    pub(super) fn forget(&mut self, client: ClientId) -> Vec<W> {
        let (gone, left) =
            self.line.drain(..).partition::<VecDeque<_>, _>(|(ticket, _)| ticket.client == client);
        self.line = left;
        gone.into_iter().map(|(_, what)| what).collect()
    }

    pub(super) fn drain(&mut self) -> impl Iterator<Item = (Ticket, W)> {
        self.line.drain(..)
    }
}
