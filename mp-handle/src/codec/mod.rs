//! How a value becomes bytes, and comes back: a self-describing binary format for serde.
//!
//! A format that leaves out what the type implies (postcard, bincode) cannot carry untagged,
//! internally tagged or flattened types, nor skipped fields: it fails at the receiver, or gives
//! another value. Here each value says what it is, so every type that survives JSON survives this,
//! and so do the ones that do not: maps with any keys, nested options, NaN, 128-bit numbers.
//!
//! - `format` lists the tags; `ser`, `compound` and `writer` write them; `de`, `access` and
//!   `reader` read them.
//! - `schema` and `table` carry the names of fields and variants, once a message.
//! - `bulk` copies vectors of numbers in one piece, `packed` reads them one by one for others.
//!
//! Both sides claim to be human readable. It costs a few bytes where types have a second, compact
//! form (an `IpAddr` travels as text), but serde's own buffer, through which untagged and flattened
//! types pass, always claims it, and the two must agree. (The one thing that this buffer cannot
//! hold is a 128-bit number: inside such types it is an error of serde's, here as in JSON.)
//!
//! Nothing in the bytes is trusted. A length is compared with what is left before it is used, and
//! nesting is limited in both directions, so damaged bytes give an error, or another value of the
//! same type, and never a panic, an overflow of the stack, or an allocation out of proportion.

mod access;
mod bulk;
mod compound;
mod de;
mod error;
mod format;
mod packed;
mod reader;
mod schema;
mod ser;
mod table;
mod text;
mod writer;

#[cfg(test)]
mod bulk_tests;
#[cfg(test)]
mod depth_tests;
#[cfg(test)]
mod hostile_tests;
#[cfg(test)]
mod shape_tests;
#[cfg(test)]
mod tests;

use serde::Serialize;
use serde::de::DeserializeOwned;

pub use self::error::CodecError;

/// Appends one self-contained value to `out`. After an error `out` is as it was before.
#[inline]
pub(crate) fn encode<T>(value: &T, out: &mut Vec<u8>) -> Result<(), CodecError>
where
    T: Serialize + ?Sized,
{
    let start = out.len();
    let mut writer = writer::Writer::new(out);
    let written = value.serialize(&mut writer).and_then(|()| writer.finish());
    if written.is_err() {
        out.truncate(start);
    }
    written
}

/// Reads the one value that `bytes` are.
#[inline]
pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, CodecError> {
    let mut reader = reader::Reader::new(bytes)?;
    let value = T::deserialize(&mut reader)?;
    reader.finish()?;
    Ok(value)
}
