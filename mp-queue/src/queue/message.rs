//! How values become messages and come back.
//!
//! A `Vec<u8>` travels as its bytes, without passing through the codec: that is one copy on each
//! side instead of two. Who gets such a message as another type gets it through the codec
//! after all, so that it makes no difference which of the two it was.

use std::any::Any;

use mp_handle::{CodecError, Parcel};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::store::{Arrived, Content, Message};

/// A value on its way into the store.
pub(crate) enum Outgoing<'a> {
    Raw(&'a [u8]),
    Encoded(Parcel),
}

impl<'a> Outgoing<'a> {
    #[inline]
    pub(crate) fn new<T: Serialize + 'static>(value: &'a T) -> Result<Self, CodecError> {
        match (value as &dyn Any).downcast_ref::<Vec<u8>>() {
            Some(bytes) => Ok(Outgoing::Raw(bytes)),
            None => Ok(Outgoing::Encoded(Parcel::encode(value)?)),
        }
    }

    #[inline]
    pub(crate) fn message(&self) -> Message<'_> {
        match self {
            Outgoing::Raw(bytes) => Message { content: Content::Raw, bytes, descriptors: &[] },
            Outgoing::Encoded(parcel) => Message {
                content: Content::Encoded,
                bytes: parcel.bytes(),
                descriptors: parcel.descriptors(),
            },
        }
    }
}

/// Makes a value of what came out of the store.
#[inline]
pub(crate) fn decode<T: DeserializeOwned + 'static>(arrived: Arrived) -> Result<T, CodecError> {
    let Arrived { content, parcel } = arrived;
    match content {
        Content::Encoded => parcel.decode(),
        Content::Raw => decode_raw(parcel.into_parts().0),
    }
}

fn decode_raw<T: DeserializeOwned + 'static>(bytes: Vec<u8>) -> Result<T, CodecError> {
    let mut bytes = Some(bytes);
    let same = (&mut bytes as &mut dyn Any).downcast_mut::<Option<T>>();
    if let Some(value) = same.and_then(Option::take) {
        return Ok(value);
    }
    Parcel::encode(&bytes.unwrap_or_default())?.decode()
}
