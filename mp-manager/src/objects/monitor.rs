//! A lock that one thread may take several times, and on which others can sleep until they are
//! notified: what RLock and Condition are made of.
//!
//! Who sleeps has given the lock back, and stands in line for it again when it is notified, or its
//! time is over, or the one that was notified for it has died.

use super::waiters::Waiters;
use super::{ClientId, Object, Outcome, Reply, Ticket, Turn, deadline};
use crate::error::Refusal;
use crate::wire::{Put, Reader};

/// What a monitor is asked for. The first field is the number of the thread.
pub(crate) mod op {
    pub(crate) const LOCK: u8 = 1;
    pub(crate) const UNLOCK: u8 = 2;
    pub(crate) const WAIT: u8 = 3;
    pub(crate) const NOTIFY: u8 = 4;

    /// What is answered to who locks, in the lowest bits.
    pub(crate) const LOCKED: u8 = 1;
    pub(crate) const ABANDONED: u8 = 2;
    pub(crate) const NOTIFIED: u8 = 4;
}

/// A thread of a client.
type Thread = (ClientId, u64);

/// Who wants the lock.
struct Wish {
    thread: Thread,
    /// How often it had the lock before it slept.
    depth: u64,
    /// It was notified, or has not slept.
    bits: u8,
}

/// The server's half.
#[derive(Default)]
pub(super) struct Monitor {
    owner: Option<Thread>,
    depth: u64,
    waiting: Waiters<Wish>,
    asleep: Waiters<Wish>,
    is_abandoned: bool,
    /// The owner was notified when it slept, and has not let go since: whether it has heard of it
    /// is not known.
    is_notified: bool,
}

impl Monitor {
    /// Gives the lock to `wish`; it is free.
    fn give(&mut self, wish: &Wish, reply: &mut Reply) {
        (self.owner, self.depth) = (Some(wish.thread), wish.depth);
        self.is_notified = wish.bits & op::NOTIFIED != 0;
        let abandoned = if std::mem::take(&mut self.is_abandoned) { op::ABANDONED } else { 0 };
        reply.bytes.put_u8(op::LOCKED | abandoned | wish.bits);
    }

    fn pass_on(&mut self, turn: &mut Turn<'_>) {
        self.owner = None;
        if let Some((ticket, wish)) = self.waiting.pop() {
            let mut reply = Reply::default();
            self.give(&wish, &mut reply);
            turn.answer(ticket, reply);
        }
    }

    fn lock(
        &mut self,
        thread: Thread,
        fields: &mut Reader<'_>,
        turn: &mut Turn<'_>,
    ) -> Result<Outcome, Refusal> {
        let deadline = deadline(fields)?;
        let wish = Wish { thread, depth: 1, bits: 0 };
        if self.owner == Some(thread) {
            self.depth += 1;
            turn.reply.bytes.put_u8(op::LOCKED);
        } else if self.owner.is_none() {
            self.give(&wish, turn.reply);
        } else {
            self.waiting.push(turn.ticket, wish);
            return Ok(Outcome::Parked(deadline));
        }
        Ok(Outcome::Entrusted)
    }

    fn unlock(&mut self, turn: &mut Turn<'_>) {
        self.depth -= 1;
        if self.depth == 0 {
            self.pass_on(turn);
        }
    }

    /// Wakes up to `count` of those who sleep.
    fn notify(&mut self, count: u64, turn: &mut Turn<'_>) {
        for _ in 0..count {
            let Some((ticket, wish)) = self.asleep.pop() else { break };
            self.waiting.push(ticket, Wish { bits: op::NOTIFIED, ..wish });
        }
        if self.owner.is_none() {
            self.pass_on(turn);
        }
    }
}

impl Object for Monitor {
    fn name(&self) -> &'static str {
        "monitor"
    }

    fn handle(
        &mut self,
        op: u8,
        mut fields: Reader<'_>,
        turn: &mut Turn<'_>,
    ) -> Result<Outcome, Refusal> {
        let fields = &mut fields;
        let thread = (turn.ticket.client, fields.u64()?);
        let is_owner = self.owner == Some(thread);
        match op {
            op::LOCK => return self.lock(thread, fields, turn),
            op::UNLOCK if is_owner => self.unlock(turn),
            op::WAIT if is_owner => {
                let deadline = deadline(fields)?;
                let wish = Wish { thread, depth: self.depth, bits: 0 };
                self.asleep.push(turn.ticket, wish);
                self.pass_on(turn);
                return Ok(Outcome::Parked(deadline));
            }
            op::UNLOCK | op::WAIT => {
                return Err(Refusal::Misuse("the lock is not this thread's".into()));
            }
            op::NOTIFY => self.notify(fields.u64()?, turn),
            _ => return Err(Refusal::UnknownOp),
        }
        Ok(Outcome::Answered)
    }

    fn expire(&mut self, ticket: Ticket, turn: &mut Turn<'_>) -> Option<Reply> {
        if let Some(wish) = self.asleep.remove(ticket) {
            // It has slept enough, and needs the lock all the same.
            self.waiting.push(ticket, wish);
            if self.owner.is_none() {
                self.pass_on(turn);
            }
            return None;
        }
        let wish = self.waiting.remove(ticket)?;
        if wish.bits & op::NOTIFIED != 0 || wish.depth > 1 {
            self.waiting.push(ticket, wish);
            return None;
        }
        let mut reply = Reply::default();
        reply.bytes.put_u8(0);
        Some(reply)
    }

    fn forget(&mut self, client: ClientId, turn: &mut Turn<'_>) {
        self.asleep.forget(client);
        let gone = self.waiting.forget(client);
        let mut unheard = gone.iter().filter(|wish| wish.bits & op::NOTIFIED != 0).count();
        if self.owner.is_some_and(|(owner, _)| owner == client) {
            // To be woken in vain harms nobody, not to be woken does.
            unheard += usize::from(self.is_notified);
            self.is_abandoned = true;
            self.pass_on(turn);
        }
        self.notify(unheard as u64, turn);
    }
}
