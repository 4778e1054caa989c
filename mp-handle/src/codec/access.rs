//! Reads values that have parts, one part at a time.
//!
//! A visitor that stops before the end would leave the reader in the middle, so that is an error.

use serde::de::value::BorrowedStrDeserializer;
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, MapAccess, SeqAccess, Unexpected, VariantAccess,
    Visitor,
};

use super::error::CodecError;
use super::reader::Reader;
use super::table::Names;

/// Checks that a visitor took everything.
#[inline]
pub(super) fn check_empty(left: usize) -> Result<(), CodecError> {
    if left == 0 {
        return Ok(());
    }
    Err(CodecError::text(format!("a compound value has elements too many: {left}")))
}

/// The elements of a sequence or tuple, or the values of a struct.
pub(super) struct Elements<'r, 'de> {
    reader: &'r mut Reader<'de>,
    left: usize,
}

impl<'r, 'de> Elements<'r, 'de> {
    #[inline]
    pub(super) fn new(reader: &'r mut Reader<'de>, left: usize) -> Self {
        Self { reader, left }
    }

    #[inline]
    pub(super) fn finish(self) -> Result<(), CodecError> {
        check_empty(self.left)
    }
}

impl<'de> SeqAccess<'de> for Elements<'_, 'de> {
    type Error = CodecError;

    #[inline]
    fn next_element_seed<S>(&mut self, seed: S) -> Result<Option<S::Value>, CodecError>
    where
        S: DeserializeSeed<'de>,
    {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        seed.deserialize(&mut *self.reader).map(Some)
    }

    #[inline]
    fn size_hint(&self) -> Option<usize> {
        Some(self.left)
    }
}

/// The entries of a map.
pub(super) struct Entries<'r, 'de> {
    reader: &'r mut Reader<'de>,
    left: usize,
}

impl<'r, 'de> Entries<'r, 'de> {
    #[inline]
    pub(super) fn new(reader: &'r mut Reader<'de>, left: usize) -> Self {
        Self { reader, left }
    }

    #[inline]
    pub(super) fn finish(self) -> Result<(), CodecError> {
        check_empty(self.left)
    }
}

impl<'de> MapAccess<'de> for Entries<'_, 'de> {
    type Error = CodecError;

    fn next_key_seed<S>(&mut self, seed: S) -> Result<Option<S::Value>, CodecError>
    where
        S: DeserializeSeed<'de>,
    {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        seed.deserialize(&mut *self.reader).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<S::Value, CodecError> {
        seed.deserialize(&mut *self.reader)
    }

    #[inline]
    fn size_hint(&self) -> Option<usize> {
        Some(self.left)
    }
}

/// The fields of a struct, or a variant and its data, as the entries of a map.
pub(super) struct Fields<'r, 'de> {
    reader: &'r mut Reader<'de>,
    names: Names<'de>,
}

impl<'r, 'de> Fields<'r, 'de> {
    #[inline]
    pub(super) fn new(reader: &'r mut Reader<'de>, names: Names<'de>) -> Self {
        Self { reader, names }
    }

    #[inline]
    pub(super) fn finish(self) -> Result<(), CodecError> {
        check_empty(self.names.len())
    }
}

impl<'de> MapAccess<'de> for Fields<'_, 'de> {
    type Error = CodecError;

    fn next_key_seed<S>(&mut self, seed: S) -> Result<Option<S::Value>, CodecError>
    where
        S: DeserializeSeed<'de>,
    {
        match self.names.next() {
            Some(name) => seed.deserialize(BorrowedStrDeserializer::new(name?)).map(Some),
            None => Ok(None),
        }
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<S::Value, CodecError> {
        seed.deserialize(&mut *self.reader)
    }

    #[inline]
    fn size_hint(&self) -> Option<usize> {
        Some(self.names.len())
    }
}

/// A variant: its name, and one value if it has data.
pub(super) struct Variant<'r, 'de> {
    reader: &'r mut Reader<'de>,
    name: &'de str,
    has_data: bool,
}

impl<'r, 'de> Variant<'r, 'de> {
    #[inline]
    pub(super) fn new(reader: &'r mut Reader<'de>, name: &'de str, has_data: bool) -> Self {
        Self { reader, name, has_data }
    }

    #[inline]
    fn data(self, expected: &'static str) -> Result<&'r mut Reader<'de>, CodecError> {
        if self.has_data {
            return Ok(self.reader);
        }
        Err(serde::de::Error::invalid_type(Unexpected::UnitVariant, &expected))
    }
}

impl<'de> EnumAccess<'de> for Variant<'_, 'de> {
    type Error = CodecError;
    type Variant = Self;

    fn variant_seed<S>(self, seed: S) -> Result<(S::Value, Self), CodecError>
    where
        S: DeserializeSeed<'de>,
    {
        let variant = seed.deserialize(BorrowedStrDeserializer::<CodecError>::new(self.name))?;
        Ok((variant, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'_, 'de> {
    type Error = CodecError;

    #[inline]
    fn unit_variant(self) -> Result<(), CodecError> {
        if self.has_data {
            return Err(CodecError::mismatch("variant with data", &"unit variant"));
        }
        Ok(())
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<S::Value, CodecError> {
        seed.deserialize(self.data("newtype variant")?)
    }

    fn tuple_variant<V: Visitor<'de>>(
        self,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, CodecError> {
        self.data("tuple variant")?.deserialize_tuple(len, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, CodecError> {
        self.data("struct variant")?.deserialize_struct("", fields, visitor)
    }
}
