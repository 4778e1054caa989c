//! Reads values: the `Deserializer`.
//!
//! What stands in the bytes decides, not what was asked for: nearly every request is answered by
//! `deserialize_any`. The others are there because they are faster (numbers, structs), or because
//! the visitor would not know what to do without them (options, newtypes, enums).

use std::any::type_name;

use serde::de::{Deserializer, Visitor};
use serde::forward_to_deserialize_any;

use super::error::CodecError;
use super::format::*;
use super::packed::visit_number;
use super::reader::Reader;
use super::text;

/// Reads numbers of the type asked for, which is nearly always the case.
macro_rules! numbers {
    ($($method:ident: $number:ty => $tag:ident, $visit:ident;)*) => {$(
        #[inline]
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CodecError> {
            match self.bytes.split_first_chunk::<{ 1 + size_of::<$number>() }>() {
                Some(([$tag, number @ ..], rest)) => {
                    self.bytes = rest;
                    visitor.$visit(<$number>::from_ne_bytes(*number))
                }
                _ => self.other_number(visitor),
            }
        }
    )*};
}

impl<'de> Deserializer<'de> for &mut Reader<'de> {
    type Error = CodecError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CodecError> {
        let [tag] = self.array()?;
        match tag {
            UNIT => visitor.visit_unit(),
            FALSE => visitor.visit_bool(false),
            TRUE => visitor.visit_bool(true),
            CHAR => visitor.visit_char(self.char()?),
            STR => visitor.visit_borrowed_str(self.text()?),
            BYTES => visitor.visit_borrowed_bytes(self.blob()?),
            NONE => visitor.visit_none(),
            SOME => self.visit_some(visitor),
            SEQ => {
                let count = self.count(1)?;
                self.visit_elements(count, visitor)
            }
            TUPLE => {
                let [count] = self.array()?;
                self.visit_elements(usize::from(count), visitor)
            }
            PACKED => self.visit_packed(visitor),
            MAP => self.visit_entries(visitor),
            STRUCT | VARIANT => {
                let names = self.names()?;
                self.visit_fields(names, visitor)
            }
            UNIT_VARIANT => visitor.visit_borrowed_str(self.variant_name()?),
            _ => visit_number(tag, &mut self.bytes, visitor),
        }
    }

    numbers! {
        deserialize_i8: i8 => I8, visit_i8;
        deserialize_i16: i16 => I16, visit_i16;
        deserialize_i32: i32 => I32, visit_i32;
        deserialize_i64: i64 => I64, visit_i64;
        deserialize_i128: i128 => I128, visit_i128;
        deserialize_u8: u8 => U8, visit_u8;
        deserialize_u16: u16 => U16, visit_u16;
        deserialize_u32: u32 => U32, visit_u32;
        deserialize_u64: u64 => U64, visit_u64;
        deserialize_u128: u128 => U128, visit_u128;
        deserialize_f32: f32 => F32, visit_f32;
        deserialize_f64: f64 => F64, visit_f64;
    }

    #[inline]
    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CodecError> {
        if let [STR, rest @ ..] = self.bytes {
            self.bytes = rest;
            return visitor.visit_string(text::to_string(self.blob()?)?);
        }
        self.deserialize_any(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CodecError> {
        if let [PACKED, U8, rest @ ..] = self.bytes {
            self.bytes = rest;
            return visitor.visit_borrowed_bytes(self.blob()?);
        }
        self.deserialize_any(visitor)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CodecError> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CodecError> {
        match self.peek() {
            Some(NONE | SOME | UNIT) => self.deserialize_any(visitor),
            // A value that is sent bare and received as an option: as in JSON, it is there.
            _ => self.visit_some(visitor),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, CodecError> {
        self.enter()?;
        let value = visitor.visit_newtype_struct(&mut *self)?;
        self.leave();
        Ok(value)
    }

    #[inline]
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CodecError> {
        if let [PACKED, rest @ ..] = self.bytes {
            self.bytes = rest;
            return self.visit_packed(visitor);
        }
        self.deserialize_any(visitor)
    }

    #[inline]
    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, CodecError> {
        if let [TUPLE, count, rest @ ..] = self.bytes {
            self.bytes = rest;
            return self.visit_elements(usize::from(*count), visitor);
        }
        self.deserialize_any(visitor)
    }

    #[inline]
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, CodecError> {
        if let Some(([STRUCT, schema @ ..], rest)) = self.bytes.split_first_chunk::<5>() {
            let schema = u32::from_ne_bytes(*schema);
            if self.table.in_order(schema, fields, type_name::<V>())? {
                self.bytes = rest;
                return self.visit_elements(fields.len(), visitor);
            }
        }
        self.deserialize_any(visitor)
    }

    #[inline]
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, CodecError> {
        let [tag] = self.array()?;
        match tag {
            UNIT_VARIANT | VARIANT => {
                let name = self.variant_name()?;
                self.visit_variant(name, tag == VARIANT, visitor)
            }
            STR => {
                let name = self.text()?;
                self.visit_variant(name, false, visitor)
            }
            _ => Err(CodecError::mismatch(describe(tag), &visitor)),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CodecError> {
        if self.peek() == Some(PACKED) {
            self.take(1)?;
            self.packed()?;
            return visitor.visit_unit();
        }
        self.deserialize_any(visitor)
    }

    forward_to_deserialize_any! {
        bool char str unit unit_struct tuple_struct map identifier
    }
}
