//! What becomes of those who connect, told to whoever listens by
//! [`tracing`](https://docs.rs/tracing) in the server's process. A listener that panics ends no
//! thread of the server.

use std::fmt::Display;

use mp_process::catch_panic;
use tracing::{debug, warn};

/// Somebody was not let in.
pub(super) fn refused(peer: &str, reason: &dyn Display) {
    tell(|| warn!(target: "mp_manager", peer, %reason, "client refused"));
}

pub(super) fn admitted(peer: &str) {
    tell(|| debug!(target: "mp_manager", peer, "client let in"));
}

/// A client did not keep to the protocol.
pub(super) fn sent_off(peer: &str, reason: &dyn Display) {
    tell(|| warn!(target: "mp_manager", peer, %reason, "client sent off"));
}

fn tell(event: impl FnOnce()) {
    let _ = catch_panic(event);
}
