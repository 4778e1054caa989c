//! An answer that came, to be taken apart.

use std::sync::Arc;

use mp_handle::Parcel;
use serde::de::DeserializeOwned;

use super::link::Link;
use crate::error::ManagerError;
use crate::nesting;
use crate::wire::{ANSWER_HEADER, Malformed, Reader};

/// The fields of an answer.
pub(crate) struct Answer<'a> {
    link: &'a Arc<Link>,
    parcel: Parcel,
    /// Where the next field begins.
    at: usize,
}

impl<'a> Answer<'a> {
    pub(super) fn new(link: &'a Arc<Link>, frame: Vec<u8>) -> Self {
        Self { link, parcel: Parcel::from_parts(frame, Vec::new()), at: ANSWER_HEADER }
    }

    fn read<T>(
        &mut self,
        read: impl FnOnce(&mut Reader<'_>) -> Result<T, Malformed>,
    ) -> Result<T, ManagerError> {
        let bytes = self.parcel.bytes();
        let mut reader = Reader::new(bytes.get(self.at..).unwrap_or_default());
        let value = read(&mut reader)?;
        self.at = bytes.len() - reader.rest().len();
        Ok(value)
    }

    pub(crate) fn flag(&mut self) -> Result<bool, ManagerError> {
        self.read(|reader| reader.flag())
    }

    pub(crate) fn byte(&mut self) -> Result<u8, ManagerError> {
        self.read(|reader| reader.u8())
    }

    pub(crate) fn number(&mut self) -> Result<u64, ManagerError> {
        self.read(|reader| reader.u64())
    }

    pub(crate) fn len(&mut self) -> Result<usize, ManagerError> {
        Ok(usize::try_from(self.number()?).unwrap_or(usize::MAX))
    }

    /// All that has not been taken.
    #[cfg(feature = "pool")]
    pub(crate) fn rest(&self) -> &[u8] {
        self.parcel.bytes().get(self.at..).unwrap_or_default()
    }

    pub(crate) fn value<T: DeserializeOwned>(&mut self) -> Result<T, ManagerError> {
        // The bytes begin behind their length.
        let start = self.at + 4;
        let (len, granted) = self.read(|reader| {
            let value = reader.value()?;
            Ok((value.bytes.len(), value.references().collect::<Vec<_>>()))
        })?;
        let range = start..start + len;
        let decoded = if granted.is_empty() {
            self.parcel.get(range)
        } else {
            nesting::decode(self.link.origin(), &self.parcel, range, granted)
        };
        decoded.map_err(ManagerError::Decode)
    }

    pub(crate) fn optional<T: DeserializeOwned>(&mut self) -> Result<Option<T>, ManagerError> {
        if self.flag()? { self.value().map(Some) } else { Ok(None) }
    }

    /// The values that follow, each behind a flag, up to a flag that is false.
    pub(crate) fn values<T: DeserializeOwned>(&mut self) -> Result<Vec<T>, ManagerError> {
        let mut values = Vec::new();
        while let Some(value) = self.optional()? {
            values.push(value);
        }
        Ok(values)
    }
}
