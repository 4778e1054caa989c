//! Those who wait for a change of a key.
//!
//! Each change of a value has a number, larger than all before. Who watches a key says which
//! number it has seen last, zero for a key that is not there, and is answered when that differs.

use super::super::{Outcome, Reply, Ticket, Turn, deadline};
use super::{Dict, key};
use crate::error::Refusal;
use crate::wire::{Put, Reader};

impl Dict {
    pub(super) fn wait(
        &mut self,
        fields: &mut Reader<'_>,
        turn: &mut Turn<'_>,
    ) -> Result<Outcome, Refusal> {
        let (key, seen, deadline) = (key(fields)?, fields.u64()?, deadline(fields)?);
        if self.data.version(key) != seen {
            turn.reply.flag(true);
            self.state_of(key, turn.reply);
            return Ok(Outcome::Answered);
        }
        self.watchers.entry(key.into()).or_default().push((turn.ticket, seen));
        Ok(Outcome::Parked(deadline))
    }

    /// The number of a key's last change, and its value.
    pub(super) fn state_of(&self, key: &[u8], reply: &mut Reply) {
        reply.bytes.put_u64(self.data.version(key));
        reply.optional(self.data.get(key));
    }

    /// Answers those who wait for a change of `key`.
    pub(super) fn tell(&mut self, key: &[u8], turn: &mut Turn<'_>) {
        if self.watchers.is_empty() {
            return;
        }
        let version = self.data.version(key);
        let Some(waiting) = self.watchers.get_mut(key) else { return };
        let told: Vec<_> = waiting.extract_if(.., |(_, seen)| *seen != version).collect();
        if waiting.is_empty() {
            self.watchers.remove(key);
        }
        for (ticket, _) in told {
            let mut reply = Reply::default();
            reply.flag(true);
            self.state_of(key, &mut reply);
            turn.answer(ticket, reply);
        }
    }

    pub(super) fn forget_where(&mut self, is_gone: impl Fn(Ticket) -> bool) {
        self.watchers.retain(|_, waiting| {
            waiting.retain(|(ticket, _)| !is_gone(*ticket));
            !waiting.is_empty()
        });
    }
}
