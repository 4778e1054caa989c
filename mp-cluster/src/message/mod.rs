//! What clients and agents say to each other.
//!
//! Each message is sealed. Tasks and results are written by hand, since there are many of them;
//! everything else is encoded as values of a program are.

mod notice;
mod reader;
mod result;
mod task;

use std::fmt;
use std::hash::{BuildHasher, RandomState};

use serde::{Deserialize, Serialize};

pub(crate) use notice::{AgentBeat, Begun, ClientBeat, Drop, decode, encode};
pub(crate) use reader::{Reader, put_block};
pub(crate) use result::{ResultMessage, Returned, encode_results};
pub(crate) use task::{Body, Stored, TaskMessage};

/// The first byte of each kind of notice.
pub(crate) const AGENT: u8 = b'A';
pub(crate) const CLIENT: u8 = b'C';
pub(crate) const BEGUN: u8 = b'B';
pub(crate) const DROP: u8 = b'D';

/// Tells one client from all others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct ClientId(u128);

impl ClientId {
    pub(crate) fn new() -> Self {
        // Each state is seeded by the system.
        let draw = || u128::from(RandomState::new().hash_one(std::process::id()));
        Self(draw() << 64 | draw())
    }

    /// Reads what `Display` writes.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let id = u128::from_str_radix(text, 16).ok().map(Self)?;
        (id.to_string() == text).then_some(id)
    }

    fn bytes(self) -> [u8; 16] {
        self.0.to_le_bytes()
    }

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        reader.array().map(u128::from_le_bytes).map(Self)
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// The digest of a value's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Digest(pub(crate) [u8; 32]);

impl Digest {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        use sha2::Digest as _;
        Self(sha2::Sha256::digest(bytes).into())
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
