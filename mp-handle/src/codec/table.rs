//! The names of fields and variants on their way in: reads the table that `schema` writes.
//!
//! Nothing is parsed in advance and nothing is allocated: the table stays bytes, and a schema is
//! found by its offset when a value refers to it.

use std::ptr;

use super::error::CodecError;
use super::format::{NO_TABLE, TABLE};

/// How many answers of [`Table::in_order`] are remembered.
const ANSWERS: usize = 4;

/// The table at the end of a message.
pub(super) struct Table<'de> {
    schemas: &'de [u8],
    offsets: &'de [u8],
    answers: [Option<Answer>; ANSWERS],
}

/// Whether schema `id` suits a visitor that wants `fields`.
#[derive(Clone, Copy)]
struct Answer {
    id: u32,
    fields: &'static [&'static str],
    visitor: &'static str,
    in_order: bool,
}

impl<'de> Table<'de> {
    /// Parts a message into its value and its table.
    #[inline]
    pub(super) fn split(message: &'de [u8]) -> Result<(&'de [u8], Self), CodecError> {
        let (schemas, offsets, value) = match message {
            [value @ .., NO_TABLE] => ([].as_slice(), [].as_slice(), value),
            [rest @ .., TABLE] => Self::split_parts(rest).ok_or_else(CodecError::truncated)?,
            _ => return Err(CodecError::truncated()),
        };
        Ok((value, Self { schemas, offsets, answers: [None; ANSWERS] }))
    }

    /// Gives schemas, offsets and value.
    fn split_parts(rest: &'de [u8]) -> Option<(&'de [u8], &'de [u8], &'de [u8])> {
        let (rest, count) = rest.split_last_chunk()?;
        let (rest, length) = rest.split_last_chunk()?;
        let offsets_length = (u32::from_ne_bytes(*count) as usize).checked_mul(4)?;
        let (rest, offsets) = rest.split_at_checked(rest.len().checked_sub(offsets_length)?)?;
        let length = u32::from_ne_bytes(*length) as usize;
        let (value, schemas) = rest.split_at_checked(rest.len().checked_sub(length)?)?;
        Some((schemas, offsets, value))
    }

    /// Gives the names in schema `id`.
    #[inline]
    pub(super) fn names(&self, id: u32) -> Result<Names<'de>, CodecError> {
        let offset = self.offsets.chunks_exact(4).nth(id as usize).and_then(<[u8]>::first_chunk);
        offset
            .and_then(|offset| self.schemas.get(u32::from_ne_bytes(*offset) as usize..))
            .and_then(<[u8]>::split_first_chunk)
            .map(|(count, bytes)| Names { left: u32::from_ne_bytes(*count) as usize, bytes })
            .filter(|names| names.left <= names.bytes.len())
            .ok_or_else(|| CodecError::malformed("a struct or variant refers to no schema"))
    }

    /// Gives the only name in schema `id`, which is that of a variant.
    #[inline]
    pub(super) fn variant(&self, id: u32) -> Result<&'de str, CodecError> {
        match self.names(id)?.next() {
            Some(name) => name,
            None => Err(CodecError::malformed("a variant has no name")),
        }
    }

    /// Tells whether a struct of schema `id` can be handed as a sequence to the visitor that wants
    /// `fields`: the names are the same in the same order, and serde's derive made the visitor.
    /// (One made by hand often understands maps only.)
    #[inline]
    pub(super) fn in_order(
        &mut self,
        id: u32,
        fields: &'static [&'static str],
        visitor: &'static str,
    ) -> Result<bool, CodecError> {
        let slot = id as usize % ANSWERS;
        match self.answers[slot] {
            Some(answer)
                if answer.id == id
                    && ptr::eq(answer.fields, fields)
                    && ptr::eq(answer.visitor, visitor) =>
            {
                Ok(answer.in_order)
            }
            _ => self.compare(id, fields, visitor),
        }
    }

    #[cold]
    fn compare(
        &mut self,
        id: u32,
        fields: &'static [&'static str],
        visitor: &'static str,
    ) -> Result<bool, CodecError> {
        let mut names = self.names(id)?;
        let in_order = names.left == fields.len()
            && fields.iter().all(|field| names.next_bytes() == Some(field.as_bytes()))
            && is_derived(visitor);
        self.answers[id as usize % ANSWERS] = Some(Answer { id, fields, visitor, in_order });
        Ok(in_order)
    }
}

/// Tells by the name of a visitor's type whether serde's derive made it.
fn is_derived(visitor: &str) -> bool {
    visitor.ends_with("::__Visitor") || visitor.contains("::__Visitor<")
}

/// The names in a schema, one after the other.
pub(super) struct Names<'de> {
    left: usize,
    bytes: &'de [u8],
}

impl<'de> Names<'de> {
    /// Takes a name, or gives nothing if the table ends within it.
    #[inline]
    fn next_bytes(&mut self) -> Option<&'de [u8]> {
        let (length, bytes) = self.bytes.split_first()?;
        let (name, rest) = bytes.split_at_checked(usize::from(*length))?;
        self.bytes = rest;
        Some(name)
    }
}

impl<'de> Iterator for Names<'de> {
    type Item = Result<&'de str, CodecError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let name = self.next_bytes().and_then(|name| str::from_utf8(name).ok());
        Some(name.ok_or_else(|| CodecError::malformed("the table of names is damaged")))
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Names<'_> {}
