//! A barrier: so many wait for each other.
//!
//! It breaks when one of those who wait gives up or dies, or somebody says so; then all others are
//! told, and everybody who comes, until it is reset.

use super::waiters::Waiters;
use super::{ClientId, Object, Outcome, Reply, Ticket, Turn, deadline};
use crate::error::Refusal;
use crate::wire::{Malformed, Reader};

/// What a barrier is asked for.
pub(crate) mod op {
    pub(crate) const WAIT: u8 = 1;
    pub(crate) const RESET: u8 = 2;
    pub(crate) const ABORT: u8 = 3;
    pub(crate) const WAITING: u8 = 4;
    pub(crate) const IS_BROKEN: u8 = 5;
}

/// The server's half.
pub(super) struct Barrier {
    parties: usize,
    waiting: Waiters<()>,
    is_broken: bool,
}

/// Whether all have come, and which one this was.
fn passed(index: Option<usize>) -> Reply {
    let mut reply = Reply::default();
    reply.flag(index.is_some());
    reply.number(index.unwrap_or_default());
    reply
}

impl Barrier {
    pub(super) fn create(fields: &mut Reader<'_>) -> Result<Self, Malformed> {
        let parties = usize::try_from(fields.u64()?).map_err(|_| Malformed)?;
        Ok(Self { parties: parties.max(1), waiting: Waiters::default(), is_broken: false })
    }

    fn break_up(&mut self, turn: &mut Turn<'_>) {
        self.waiting.drain().for_each(|(ticket, ())| turn.answer(ticket, passed(None)));
    }

    fn wait(&mut self, fields: &mut Reader<'_>, turn: &mut Turn<'_>) -> Result<Outcome, Refusal> {
        let deadline = deadline(fields)?;
        let index = self.waiting.len();
        if self.is_broken {
            *turn.reply = passed(None);
        } else if index + 1 < self.parties {
            self.waiting.push(turn.ticket, ());
            return Ok(Outcome::Parked(deadline));
        } else {
            let others = (0..).zip(self.waiting.drain());
            others.for_each(|(index, (ticket, ()))| turn.answer(ticket, passed(Some(index))));
            *turn.reply = passed(Some(index));
        }
        Ok(Outcome::Answered)
    }
}

impl Object for Barrier {
    fn name(&self) -> &'static str {
        "barrier"
    }

    fn handle(
        &mut self,
        op: u8,
        mut fields: Reader<'_>,
        turn: &mut Turn<'_>,
    ) -> Result<Outcome, Refusal> {
        match op {
            op::WAIT => return self.wait(&mut fields, turn),
            op::RESET | op::ABORT => {
                self.is_broken = op == op::ABORT;
                self.break_up(turn);
            }
            op::WAITING => turn.reply.number(self.waiting.len()),
            op::IS_BROKEN => turn.reply.flag(self.is_broken),
            _ => return Err(Refusal::UnknownOp),
        }
        Ok(Outcome::Answered)
    }

    fn expire(&mut self, ticket: Ticket, turn: &mut Turn<'_>) -> Option<Reply> {
        self.waiting.remove(ticket)?;
        self.is_broken = true;
        self.break_up(turn);
        Some(passed(None))
    }

    fn forget(&mut self, client: ClientId, turn: &mut Turn<'_>) {
        if !self.waiting.forget(client).is_empty() {
            self.is_broken = true;
            self.break_up(turn);
        }
    }
}
