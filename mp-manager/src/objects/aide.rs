//! [`Aide`]: how objects keep, encode and decode values.

use std::sync::Arc;

use mp_handle::Parcel;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::stored::{Stored, in_use};
use crate::error::Refusal;
use crate::nesting;
use crate::origin::Origin;
use crate::server::{Hold, Roster};
use crate::wire::{Put, Reader, Value};

/// What objects need of the server, from whichever thread.
#[derive(Clone)]
pub(crate) struct Aide {
    pub(crate) origin: Origin,
    pub(crate) roster: Arc<Roster>,
    /// How many bytes all values may have together.
    pub(crate) max_bytes: usize,
    /// Values may name other objects of the server.
    pub(crate) allows_proxies: bool,
    /// Where other threads leave answers.
    #[cfg(feature = "pool")]
    pub(crate) outside: Arc<crate::server::Outside>,
}

impl Aide {
    /// Keeps a value that came from a client.
    #[inline]
    pub(crate) fn store(&self, value: Value<'_>) -> Result<Stored, Refusal> {
        let holds = if value.references().len() == 0 { Vec::new() } else { self.claim(value)? };
        if in_use() > self.max_bytes {
            return Err(Refusal::Limit(format!("{} bytes in all values", self.max_bytes)));
        }
        Ok(Stored::new(value.bytes, holds))
    }

    #[cold]
    fn claim(&self, value: Value<'_>) -> Result<Vec<Hold>, Refusal> {
        if !self.allows_proxies {
            return Err(Refusal::Misuse("a proxy cannot be kept on disk".into()));
        }
        let holds = value.references().map(|id| self.roster.claim(id));
        holds.collect::<Option<_>>().ok_or(Refusal::NoObject)
    }

    /// Decodes a value, on the server.
    pub(crate) fn decode<T: DeserializeOwned>(&self, stored: &Stored) -> Result<T, Refusal> {
        let parcel = Parcel::from_parts(stored.bytes().to_vec(), Vec::new());
        let range = 0..stored.bytes().len();
        let value = if stored.holds().is_empty() {
            parcel.get(range)
        } else {
            nesting::decode(&self.origin, &parcel, range, Vec::new())
        };
        value.map_err(|error| Refusal::Undecodable(error.to_string()))
    }

    /// Encodes a value, on the server.
    pub(crate) fn encode<T: Serialize>(&self, value: &T) -> Result<Stored, Refusal> {
        let mut parcel = Parcel::new();
        let encoded = nesting::encode(self.origin.server(), &mut parcel, value);
        let (range, named) = encoded.map_err(|error| Refusal::NotEncoded(error.to_string()))?;
        let mut field = Vec::new();
        field.put_value(&parcel.bytes()[range], named.into_iter());
        self.store(Reader::new(&field).value()?)
    }
}
