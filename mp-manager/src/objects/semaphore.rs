//! Permits: a semaphore, bounded or not, or a lock, which is one of a single permit.
//!
//! Whose permits are out is known, so those of a client that dies come back.

use std::collections::HashMap;

use super::waiters::Waiters;
use super::{ClientId, Object, Outcome, Reply, Ticket, Turn, deadline};
use crate::error::Refusal;
use crate::wire::{Malformed, Put, Reader};

/// What a semaphore is asked for.
pub(crate) mod op {
    pub(crate) const ACQUIRE: u8 = 1;
    pub(crate) const RELEASE: u8 = 2;
    pub(crate) const AVAILABLE: u8 = 3;

    /// What is answered to who acquires.
    pub(crate) const TIMED_OUT: u8 = 0;
    pub(crate) const ACQUIRED: u8 = 1;
    /// It is acquired, and who had it before died with it.
    pub(crate) const ABANDONED: u8 = 2;
}

/// The server's half.
pub(super) struct Semaphore {
    free: u64,
    /// How many there may be at most.
    bound: u64,
    out: HashMap<ClientId, u64>,
    waiting: Waiters<()>,
    /// A holder has died, and nobody has been told yet.
    is_abandoned: bool,
}

impl Semaphore {
    pub(super) fn create(fields: &mut Reader<'_>) -> Result<Self, Malformed> {
        let (free, bound) = (fields.u64()?, fields.u64()?);
        let (out, waiting) = (HashMap::new(), Waiters::default());
        Ok(Self { free, bound, out, waiting, is_abandoned: false })
    }

    /// Gives a permit out; there is one.
    fn give(&mut self, client: ClientId, reply: &mut Reply) {
        self.free -= 1;
        *self.out.entry(client).or_default() += 1;
        let is_abandoned = std::mem::take(&mut self.is_abandoned);
        reply.bytes.put_u8(if is_abandoned { op::ABANDONED } else { op::ACQUIRED });
    }

    fn give_to_waiting(&mut self, turn: &mut Turn<'_>) {
        while self.free > 0
            && let Some((ticket, ())) = self.waiting.pop()
        {
            let mut reply = Reply::default();
            self.give(ticket.client, &mut reply);
            turn.answer(ticket, reply);
        }
    }

    /// Takes permits back: the client's own first; others are new ones.
    fn take(&mut self, client: ClientId, count: u64) -> Result<(), Refusal> {
        let free = self.free.checked_add(count).filter(|&free| free <= self.bound);
        let misuse = || Refusal::Misuse("released more often than acquired".into());
        self.free = free.ok_or_else(misuse)?;
        if let Some(out) = self.out.get_mut(&client) {
            *out = out.saturating_sub(count);
            if *out == 0 {
                self.out.remove(&client);
            }
        }
        Ok(())
    }
}

impl Object for Semaphore {
    fn name(&self) -> &'static str {
        if self.bound == 1 { "lock" } else { "semaphore" }
    }

    fn handle(
        &mut self,
        op: u8,
        mut fields: Reader<'_>,
        turn: &mut Turn<'_>,
    ) -> Result<Outcome, Refusal> {
        match op {
            op::ACQUIRE if self.free > 0 => {
                self.give(turn.ticket.client, turn.reply);
                return Ok(Outcome::Entrusted);
            }
            op::ACQUIRE => {
                let deadline = deadline(&mut fields)?;
                self.waiting.push(turn.ticket, ());
                return Ok(Outcome::Parked(deadline));
            }
            op::RELEASE => {
                self.take(turn.ticket.client, fields.u64()?)?;
                self.give_to_waiting(turn);
            }
            op::AVAILABLE => turn.reply.bytes.put_u64(self.free),
            _ => return Err(Refusal::UnknownOp),
        }
        Ok(Outcome::Answered)
    }

    fn is_question(&self, op: u8) -> bool {
        op == op::AVAILABLE
    }

    fn expire(&mut self, ticket: Ticket, _: &mut Turn<'_>) -> Option<Reply> {
        self.waiting.remove(ticket)?;
        let mut reply = Reply::default();
        reply.bytes.put_u8(op::TIMED_OUT);
        Some(reply)
    }

    fn forget(&mut self, client: ClientId, turn: &mut Turn<'_>) {
        self.waiting.forget(client);
        if let Some(out) = self.out.remove(&client) {
            self.free = self.free.saturating_add(out).min(self.bound);
            self.is_abandoned = true;
            self.give_to_waiting(turn);
        }
    }
}
