//! Writes values: the `Serializer`.

use std::fmt::{self, Write};

use serde::ser::{Serialize, SerializeSeq, Serializer};

use super::bulk;
use super::compound::{Elements, Entries, Fields, Tuple};
use super::error::CodecError;
use super::format::*;
use super::writer::Writer;

/// Writes numbers: a tag, and the number as it is in memory.
macro_rules! numbers {
    ($($method:ident: $number:ty => $tag:ident,)*) => {$(
        #[inline]
        fn $method(self, value: $number) -> Result<(), CodecError> {
            let bytes = frame::<{ 1 + size_of::<$number>() }>($tag, &value.to_ne_bytes());
            self.out.extend_from_slice(&bytes);
            Ok(())
        }
    )*};
}

impl<'w, 'a> Serializer for &'w mut Writer<'a> {
    type Ok = ();
    type Error = CodecError;
    type SerializeSeq = Elements<'w, 'a>;
    type SerializeTuple = Tuple<'w, 'a>;
    type SerializeTupleStruct = Tuple<'w, 'a>;
    type SerializeTupleVariant = Tuple<'w, 'a>;
    type SerializeMap = Entries<'w, 'a>;
    type SerializeStruct = Fields<'w, 'a>;
    type SerializeStructVariant = Fields<'w, 'a>;

    numbers! {
        serialize_i8: i8 => I8,
        serialize_i16: i16 => I16,
        serialize_i32: i32 => I32,
        serialize_i64: i64 => I64,
        serialize_i128: i128 => I128,
        serialize_u8: u8 => U8,
        serialize_u16: u16 => U16,
        serialize_u32: u32 => U32,
        serialize_u64: u64 => U64,
        serialize_u128: u128 => U128,
        serialize_f32: f32 => F32,
        serialize_f64: f64 => F64,
    }

    #[inline]
    fn serialize_bool(self, value: bool) -> Result<(), CodecError> {
        self.out.push(if value { TRUE } else { FALSE });
        Ok(())
    }

    #[inline]
    fn serialize_char(self, value: char) -> Result<(), CodecError> {
        self.out.extend_from_slice(&frame::<5>(CHAR, &u32::from(value).to_ne_bytes()));
        Ok(())
    }

    #[inline]
    fn serialize_str(self, value: &str) -> Result<(), CodecError> {
        self.blob(STR, value.as_bytes());
        Ok(())
    }

    #[inline]
    fn serialize_bytes(self, value: &[u8]) -> Result<(), CodecError> {
        self.blob(BYTES, value);
        Ok(())
    }

    fn collect_str<T: fmt::Display + ?Sized>(self, value: &T) -> Result<(), CodecError> {
        let place = self.header(STR, 0);
        let start = self.out.len();
        if write!(Utf8(self.out), "{value}").is_err() {
            self.out.truncate(place - 1);
            return Err(CodecError::malformed("a value failed to write itself as text"));
        }
        let length = (self.out.len() - start) as u64;
        self.patch(place, &length.to_ne_bytes());
        Ok(())
    }

    #[inline]
    fn serialize_none(self) -> Result<(), CodecError> {
        self.out.push(NONE);
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), CodecError> {
        self.enter()?;
        self.out.push(SOME);
        value.serialize(&mut *self)?;
        self.leave(1);
        Ok(())
    }

    #[inline]
    fn serialize_unit(self) -> Result<(), CodecError> {
        self.out.push(UNIT);
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), CodecError> {
        self.serialize_unit()
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), CodecError> {
        self.enter()?;
        value.serialize(&mut *self)?;
        self.leave(1);
        Ok(())
    }

    #[inline]
    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), CodecError> {
        self.variant(UNIT_VARIANT, variant);
        Ok(())
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), CodecError> {
        self.enter()?;
        self.variant(VARIANT, variant);
        value.serialize(&mut *self)?;
        self.leave(1);
        Ok(())
    }

    fn collect_seq<I>(self, items: I) -> Result<(), CodecError>
    where
        I: IntoIterator<Item: Serialize>,
    {
        let items = match bulk::pack(items, self.out) {
            Ok(()) => return Ok(()),
            Err(items) => items,
        };
        let mut elements = self.serialize_seq(None)?;
        items.into_iter().try_for_each(|item| elements.serialize_element(&item))?;
        elements.end()
    }

    #[inline]
    fn serialize_seq(self, _: Option<usize>) -> Result<Elements<'w, 'a>, CodecError> {
        Elements::new(self)
    }

    #[inline]
    fn serialize_tuple(self, len: usize) -> Result<Tuple<'w, 'a>, CodecError> {
        Tuple::new(self, len, 1)
    }

    #[inline]
    fn serialize_tuple_struct(
        self,
        _: &'static str,
        len: usize,
    ) -> Result<Tuple<'w, 'a>, CodecError> {
        Tuple::new(self, len, 1)
    }

    #[inline]
    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Tuple<'w, 'a>, CodecError> {
        self.enter()?;
        self.variant(VARIANT, variant);
        Tuple::new(self, len, 2)
    }

    #[inline]
    fn serialize_map(self, _: Option<usize>) -> Result<Entries<'w, 'a>, CodecError> {
        Entries::new(self)
    }

    #[inline]
    fn serialize_struct(
        self,
        name: &'static str,
        len: usize,
    ) -> Result<Fields<'w, 'a>, CodecError> {
        Fields::new(self, name, len, 1)
    }

    #[inline]
    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Fields<'w, 'a>, CodecError> {
        self.enter()?;
        self.variant(VARIANT, variant);
        Fields::new(self, variant, len, 2)
    }
}

/// Appends text to bytes.
struct Utf8<'a>(&'a mut Vec<u8>);

impl Write for Utf8<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }
}
