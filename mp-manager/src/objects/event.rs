//! A flag that can be waited for.

use super::waiters::Waiters;
use super::{ClientId, Object, Outcome, Reply, Ticket, Turn, deadline};
use crate::error::Refusal;
use crate::wire::Reader;

/// What an event is asked for.
pub(crate) mod op {
    pub(crate) const SET: u8 = 1;
    pub(crate) const CLEAR: u8 = 2;
    pub(crate) const IS_SET: u8 = 3;
    pub(crate) const WAIT: u8 = 4;
}

/// The server's half.
#[derive(Default)]
pub(super) struct Event {
    is_set: bool,
    waiting: Waiters<()>,
}

fn answer(is_set: bool) -> Reply {
    let mut reply = Reply::default();
    reply.flag(is_set);
    reply
}

impl Object for Event {
    fn name(&self) -> &'static str {
        "event"
    }

    fn handle(
        &mut self,
        op: u8,
        mut fields: Reader<'_>,
        turn: &mut Turn<'_>,
    ) -> Result<Outcome, Refusal> {
        match op {
            op::SET => {
                self.is_set = true;
                self.waiting.drain().for_each(|(ticket, ())| turn.answer(ticket, answer(true)));
            }
            op::CLEAR => self.is_set = false,
            op::WAIT if !self.is_set => {
                let deadline = deadline(&mut fields)?;
                self.waiting.push(turn.ticket, ());
                return Ok(Outcome::Parked(deadline));
            }
            op::IS_SET | op::WAIT => turn.reply.flag(self.is_set),
            _ => return Err(Refusal::UnknownOp),
        }
        Ok(Outcome::Answered)
    }

    fn expire(&mut self, ticket: Ticket, _: &mut Turn<'_>) -> Option<Reply> {
        self.waiting.remove(ticket).map(|()| answer(false))
    }

    fn forget(&mut self, client: ClientId, _: &mut Turn<'_>) {
        self.waiting.forget(client);
    }
}
