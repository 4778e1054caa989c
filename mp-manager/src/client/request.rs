//! A request on its way out.

use mp_handle::Parcel;
use serde::Serialize;

use super::answer::Answer;
use super::link::Link;
use super::reference::Reference;
use crate::error::ManagerError;
use crate::function::Shim;
use crate::nesting;
use crate::objects::FOREVER;
use crate::wire::{NO_ANSWER, ObjectId, Put, RequestHeader, value_length};

/// Gathers the fields of a request.
#[must_use]
pub(crate) struct Request<'a> {
    link: &'a std::sync::Arc<Link>,
    parcel: Parcel,
}

impl<'a> Request<'a> {
    pub(crate) fn new(link: &'a std::sync::Arc<Link>, object: ObjectId, op: u8) -> Self {
        let mut parcel = Parcel::new();
        RequestHeader { id: NO_ANSWER, object, op }.write(parcel.bytes_mut());
        Self { link, parcel }
    }

    pub(crate) fn byte(mut self, byte: u8) -> Self {
        self.parcel.bytes_mut().put_u8(byte);
        self
    }

    pub(crate) fn number(mut self, number: u64) -> Self {
        self.parcel.bytes_mut().put_u64(number);
        self
    }

    /// A time limit; `None` is none.
    pub(crate) fn limit(self, limit: Option<std::time::Duration>) -> Self {
        let nanos = limit.and_then(|limit| u64::try_from(limit.as_nanos()).ok());
        self.number(nanos.unwrap_or(FOREVER))
    }

    pub(crate) fn value<T: Serialize + ?Sized>(mut self, value: &T) -> Result<Self, ManagerError> {
        self.push(value)?;
        Ok(self)
    }

    /// As [`value`](Self::value), for loops.
    #[inline]
    pub(crate) fn push<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), ManagerError> {
        let place = self.parcel.push_bytes(&[0; 4]).start;
        let server = self.link.origin().server();
        let encoded = nesting::encode(server, &mut self.parcel, value);
        let (range, named) = encoded.map_err(ManagerError::Encode)?;
        let bytes = self.parcel.bytes_mut();
        bytes[place..place + 4].copy_from_slice(&value_length(range.len(), !named.is_empty()));
        bytes.put_references(named.into_iter());
        Ok(())
    }

    /// A value without proxies that was encoded before.
    pub(crate) fn encoded(mut self, bytes: &[u8]) -> Self {
        self.parcel.bytes_mut().put_value(bytes, [].into_iter());
        self
    }

    pub(crate) fn optional<T: Serialize + ?Sized>(
        self,
        value: Option<&T>,
    ) -> Result<Self, ManagerError> {
        match value {
            Some(value) => self.byte(1).value(value),
            None => Ok(self.byte(0)),
        }
    }

    /// Which function is to be run.
    pub(crate) fn function(mut self, shim: Shim) -> Result<Self, ManagerError> {
        let number = self.link.number(shim)?;
        self.parcel.bytes_mut().put_u8(0);
        self.parcel.bytes_mut().put_u32(number);
        Ok(self)
    }

    /// Bytes that are no value.
    #[cfg(any(feature = "persist", feature = "pool"))]
    pub(crate) fn bytes(mut self, bytes: &[u8]) -> Self {
        self.parcel.bytes_mut().put_bytes(bytes);
        self
    }

    #[cfg(feature = "pool")]
    pub(crate) fn word(mut self, word: u32) -> Self {
        self.parcel.bytes_mut().put_u32(word);
        self
    }

    /// Which function is to be run, by its name.
    pub(crate) fn function_name(mut self, name: &str) -> Self {
        self.parcel.bytes_mut().put_u8(1);
        self.parcel.bytes_mut().put_bytes(name.as_bytes());
        self
    }

    #[inline]
    pub(crate) fn call(mut self) -> Result<Answer<'a>, ManagerError> {
        let frame = self.link.exchange(&mut self.parcel)?;
        Ok(Answer::new(self.link, frame))
    }

    /// Sends it without waiting for anything: for what is dropped.
    pub(crate) fn tell(self) {
        self.link.tell(&self.parcel);
    }

    /// Has an object made; returns a reference to it.
    pub(crate) fn create(self) -> Result<Reference, ManagerError> {
        let link = self.link;
        let id = self.call()?.number()?;
        Ok(Reference::granted(link, id))
    }
}
