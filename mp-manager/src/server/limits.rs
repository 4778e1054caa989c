//! What clients can make a server use at most.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The limits of a server.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Limits {
    pub(crate) clients: usize,
    pub(crate) objects: usize,
    /// Bytes in all values together.
    pub(crate) bytes: usize,
    /// Bytes of one request or answer.
    pub(crate) frame: usize,
    /// How long a client may take to say who it is.
    pub(crate) handshake: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            clients: 4096,
            objects: 1 << 24,
            bytes: usize::MAX,
            frame: 256 << 20,
            handshake: Duration::from_secs(10),
        }
    }
}

/// Functions that a client may announce, and leases that it may have at a time.
pub(super) const FUNCTIONS: usize = 1 << 16;
pub(super) const LEASES: usize = 1 << 16;
/// Requests that may wait for an object that is away, or for something to happen, for one client.
pub(super) const WAITING: usize = 1 << 16;
