//! Reads numbers that do not go to a vector in one piece: the parts of packed arrays, and those of
//! another type than the one asked for.

use serde::de::{DeserializeSeed, Deserializer, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

use super::access::check_empty;
use super::error::CodecError;
use super::format::*;
use super::reader::array;

/// The elements of a packed array.
pub(super) struct Packed<'de> {
    tag: u8,
    bytes: &'de [u8],
    depth: u32,
}

impl<'de> Packed<'de> {
    #[inline]
    pub(super) fn new(tag: u8, bytes: &'de [u8], depth: u32) -> Self {
        Self { tag, bytes, depth }
    }

    #[inline]
    fn len(&self) -> usize {
        number_size(self.tag).map_or(0, |size| self.bytes.len() / size)
    }

    #[inline]
    pub(super) fn finish(self) -> Result<(), CodecError> {
        check_empty(self.len())
    }
}

impl<'de> SeqAccess<'de> for Packed<'de> {
    type Error = CodecError;

    fn next_element_seed<S>(&mut self, seed: S) -> Result<Option<S::Value>, CodecError>
    where
        S: DeserializeSeed<'de>,
    {
        if self.bytes.is_empty() {
            return Ok(None);
        }
        let Self { tag, depth, .. } = *self;
        seed.deserialize(Number { tag, bytes: &mut self.bytes, depth }).map(Some)
    }

    #[inline]
    fn size_hint(&self) -> Option<usize> {
        Some(self.len())
    }
}

/// A number of a packed array.
struct Number<'r, 'de> {
    tag: u8,
    bytes: &'r mut &'de [u8],
    depth: u32,
}

impl Number<'_, '_> {
    /// Goes one level down. `struct N(Option<Box<N>>)` would do so without end.
    #[inline]
    fn inner(mut self) -> Result<Self, CodecError> {
        if self.depth == MAX_DEPTH {
            return Err(CodecError::too_deep());
        }
        self.depth += 1;
        Ok(self)
    }
}

impl<'de> Deserializer<'de> for Number<'_, 'de> {
    type Error = CodecError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CodecError> {
        visit_number(self.tag, self.bytes, visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CodecError> {
        visitor.visit_some(self.inner()?)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, CodecError> {
        visitor.visit_newtype_struct(self.inner()?)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// Reads what follows the tag of a number.
pub(super) fn visit_number<'de, V: Visitor<'de>>(
    tag: u8,
    bytes: &mut &'de [u8],
    visitor: V,
) -> Result<V::Value, CodecError> {
    match tag {
        I8 => visitor.visit_i8(i8::from_ne_bytes(array(bytes)?)),
        I16 => visitor.visit_i16(i16::from_ne_bytes(array(bytes)?)),
        I32 => visitor.visit_i32(i32::from_ne_bytes(array(bytes)?)),
        I64 => visitor.visit_i64(i64::from_ne_bytes(array(bytes)?)),
        I128 => visitor.visit_i128(i128::from_ne_bytes(array(bytes)?)),
        U8 => visitor.visit_u8(u8::from_ne_bytes(array(bytes)?)),
        U16 => visitor.visit_u16(u16::from_ne_bytes(array(bytes)?)),
        U32 => visitor.visit_u32(u32::from_ne_bytes(array(bytes)?)),
        U64 => visitor.visit_u64(u64::from_ne_bytes(array(bytes)?)),
        U128 => visitor.visit_u128(u128::from_ne_bytes(array(bytes)?)),
        F32 => visitor.visit_f32(f32::from_ne_bytes(array(bytes)?)),
        F64 => visitor.visit_f64(f64::from_ne_bytes(array(bytes)?)),
        _ => Err(CodecError::mismatch(describe(tag), &visitor)),
    }
}
