//! Objects that machines share: a queue, a dict, and a lock, each under a name, kept by the servers.
//!
//! They live on a connection of their own, which a process makes when it needs the first of them:
//! so clients and tasks use them alike. What is stored bears a seal, as tasks do, and belongs to
//! one build.

mod bus;
mod dict;
mod lock;
mod queue;

pub use dict::Dict;
pub use lock::{Lock, LockGuard};
pub use queue::Queue;

use mp_handle::Parcel;
use serde::Serialize;
use serde::de::DeserializeOwned;

use self::bus::Bus;
use crate::error::ClusterError;
use crate::message::{Reader, put_block};

/// Checks a name: it becomes a part of the names of streams.
fn check_name(name: &str) -> Result<(), ClusterError> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !name.is_empty() && name.len() <= 64 && name.chars().all(is_plain) {
        return Ok(());
    }
    let reason = format!("`{name}` has other than up to 64 letters, digits, `-` and `_`");
    Err(ClusterError::Engine { what: "keep an object under that name", reason })
}

/// Encodes a value, and seals it together with where it belongs.
fn seal<T: Serialize>(bus: &Bus, place: &str, value: &T) -> Result<Vec<u8>, ClusterError> {
    let parcel = encode(value)?;
    let mut message = Vec::new();
    put_block(&mut message, place.as_bytes());
    message.extend_from_slice(parcel.bytes());
    bus.link.seal.close(&mut message);
    Ok(message)
}

/// The value that was sealed for this place.
fn open<T: DeserializeOwned>(bus: &Bus, place: &str, sealed: &[u8]) -> Result<T, ClusterError> {
    let fails = |reason: String| ClusterError::Engine { what: "give back a value", reason };
    let opened = bus
        .link
        .seal
        .open(sealed)
        .map(Reader::new)
        .and_then(|mut reader| (reader.block()? == place.as_bytes()).then(|| reader.rest()));
    let bytes = opened.ok_or_else(|| fails("it was not sealed for this object".into()))?;
    let parcel = Parcel::from_parts(bytes.to_vec(), Vec::new());
    parcel.decode().map_err(|error| fails(error.to_string()))
}

fn encode<T: Serialize>(value: &T) -> Result<Parcel, ClusterError> {
    let fails = |reason: String| ClusterError::Engine { what: "keep this value", reason };
    let parcel = Parcel::encode(value).map_err(|error| fails(error.to_string()))?;
    if parcel.descriptors().is_empty() {
        return Ok(parcel);
    }
    Err(fails("it has a handle to what this machine alone has in it".into()))
}
