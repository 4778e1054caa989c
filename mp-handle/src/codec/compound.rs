//! Writes values that have parts: sequences, tuples, maps, structs.
//!
//! What is known only at the end, a count or a schema, is written as zero and patched. So no hint
//! about a length is believed, and an iterator need not know its own.

use serde::ser::{
    Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant,
};

use super::error::CodecError;
use super::format::{MAP, SEQ, STRUCT, TUPLE, frame};
use super::schema::Shape;
use super::writer::Writer;

/// A sequence that is being written.
pub(super) struct Elements<'w, 'a> {
    writer: &'w mut Writer<'a>,
    /// Where the count goes.
    place: usize,
    count: u64,
}

impl<'w, 'a> Elements<'w, 'a> {
    #[inline]
    pub(super) fn new(writer: &'w mut Writer<'a>) -> Result<Self, CodecError> {
        writer.enter()?;
        let place = writer.header(SEQ, 0);
        Ok(Self { writer, place, count: 0 })
    }
}

impl SerializeSeq for Elements<'_, '_> {
    type Ok = ();
    type Error = CodecError;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), CodecError> {
        value.serialize(&mut *self.writer)?;
        self.count += 1;
        Ok(())
    }

    #[inline]
    fn end(self) -> Result<(), CodecError> {
        self.writer.patch(self.place, &self.count.to_ne_bytes());
        self.writer.leave(1);
        Ok(())
    }
}

/// A tuple, array, tuple struct or tuple variant that is being written.
pub(super) struct Tuple<'w, 'a> {
    writer: &'w mut Writer<'a>,
    /// How many elements are still to come.
    missing: usize,
    /// How many levels it opened: a variant is a level of its own.
    levels: u32,
}

impl<'w, 'a> Tuple<'w, 'a> {
    /// Begins a tuple. Of its `levels`, the caller has opened all but one.
    #[inline]
    pub(super) fn new(
        writer: &'w mut Writer<'a>,
        len: usize,
        levels: u32,
    ) -> Result<Self, CodecError> {
        writer.enter()?;
        match u8::try_from(len) {
            Ok(len) => writer.out.extend_from_slice(&[TUPLE, len]),
            Err(_) => {
                writer.header(SEQ, len as u64);
            }
        }
        Ok(Self { writer, missing: len, levels })
    }

    #[inline(always)]
    fn add<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), CodecError> {
        value.serialize(&mut *self.writer)?;
        self.missing = self.missing.checked_sub(1).ok_or_else(wrong_length)?;
        Ok(())
    }

    #[inline(always)]
    fn finish(self) -> Result<(), CodecError> {
        if self.missing > 0 {
            return Err(wrong_length());
        }
        self.writer.leave(self.levels);
        Ok(())
    }
}

#[cold]
fn wrong_length() -> CodecError {
    CodecError::malformed("a tuple wrote another number of elements than it announced")
}

/// Makes [`Tuple`] what serde wants for each kind of tuple.
macro_rules! tuples {
    ($($kind:ident: $add:ident,)*) => {$(
        impl $kind for Tuple<'_, '_> {
            type Ok = ();
            type Error = CodecError;

            #[inline(always)]
            fn $add<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), CodecError> {
                self.add(value)
            }

            #[inline(always)]
            fn end(self) -> Result<(), CodecError> {
                self.finish()
            }
        }
    )*};
}

tuples! {
    SerializeTuple: serialize_element,
    SerializeTupleStruct: serialize_field,
    SerializeTupleVariant: serialize_field,
}

/// A map that is being written.
pub(super) struct Entries<'w, 'a> {
    writer: &'w mut Writer<'a>,
    /// Where the count goes.
    place: usize,
    keys: u64,
    values: u64,
}

impl<'w, 'a> Entries<'w, 'a> {
    #[inline]
    pub(super) fn new(writer: &'w mut Writer<'a>) -> Result<Self, CodecError> {
        writer.enter()?;
        let place = writer.header(MAP, 0);
        Ok(Self { writer, place, keys: 0, values: 0 })
    }
}

impl SerializeMap for Entries<'_, '_> {
    type Ok = ();
    type Error = CodecError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), CodecError> {
        key.serialize(&mut *self.writer)?;
        self.keys += 1;
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), CodecError> {
        value.serialize(&mut *self.writer)?;
        self.values += 1;
        Ok(())
    }

    #[inline]
    fn end(self) -> Result<(), CodecError> {
        if self.keys != self.values {
            return Err(CodecError::malformed("a map wrote a key without a value"));
        }
        self.writer.patch(self.place, &self.values.to_ne_bytes());
        self.writer.leave(1);
        Ok(())
    }
}

/// A struct or struct variant that is being written.
pub(super) struct Fields<'w, 'a> {
    writer: &'w mut Writer<'a>,
    /// Where the number of the schema goes.
    place: usize,
    shape: Shape,
    /// How many levels it opened: a variant is a level of its own.
    levels: u32,
}

impl<'w, 'a> Fields<'w, 'a> {
    /// Begins a struct. Of its `levels`, the caller has opened all but one.
    #[inline]
    pub(super) fn new(
        writer: &'w mut Writer<'a>,
        name: &'static str,
        len: usize,
        levels: u32,
    ) -> Result<Self, CodecError> {
        writer.enter()?;
        let shape = Shape::new(writer.schemas(), name, len);
        let place = writer.out.len() + 1;
        writer.out.extend_from_slice(&frame::<5>(STRUCT, &[0; 4]));
        Ok(Self { writer, place, shape, levels })
    }

    #[inline(always)]
    fn add<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), CodecError> {
        value.serialize(&mut *self.writer)?;
        self.shape.add(self.writer.schemas(), name);
        Ok(())
    }

    #[inline(always)]
    fn finish(self) -> Result<(), CodecError> {
        let number = self.shape.finish(self.writer.schemas());
        self.writer.patch(self.place, &number.to_ne_bytes());
        self.writer.leave(self.levels);
        Ok(())
    }
}

/// Makes [`Fields`] what serde wants for structs and for struct variants.
macro_rules! structs {
    ($($kind:ident)*) => {$(
        impl $kind for Fields<'_, '_> {
            type Ok = ();
            type Error = CodecError;

            #[inline(always)]
            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), CodecError> {
                self.add(name, value)
            }

            #[inline(always)]
            fn end(self) -> Result<(), CodecError> {
                self.finish()
            }
        }
    )*};
}

structs!(SerializeStruct SerializeStructVariant);
