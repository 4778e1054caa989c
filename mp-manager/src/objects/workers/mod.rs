//! A pool of worker processes, which belong to the server.
//!
//! The pool has a thread of its own, so that nobody waits for a worker to start or to die. Requests
//! for it are parked, and answered when the thread has an answer.

mod keeper;

use std::collections::HashSet;
use std::sync::mpsc::{self, Sender};

use mp_handle::Parcel;
use mp_pool::{Context, Order};

use self::keeper::{Chunk, Keeper, Message};
use super::{ClientId, Object, Outcome, Reply, Ticket, Turn, deadline};
use crate::error::Refusal;
use crate::wire::{Malformed, Reader};

/// What a pool is asked for.
pub(crate) mod op {
    /// How many workers it has; answered when it has them.
    pub(crate) const READY: u8 = 1;
    /// The answers of a chunk.
    pub(crate) const RUN: u8 = 2;
    pub(crate) const CLOSE: u8 = 3;
    pub(crate) const TERMINATE: u8 = 4;
    /// Answered when it has ended, or with a false flag when the time is over.
    pub(crate) const JOIN: u8 = 5;
}

/// The server's half.
pub(super) struct Workers {
    count: usize,
    /// To the thread that has the pool, once there is one.
    keeper: Option<Sender<Message>>,
    joining: HashSet<Ticket>,
}

impl Workers {
    pub(super) fn create(fields: &mut Reader<'_>) -> Result<Self, Malformed> {
        let count = usize::try_from(fields.u64()?).unwrap_or(usize::MAX);
        Ok(Self { count, keeper: None, joining: HashSet::new() })
    }

    fn tell(&mut self, message: Message, turn: &Turn<'_>) -> Result<(), Refusal> {
        let keeper = match &self.keeper {
            Some(keeper) => keeper,
            None => {
                let (sender, messages) = mpsc::channel();
                let keeper = Keeper::new(turn.aide.outside.clone(), sender.clone(), messages);
                keeper.start(self.count).map_err(|error| Refusal::Misuse(error.to_string()))?;
                self.keeper.insert(sender)
            }
        };
        keeper.send(message).map_err(|_| Refusal::Misuse("the pool is gone".into()))
    }
}

/// Reads what a client wants to have run.
fn chunk(fields: &mut Reader<'_>) -> Result<Chunk, Refusal> {
    let order = Parcel::from_parts(fields.bytes()?.to_vec(), Vec::new()).decode::<Order>();
    let order = order.map_err(|error| Refusal::Undecodable(error.to_string()))?;
    let context = match fields.flag()? {
        true => {
            let head = fields.u32()?;
            let parcel = Parcel::from_parts(fields.bytes()?.to_vec(), Vec::new());
            Some(Context::relayed(parcel, head))
        }
        false => None,
    };
    let (table, items) = (fields.bytes()?.to_vec(), fields.bytes()?.to_vec());
    Ok(Chunk { order, context, table, items })
}

impl Object for Workers {
    fn name(&self) -> &'static str {
        "pool"
    }

    fn handle(
        &mut self,
        op: u8,
        mut fields: Reader<'_>,
        turn: &mut Turn<'_>,
    ) -> Result<Outcome, Refusal> {
        let (ticket, mut limit) = (turn.ticket, mp_handle::Deadline::NEVER);
        let message = match op {
            op::READY => Message::Ready(ticket),
            op::RUN => Message::Run(ticket, chunk(&mut fields)?),
            op::CLOSE => Message::Close(ticket),
            op::TERMINATE => Message::Terminate(ticket),
            op::JOIN => {
                limit = deadline(&mut fields)?;
                self.joining.insert(ticket);
                Message::Join(ticket)
            }
            _ => return Err(Refusal::UnknownOp),
        };
        self.tell(message, turn)?;
        Ok(Outcome::Parked(limit))
    }

    fn expire(&mut self, ticket: Ticket, _: &mut Turn<'_>) -> Option<Reply> {
        let mut reply = Reply::default();
        reply.flag(false);
        self.joining.remove(&ticket).then_some(reply)
    }

    fn forget(&mut self, client: ClientId, _: &mut Turn<'_>) {
        self.joining.retain(|ticket| ticket.client != client);
        if let Some(keeper) = &self.keeper {
            // A keeper that is gone has nothing of the client's.
            let _ = keeper.send(Message::Forget(client));
        }
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        if let Some(keeper) = &self.keeper {
            let _ = keeper.send(Message::End);
        }
    }
}
