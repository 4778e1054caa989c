//! A queue, bounded or not, with a count of what is not done yet.
//!
//! What a client has taken, and not said to be done when it dies, counts as done.

use std::collections::{HashMap, VecDeque};

use super::waiters::Waiters;
use super::{ClientId, Object, Outcome, Reply, Stored, Ticket, Turn, deadline};
use crate::error::Refusal;
use crate::wire::{Malformed, Reader};

/// What a queue is asked for.
pub(crate) mod op {
    pub(crate) const PUT: u8 = 1;
    pub(crate) const GET: u8 = 2;
    pub(crate) const LEN: u8 = 3;
    pub(crate) const TASK_DONE: u8 = 4;
    pub(crate) const JOIN: u8 = 5;
    pub(crate) const CLEAR: u8 = 6;
}

/// The server's half.
pub(super) struct Queue {
    values: VecDeque<Stored>,
    /// How many there may be.
    bound: usize,
    getting: Waiters<()>,
    putting: Waiters<Stored>,
    joining: Waiters<()>,
    /// Put, and not said to be done.
    unfinished: u64,
    /// How many of them each client has taken.
    taken: HashMap<ClientId, u64>,
}

fn flag(flag: bool) -> Reply {
    let mut reply = Reply::default();
    reply.flag(flag);
    reply
}

impl Queue {
    pub(super) fn create(fields: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            values: VecDeque::new(),
            bound: usize::try_from(fields.u64()?).unwrap_or(usize::MAX),
            getting: Waiters::default(),
            putting: Waiters::default(),
            joining: Waiters::default(),
            unfinished: 0,
            taken: HashMap::new(),
        })
    }

    /// Takes a message in: for the first who waits for one, or behind the others.
    fn accept(&mut self, value: Stored, turn: &mut Turn<'_>) {
        self.unfinished += 1;
        match self.getting.pop() {
            Some((ticket, ())) => {
                let mut reply = Reply::default();
                self.give(ticket.client, &value, &mut reply);
                turn.answer(ticket, reply);
            }
            None => self.values.push_back(value),
        }
    }

    fn give(&mut self, client: ClientId, value: &Stored, reply: &mut Reply) {
        *self.taken.entry(client).or_default() += 1;
        reply.optional(Some(value));
    }

    /// Lets in those who wait for room.
    fn let_in(&mut self, turn: &mut Turn<'_>) {
        while self.values.len() < self.bound
            && let Some((ticket, value)) = self.putting.pop()
        {
            self.accept(value, turn);
            turn.answer(ticket, flag(true));
        }
    }

    fn put(&mut self, fields: &mut Reader<'_>, turn: &mut Turn<'_>) -> Result<Outcome, Refusal> {
        let (deadline, value) = (deadline(fields)?, turn.store(fields.value()?)?);
        if self.values.len() >= self.bound {
            self.putting.push(turn.ticket, value);
            return Ok(Outcome::Parked(deadline));
        }
        self.accept(value, turn);
        turn.reply.flag(true);
        Ok(Outcome::Answered)
    }

    fn get(&mut self, fields: &mut Reader<'_>, turn: &mut Turn<'_>) -> Result<Outcome, Refusal> {
        let deadline = deadline(fields)?;
        let Some(value) = self.values.pop_front() else {
            self.getting.push(turn.ticket, ());
            return Ok(Outcome::Parked(deadline));
        };
        self.give(turn.ticket.client, &value, turn.reply);
        self.let_in(turn);
        Ok(Outcome::Entrusted)
    }

    /// So many are done.
    fn finish(&mut self, count: u64, turn: &mut Turn<'_>) {
        self.unfinished = self.unfinished.saturating_sub(count);
        if self.unfinished == 0 {
            self.joining.drain().for_each(|(ticket, ())| turn.answer(ticket, flag(true)));
        }
    }

    fn task_done(&mut self, turn: &mut Turn<'_>) -> Result<(), Refusal> {
        let taken = self.taken.get_mut(&turn.ticket.client).filter(|taken| **taken > 0);
        let misuse = || Refusal::Misuse("more is said to be done than was taken".into());
        *taken.ok_or_else(misuse)? -= 1;
        self.finish(1, turn);
        Ok(())
    }
}

impl Object for Queue {
    fn name(&self) -> &'static str {
        "queue"
    }

    fn handle(
        &mut self,
        op: u8,
        mut fields: Reader<'_>,
        turn: &mut Turn<'_>,
    ) -> Result<Outcome, Refusal> {
        let fields = &mut fields;
        match op {
            op::PUT => return self.put(fields, turn),
            op::GET => return self.get(fields, turn),
            op::LEN => turn.reply.number(self.values.len()),
            op::TASK_DONE => self.task_done(turn)?,
            op::JOIN if self.unfinished > 0 => {
                let deadline = deadline(fields)?;
                self.joining.push(turn.ticket, ());
                return Ok(Outcome::Parked(deadline));
            }
            op::JOIN => turn.reply.flag(true),
            op::CLEAR => {
                let count = self.values.len() as u64;
                self.values.clear();
                self.finish(count, turn);
                self.let_in(turn);
            }
            _ => return Err(Refusal::UnknownOp),
        }
        Ok(Outcome::Answered)
    }

    fn expire(&mut self, ticket: Ticket, _: &mut Turn<'_>) -> Option<Reply> {
        let is_here = self.getting.remove(ticket).is_some()
            || self.putting.remove(ticket).is_some()
            || self.joining.remove(ticket).is_some();
        is_here.then(|| flag(false))
    }

    fn forget(&mut self, client: ClientId, turn: &mut Turn<'_>) {
        self.getting.forget(client);
        self.putting.forget(client);
        self.joining.forget(client);
        if let Some(taken) = self.taken.remove(&client) {
            self.finish(taken, turn);
        }
    }
}
