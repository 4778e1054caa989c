//! Short messages that are sent once and may be lost: who is there, and what is not wanted.

use mp_handle::{CodecError, Parcel};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::ClientId;
use crate::seal::Seal;

/// An agent says that it is there, and how it is doing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AgentBeat {
    pub(crate) host: String,
    pub(crate) pid: u32,
    pub(crate) workers: usize,
    /// The chunks that it has.
    pub(crate) held: usize,
    /// The items that its workers have answered, and those of them that failed.
    pub(crate) finished: u64,
    pub(crate) failed: u64,
    /// It takes nothing new.
    pub(crate) draining: bool,
}

/// A client says that it is there, and wants its results.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct ClientBeat {
    pub(crate) client: ClientId,
}

/// An agent tells a client what it has begun.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Begun {
    pub(crate) numbers: Vec<u64>,
}

/// A client does not want these chunks any more.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Drop {
    pub(crate) client: ClientId,
    /// All of them, if there are none.
    pub(crate) numbers: Vec<u64>,
    /// What runs is to be stopped as well.
    pub(crate) kill: bool,
}

/// A sealed notice.
pub(crate) fn encode<T: Serialize>(
    seal: &Seal,
    kind: u8,
    notice: &T,
) -> Result<Vec<u8>, CodecError> {
    let mut message = vec![kind];
    message.extend_from_slice(Parcel::encode(notice)?.bytes());
    seal.close(&mut message);
    Ok(message)
}

/// The notice of that kind in a sealed message.
pub(crate) fn decode<T: DeserializeOwned>(seal: &Seal, kind: u8, sealed: &[u8]) -> Option<T> {
    let (first, rest) = seal.open(sealed)?.split_first()?;
    if *first != kind {
        return None;
    }
    Parcel::from_parts(rest.to_vec(), Vec::new()).decode().ok()
}
