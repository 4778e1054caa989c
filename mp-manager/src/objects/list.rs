//! A list of encoded values.

use std::sync::Arc;

use super::sequence::Sequence;
use super::{Aide, Object, Outcome, Ran, Stored, Turn, call};
use crate::error::Refusal;
use crate::function::{Shim, Subject};
use crate::wire::Reader;

/// What a list is asked for.
pub(crate) mod op {
    use crate::objects::WITH_FUNCTION;

    pub(crate) const GET: u8 = 1;
    pub(crate) const SET: u8 = 2;
    pub(crate) const LEN: u8 = 3;
    pub(crate) const CLEAR: u8 = 4;
    pub(crate) const EXTEND: u8 = 5;
    pub(crate) const INSERT: u8 = 6;
    pub(crate) const REMOVE: u8 = 7;
    pub(crate) const POP: u8 = 8;
    pub(crate) const POP_FRONT: u8 = 9;
    pub(crate) const PAGE: u8 = 10;
    pub(crate) const POSITION: u8 = 11;
    pub(crate) const COUNT: u8 = 12;
    pub(crate) const REMOVE_VALUE: u8 = 13;
    pub(crate) const REVERSE: u8 = 14;
    pub(crate) const SPLICE: u8 = 15;
    pub(crate) const COMPARE_AND_SET: u8 = 16;
    pub(crate) const SWAP: u8 = 17;
    pub(crate) const UPDATE: u8 = WITH_FUNCTION | 1;
    pub(crate) const SORT: u8 = WITH_FUNCTION | 2;
}

/// The server's half.
#[derive(Default)]
pub(super) struct List {
    values: Sequence,
}

impl Object for List {
    fn name(&self) -> &'static str {
        "list"
    }

    fn handle(
        &mut self,
        op: u8,
        mut fields: Reader<'_>,
        turn: &mut Turn<'_>,
    ) -> Result<Outcome, Refusal> {
        let fields = &mut fields;
        match op {
            op::GET => turn.reply.optional(self.values.get(index(fields)?)),
            op::SET => {
                let (place, value) = (self.place(fields)?, turn.store(fields.value()?)?);
                turn.reply.value(&self.values.replace(place, value));
            }
            op::LEN => turn.reply.number(self.values.len()),
            op::CLEAR => self.values.clear(),
            op::EXTEND => self.values.extend(values(fields, turn)?),
            op::INSERT => {
                let (place, value) = (index(fields)?, turn.store(fields.value()?)?);
                self.check(place, self.values.len())?;
                self.values.insert(place, value);
            }
            op::REMOVE => turn.reply.optional(self.values.remove(index(fields)?).as_ref()),
            op::POP => turn.reply.optional(self.values.pop().as_ref()),
            op::POP_FRONT => turn.reply.optional(self.values.remove(0).as_ref()),
            op::PAGE => self.page(fields, turn)?,
            op::POSITION => {
                let (value, start) = (fields.value()?, index(fields)?);
                let found = self.find(value.bytes, start);
                turn.reply.flag(found.is_some());
                turn.reply.number(found.unwrap_or_default());
            }
            op::COUNT => {
                let value = fields.value()?;
                let same = self.values.iter().filter(|stored| stored.bytes() == value.bytes);
                turn.reply.number(same.count());
            }
            op::REMOVE_VALUE => {
                let found = self.find(fields.value()?.bytes, 0);
                turn.reply.flag(found.is_some());
                found.map(|place| self.values.remove(place));
            }
            op::REVERSE => self.values.reverse(),
            op::SPLICE => self.splice(fields, turn)?,
            op::COMPARE_AND_SET => self.compare_and_set(fields, turn)?,
            op::SWAP => {
                let (one, other) = (self.place(fields)?, self.place(fields)?);
                self.values.swap(one, other);
            }
            _ => return Err(Refusal::UnknownOp),
        }
        Ok(Outcome::Answered)
    }

    fn run(&mut self, shim: Shim, op: u8, mut fields: Reader<'_>, aide: &Arc<Aide>) -> Ran {
        match op {
            op::UPDATE => {
                let place = self.place(&mut fields)?;
                let value = Subject::Value(self.values[place].clone());
                let (subject, ran) = call(shim, aide, value, fields);
                if let (Subject::Value(value), Ok(_)) = (subject, &ran) {
                    drop(self.values.replace(place, value));
                }
                ran
            }
            op::SORT => {
                let values = self.values.iter().cloned().collect();
                let (subject, ran) = call(shim, aide, Subject::Values(values), fields);
                if let (Subject::Values(values), Ok(_)) = (subject, &ran) {
                    self.values.replace_all(values);
                }
                ran
            }
            _ => Err(Refusal::UnknownOp),
        }
    }

    #[cfg(feature = "persist")]
    fn kept(&mut self) -> Option<&mut dyn super::Kept> {
        Some(&mut self.values)
    }
}

/// A place in a list, or as far behind its end as can be said.
fn index(fields: &mut Reader<'_>) -> Result<usize, Refusal> {
    Ok(usize::try_from(fields.u64()?).unwrap_or(usize::MAX))
}

/// All values that follow.
fn values(fields: &mut Reader<'_>, turn: &Turn<'_>) -> Result<Vec<Stored>, Refusal> {
    let mut values = Vec::new();
    while !fields.rest().is_empty() {
        values.push(turn.store(fields.value()?)?);
    }
    Ok(values)
}

impl List {
    fn check(&self, place: usize, most: usize) -> Result<(), Refusal> {
        if place <= most { Ok(()) } else { Err(Refusal::OutOfRange(self.values.len())) }
    }

    /// The place of a value that is there.
    fn place(&self, fields: &mut Reader<'_>) -> Result<usize, Refusal> {
        let place = index(fields)?;
        let last = self.values.len().checked_sub(1).ok_or(Refusal::OutOfRange(0))?;
        self.check(place, last)?;
        Ok(place)
    }

    fn find(&self, bytes: &[u8], start: usize) -> Option<usize> {
        let mut places = self.values.iter().enumerate().skip(start);
        places.find(|(_, stored)| stored.bytes() == bytes).map(|(place, _)| place)
    }

    /// Answers with the values from a place on, up to an end, as many as fit, each preceded by a
    /// flag; then with a false flag, whether there are more, and the place behind the last one.
    fn page(&self, fields: &mut Reader<'_>, turn: &mut Turn<'_>) -> Result<(), Refusal> {
        let (is_whole, start, end) = (fields.flag()?, index(fields)?, index(fields)?);
        let end = end.min(self.values.len());
        let mut place = start.min(end);
        while place < end && (is_whole || !turn.reply.is_full()) {
            turn.reply.flag(true);
            turn.reply.value(&self.values[place]);
            place += 1;
        }
        turn.reply.flag(false);
        turn.reply.flag(place < end);
        turn.reply.number(place);
        Ok(())
    }

    /// Replaces a range by other values, and answers with the old ones.
    fn splice(&mut self, fields: &mut Reader<'_>, turn: &mut Turn<'_>) -> Result<(), Refusal> {
        let (start, end) = (index(fields)?, index(fields)?);
        self.check(end, self.values.len())?;
        self.check(start, end)?;
        let new = values(fields, turn)?;
        for old in self.values.splice(start..end, new) {
            turn.reply.flag(true);
            turn.reply.value(&old);
        }
        turn.reply.flag(false);
        Ok(())
    }

    fn compare_and_set(
        &mut self,
        fields: &mut Reader<'_>,
        turn: &mut Turn<'_>,
    ) -> Result<(), Refusal> {
        let (place, expected) = (self.place(fields)?, fields.value()?);
        let is_expected = self.values[place].bytes() == expected.bytes;
        if is_expected {
            drop(self.values.replace(place, turn.store(fields.value()?)?));
        }
        turn.reply.flag(is_expected);
        Ok(())
    }
}
