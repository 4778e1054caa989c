//! Requests for several entries.

use std::collections::HashSet;

use super::super::Turn;
use super::super::ordered::Key;
use super::{Dict, key, op};
use crate::error::Refusal;
use crate::wire::{Put, Reader};

/// The bytes of two numbers on the wire.
const SHORT_PAIR: usize = 2 * (4 + 10);

impl Dict {
    /// Takes in all pairs, or none if one of them is not to be had.
    pub(super) fn extend(
        &mut self,
        fields: &mut Reader<'_>,
        turn: &mut Turn<'_>,
    ) -> Result<(), Refusal> {
        let mut pairs = Vec::with_capacity(fields.rest().len() / SHORT_PAIR);
        while !fields.rest().is_empty() {
            pairs.push((key(fields)?, turn.store(fields.value()?)?));
        }
        for (key, value) in pairs {
            self.data.insert(key, value);
            self.tell(key, turn);
        }
        Ok(())
    }

    /// Answers with the entries behind a place, as many as fit, each preceded by a flag; then with
    /// a false flag, whether there are more, and the place of the last one.
    pub(super) fn page(&self, fields: &mut Reader<'_>, turn: &mut Turn<'_>) -> Result<(), Refusal> {
        let (parts, is_whole, mut place) = (fields.u8()?, fields.flag()?, fields.u64()?);
        let mut entries = self.data.iter_behind(place).peekable();
        while let Some((number, key, value)) =
            entries.next_if(|_| is_whole || !turn.reply.is_full())
        {
            turn.reply.flag(true);
            if parts & op::KEYS != 0 {
                turn.reply.bytes.put_value(key, [].into_iter());
            }
            if parts & op::VALUES != 0 {
                turn.reply.value(value);
            }
            place = number;
        }
        turn.reply.flag(false);
        turn.reply.flag(entries.peek().is_some());
        turn.reply.bytes.put_u64(place);
        Ok(())
    }

    pub(super) fn get_many(
        &self,
        fields: &mut Reader<'_>,
        turn: &mut Turn<'_>,
    ) -> Result<(), Refusal> {
        while !fields.rest().is_empty() {
            turn.reply.optional(self.data.get(key(fields)?));
        }
        Ok(())
    }

    pub(super) fn remove_many(
        &mut self,
        fields: &mut Reader<'_>,
        turn: &mut Turn<'_>,
    ) -> Result<(), Refusal> {
        let mut removed = 0;
        while !fields.rest().is_empty() {
            removed += usize::from(self.remove(key(fields)?, turn).is_some());
        }
        turn.reply.number(removed);
        Ok(())
    }

    pub(super) fn retain_many(
        &mut self,
        fields: &mut Reader<'_>,
        turn: &mut Turn<'_>,
    ) -> Result<(), Refusal> {
        let mut kept = HashSet::new();
        while !fields.rest().is_empty() {
            kept.insert(key(fields)?);
        }
        let keys = self.data.keys();
        let rest: Vec<Key> = keys.filter(|key| !kept.contains(key)).map(Key::from).collect();
        rest.iter().for_each(|key| drop(self.remove(key, turn)));
        turn.reply.number(rest.len());
        Ok(())
    }

    /// Takes out the pairs whose key is there, and puts in the others.
    pub(super) fn toggle_many(
        &mut self,
        fields: &mut Reader<'_>,
        turn: &mut Turn<'_>,
    ) -> Result<(), Refusal> {
        while !fields.rest().is_empty() {
            let (key, value) = (key(fields)?, turn.store(fields.value()?)?);
            if self.data.remove(key).is_none() {
                self.data.insert(key, value);
            }
            self.tell(key, turn);
        }
        Ok(())
    }
}
