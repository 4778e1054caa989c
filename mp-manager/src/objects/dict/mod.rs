//! A dict: from encoded keys to encoded values, in the order of insertion.
//!
//! - `data` is what it holds, which a transaction takes along;
//! - `many` are the requests for several entries, `functions` those that run the user's code, and
//!   `watch` those that wait for a change.

mod data;
mod functions;
mod many;
mod watch;

pub(crate) use data::DictData;

use std::collections::HashMap;
use std::mem;
use std::sync::Arc;

use super::ordered::Key;
use super::{Aide, ClientId, Object, Outcome, Ran, Reply, Stored, Ticket, Turn, call};
use crate::error::Refusal;
use crate::function::{Shim, Subject};
use crate::wire::{Put, Reader, Value};

/// What a dict is asked for.
pub(crate) mod op {
    use crate::objects::WITH_FUNCTION;

    pub(crate) const GET: u8 = 1;
    pub(crate) const SET: u8 = 2;
    pub(crate) const INSERT: u8 = 3;
    pub(crate) const REMOVE: u8 = 4;
    pub(crate) const CONTAINS: u8 = 5;
    pub(crate) const LEN: u8 = 6;
    pub(crate) const CLEAR: u8 = 7;
    pub(crate) const POP_LAST: u8 = 8;
    pub(crate) const POP_FIRST: u8 = 9;
    pub(crate) const EXTEND: u8 = 10;
    pub(crate) const PAGE: u8 = 11;
    pub(crate) const GET_MANY: u8 = 12;
    pub(crate) const REMOVE_MANY: u8 = 13;
    pub(crate) const RETAIN_MANY: u8 = 14;
    pub(crate) const TOGGLE_MANY: u8 = 15;
    pub(crate) const GET_OR_INSERT: u8 = 16;
    pub(crate) const COMPARE_AND_SET: u8 = 17;
    pub(crate) const WAIT: u8 = 18;
    pub(crate) const UPDATE: u8 = WITH_FUNCTION | 1;
    pub(crate) const UPSERT: u8 = WITH_FUNCTION | 2;
    pub(crate) const MAKE: u8 = WITH_FUNCTION | 3;
    pub(crate) const POP_IF: u8 = WITH_FUNCTION | 4;
    pub(crate) const TRANSACT: u8 = WITH_FUNCTION | 5;

    /// What a page has of each entry.
    pub(crate) const KEYS: u8 = 1;
    pub(crate) const VALUES: u8 = 2;
}

/// The server's half.
#[derive(Default)]
pub(super) struct Dict {
    data: DictData,
    /// Who waits for a change of a key, and which one it has seen.
    watchers: HashMap<Key, Vec<(Ticket, u64)>>,
}

/// A key is compared by its bytes, so it cannot name what the server would have to keep for it.
fn key<'a>(fields: &mut Reader<'a>) -> Result<&'a [u8], Refusal> {
    let Value { bytes, .. } = value_without_names(fields)?;
    Ok(bytes)
}

fn value_without_names<'a>(fields: &mut Reader<'a>) -> Result<Value<'a>, Refusal> {
    let value = fields.value()?;
    if value.references().len() != 0 {
        return Err(Refusal::Misuse("a proxy cannot be a key".into()));
    }
    Ok(value)
}

impl Object for Dict {
    fn name(&self) -> &'static str {
        "dict"
    }

    fn handle(
        &mut self,
        op: u8,
        mut fields: Reader<'_>,
        turn: &mut Turn<'_>,
    ) -> Result<Outcome, Refusal> {
        let fields = &mut fields;
        match op {
            op::GET => turn.reply.optional(self.data.get(key(fields)?)),
            op::SET => drop(self.set(fields, turn)?),
            op::INSERT => {
                let old = self.set(fields, turn)?;
                turn.reply.optional(old.as_ref());
            }
            op::REMOVE => {
                let old = self.remove(key(fields)?, turn);
                turn.reply.optional(old.as_ref());
            }
            op::CONTAINS => turn.reply.flag(self.data.contains(key(fields)?)),
            op::LEN => turn.reply.number(self.data.len()),
            op::CLEAR => self.change_all(turn, DictData::clear),
            op::POP_LAST => self.pop(turn, DictData::pop_last),
            op::POP_FIRST => self.pop(turn, DictData::pop_first),
            op::EXTEND => self.extend(fields, turn)?,
            op::PAGE => self.page(fields, turn)?,
            op::GET_MANY => self.get_many(fields, turn)?,
            op::REMOVE_MANY => self.remove_many(fields, turn)?,
            op::RETAIN_MANY => self.retain_many(fields, turn)?,
            op::TOGGLE_MANY => self.toggle_many(fields, turn)?,
            op::GET_OR_INSERT => self.get_or_insert(fields, turn)?,
            op::COMPARE_AND_SET => self.compare_and_set(fields, turn)?,
            op::WAIT => return self.wait(fields, turn),
            _ => return Err(Refusal::UnknownOp),
        }
        Ok(Outcome::Answered)
    }

    fn run(&mut self, shim: Shim, op: u8, mut fields: Reader<'_>, aide: &Arc<Aide>) -> Ran {
        match op {
            op::UPDATE => self.update(key(&mut fields)?, None, shim, fields, aide),
            op::UPSERT => {
                let key = key(&mut fields)?;
                let default = aide.store(fields.value()?)?;
                self.update(key, Some(default), shim, fields, aide)
            }
            op::MAKE => self.make(key(&mut fields)?, shim, fields, aide),
            op::POP_IF => self.pop_if(key(&mut fields)?, shim, fields, aide),
            op::TRANSACT => {
                let data = Subject::Dict(mem::take(&mut self.data));
                let (subject, ran) = call(shim, aide, data, fields);
                if let Subject::Dict(data) = subject {
                    self.data = data;
                }
                ran
            }
            _ => Err(Refusal::UnknownOp),
        }
    }

    #[cfg(feature = "persist")]
    fn kept(&mut self) -> Option<&mut dyn super::Kept> {
        Some(&mut self.data)
    }

    fn settle(&mut self, turn: &mut Turn<'_>) {
        if !self.watchers.is_empty() {
            let watched: Vec<Key> = self.watchers.keys().cloned().collect();
            watched.iter().for_each(|key| self.tell(key, turn));
        }
    }

    fn expire(&mut self, ticket: Ticket, _: &mut Turn<'_>) -> Option<Reply> {
        let (key, _) = self
            .watchers
            .iter()
            .find(|(_, waiting)| waiting.iter().any(|(other, _)| *other == ticket))?;
        let key = key.clone();
        self.forget_where(|other| other == ticket);
        let mut reply = Reply::default();
        reply.flag(false);
        self.state_of(&key, &mut reply);
        Some(reply)
    }

    fn forget(&mut self, client: ClientId, _: &mut Turn<'_>) {
        self.forget_where(|ticket| ticket.client == client);
    }
}

impl Dict {
    fn set(
        &mut self,
        fields: &mut Reader<'_>,
        turn: &mut Turn<'_>,
    ) -> Result<Option<Stored>, Refusal> {
        let key = key(fields)?;
        let old = self.data.insert(key, turn.store(fields.value()?)?);
        self.tell(key, turn);
        Ok(old)
    }

    fn remove(&mut self, key: &[u8], turn: &mut Turn<'_>) -> Option<Stored> {
        let old = self.data.remove(key)?;
        self.tell(key, turn);
        Some(old)
    }

    fn change_all(&mut self, turn: &mut Turn<'_>, change: impl FnOnce(&mut DictData)) {
        change(&mut self.data);
        self.settle(turn);
    }

    fn pop(
        &mut self,
        turn: &mut Turn<'_>,
        pop: impl FnOnce(&mut DictData) -> Option<(Key, Stored)>,
    ) {
        let popped = pop(&mut self.data);
        turn.reply.flag(popped.is_some());
        if let Some((key, value)) = popped {
            turn.reply.bytes.put_value(&key, [].into_iter());
            turn.reply.value(&value);
            self.tell(&key, turn);
        }
    }

    fn get_or_insert(
        &mut self,
        fields: &mut Reader<'_>,
        turn: &mut Turn<'_>,
    ) -> Result<(), Refusal> {
        let key = key(fields)?;
        if self.data.get(key).is_none() {
            self.data.insert(key, turn.store(fields.value()?)?);
            self.tell(key, turn);
        }
        turn.reply.optional(self.data.get(key));
        Ok(())
    }

    fn compare_and_set(
        &mut self,
        fields: &mut Reader<'_>,
        turn: &mut Turn<'_>,
    ) -> Result<(), Refusal> {
        let (key, expected, new) = (key(fields)?, fields.optional()?, fields.optional()?);
        let found = self.data.get(key).map(Stored::bytes);
        let is_expected = found == expected.map(|value| value.bytes);
        if is_expected {
            match new {
                Some(value) => drop(self.data.insert(key, turn.store(value)?)),
                None => drop(self.data.remove(key)),
            }
            self.tell(key, turn);
        }
        turn.reply.flag(is_expected);
        Ok(())
    }
}
