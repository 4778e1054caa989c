//! The message that is being read: takes pieces off its front, each checked against what is left,
//! and hands compound values to visitors.

use serde::de::Visitor;

use super::access::{Elements, Entries, Fields, Variant};
use super::error::CodecError;
use super::format::{MAX_DEPTH, number_size};
use super::packed::{Packed, visit_number};
use super::table::{Names, Table};
use super::{bulk, text};

/// Reads one message.
pub(super) struct Reader<'de> {
    pub(super) bytes: &'de [u8],
    pub(super) table: Table<'de>,
    depth: u32,
}

impl<'de> Reader<'de> {
    #[inline]
    pub(super) fn new(message: &'de [u8]) -> Result<Self, CodecError> {
        let (bytes, table) = Table::split(message)?;
        Ok(Self { bytes, table, depth: 0 })
    }

    /// Checks that nothing is left.
    #[inline]
    pub(super) fn finish(self) -> Result<(), CodecError> {
        if self.bytes.is_empty() {
            return Ok(());
        }
        Err(CodecError::malformed("the encoded value has bytes left over"))
    }

    #[inline]
    pub(super) fn enter(&mut self) -> Result<(), CodecError> {
        if self.depth == MAX_DEPTH {
            return Err(CodecError::too_deep());
        }
        self.depth += 1;
        Ok(())
    }

    #[inline]
    pub(super) fn leave(&mut self) {
        self.depth -= 1;
    }

    #[inline]
    pub(super) fn peek(&self) -> Option<u8> {
        self.bytes.first().copied()
    }

    #[inline]
    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], CodecError> {
        array(&mut self.bytes)
    }

    /// Takes a count of things that have at least `size` bytes each.
    #[inline]
    pub(super) fn count(&mut self, size: usize) -> Result<usize, CodecError> {
        let count = u64::from_ne_bytes(self.array()?);
        if count > (self.bytes.len() / size) as u64 {
            return Err(CodecError::truncated());
        }
        Ok(count as usize)
    }

    #[inline]
    pub(super) fn take(&mut self, length: usize) -> Result<&'de [u8], CodecError> {
        let (taken, rest) =
            self.bytes.split_at_checked(length).ok_or_else(CodecError::truncated)?;
        self.bytes = rest;
        Ok(taken)
    }

    #[inline]
    pub(super) fn blob(&mut self) -> Result<&'de [u8], CodecError> {
        let length = self.count(1)?;
        self.take(length)
    }

    #[inline]
    pub(super) fn text(&mut self) -> Result<&'de str, CodecError> {
        text::check(self.blob()?)
    }

    pub(super) fn char(&mut self) -> Result<char, CodecError> {
        char::from_u32(u32::from_ne_bytes(self.array()?))
            .ok_or_else(|| CodecError::malformed("a char is not a Unicode scalar value"))
    }

    #[inline]
    pub(super) fn names(&mut self) -> Result<Names<'de>, CodecError> {
        let schema = u32::from_ne_bytes(self.array()?);
        self.table.names(schema)
    }

    #[inline]
    pub(super) fn variant_name(&mut self) -> Result<&'de str, CodecError> {
        let schema = u32::from_ne_bytes(self.array()?);
        self.table.variant(schema)
    }

    /// Takes what follows `PACKED`: the numbers' tag, and their bytes.
    #[inline]
    pub(super) fn packed(&mut self) -> Result<(u8, &'de [u8]), CodecError> {
        let [tag] = self.array()?;
        let size = number_size(tag)
            .ok_or_else(|| CodecError::malformed("an array is packed, but not of numbers"))?;
        let count = self.count(size)?;
        Ok((tag, self.take(count * size)?))
    }

    pub(super) fn visit_some<V: Visitor<'de>>(
        &mut self,
        visitor: V,
    ) -> Result<V::Value, CodecError> {
        self.enter()?;
        let value = visitor.visit_some(&mut *self)?;
        self.leave();
        Ok(value)
    }

    #[inline]
    pub(super) fn visit_elements<V: Visitor<'de>>(
        &mut self,
        count: usize,
        visitor: V,
    ) -> Result<V::Value, CodecError> {
        self.enter()?;
        let mut elements = Elements::new(self, count);
        let value = visitor.visit_seq(&mut elements)?;
        elements.finish()?;
        self.leave();
        Ok(value)
    }

    #[inline]
    pub(super) fn visit_packed<V: Visitor<'de>>(
        &mut self,
        visitor: V,
    ) -> Result<V::Value, CodecError> {
        let (tag, bytes) = self.packed()?;
        if let Some(value) = bulk::unpack::<V>(tag, bytes) {
            return Ok(value);
        }
        let mut packed = Packed::new(tag, bytes, self.depth);
        let value = visitor.visit_seq(&mut packed)?;
        packed.finish()?;
        Ok(value)
    }

    pub(super) fn visit_entries<V: Visitor<'de>>(
        &mut self,
        visitor: V,
    ) -> Result<V::Value, CodecError> {
        let count = self.count(2)?;
        self.enter()?;
        let mut entries = Entries::new(self, count);
        let value = visitor.visit_map(&mut entries)?;
        entries.finish()?;
        self.leave();
        Ok(value)
    }

    pub(super) fn visit_fields<V: Visitor<'de>>(
        &mut self,
        names: Names<'de>,
        visitor: V,
    ) -> Result<V::Value, CodecError> {
        self.enter()?;
        let mut fields = Fields::new(self, names);
        let value = visitor.visit_map(&mut fields)?;
        fields.finish()?;
        self.leave();
        Ok(value)
    }

    #[inline]
    pub(super) fn visit_variant<V: Visitor<'de>>(
        &mut self,
        name: &'de str,
        has_data: bool,
        visitor: V,
    ) -> Result<V::Value, CodecError> {
        if !has_data {
            return visitor.visit_enum(Variant::new(self, name, false));
        }
        self.enter()?;
        let value = visitor.visit_enum(Variant::new(self, name, true))?;
        self.leave();
        Ok(value)
    }

    /// Reads a number that is not of the type asked for; serde checks whether it fits.
    #[cold]
    pub(super) fn other_number<V: Visitor<'de>>(
        &mut self,
        visitor: V,
    ) -> Result<V::Value, CodecError> {
        let [tag] = self.array()?;
        visit_number(tag, &mut self.bytes, visitor)
    }
}

#[inline]
pub(super) fn array<const N: usize>(bytes: &mut &[u8]) -> Result<[u8; N], CodecError> {
    let (taken, rest) = bytes.split_first_chunk().ok_or_else(CodecError::truncated)?;
    *bytes = rest;
    Ok(*taken)
}
