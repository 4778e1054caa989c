//! The server process: what it is started with, and its function.

use std::sync::Arc;

use mp_handle::Descriptor;
use mp_process::Func;
use mp_queue::connection::Address;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde::{Deserialize, Serialize};

#[cfg(feature = "persist")]
use super::cellar::Keep;
use super::leader::Server;
use super::limits::Limits;
use crate::function::Shim;
use crate::origin::Origin;
use crate::remote::{Gate, Identity, Opened, Porter};

/// What a server is started with.
#[derive(Serialize, Deserialize)]
pub(crate) struct Start {
    pub(crate) server: u128,
    pub(crate) listener: Descriptor,
    pub(crate) limits: Limits,
    pub(crate) allowed: Vec<(String, Shim)>,
    pub(crate) initializer: Option<(Initializer, Vec<u8>)>,
    /// Where other programs are let in, if they are.
    pub(crate) gate: Option<Gate>,
    /// Where objects are kept, if they are.
    #[cfg(feature = "persist")]
    pub(crate) keep: Option<Keep>,
}

/// The user's initializer, wrapped into what decodes its arguments.
pub(crate) type Initializer = Func<Vec<u8>, Result<(), String>>;

/// The function of the server process.
pub(crate) fn serve(start: Start) -> Result<(), String> {
    Ready::new(start)?.serve()
}

/// A server that can be reached, and will answer when it serves.
pub(crate) struct Ready {
    start: Start,
    gate: Option<Opened>,
}

impl Ready {
    pub(crate) fn new(mut start: Start) -> Result<Self, String> {
        let gate = start.gate.take().map(Gate::open).transpose();
        let gate = gate.map_err(|error| error.to_string())?;
        Ok(Self { start, gate })
    }

    /// Where other programs are let in.
    pub(crate) fn address(&self) -> Option<&Address> {
        self.gate.as_ref().map(|gate| gate.listener.address())
    }

    /// Serves until the server is told to end.
    pub(crate) fn serve(self) -> Result<(), String> {
        let Start { server: number, listener, limits, allowed, initializer, .. } = self.start;
        if let Some((initializer, arguments)) = initializer {
            initializer.call(arguments)?;
        }
        raise_descriptors();
        let failed = |error| format!("cannot serve: {error}");
        let (pid, max_frame) = (std::process::id(), limits.frame as u64);
        let identity = Identity { server: number, pid, max_frame };
        let origin = Origin::Local { server: number, pid: identity.pid };
        let allowed = allowed.into_iter().collect();
        let listener = listener.into_owned().map_err(failed)?;
        let server = Server::new(origin, listener, limits.clone(), allowed).map_err(failed)?;
        #[cfg(feature = "persist")]
        self.start.keep.as_ref().map_or(Ok(()), |keep| server.keep(keep))?;
        let Some(gate) = self.gate else {
            server.run_to_end(|| {});
            return Ok(());
        };
        let listener = Arc::clone(&gate.listener);
        let arrivals = server.open(listener.address().clone());
        Porter::new(gate, identity, arrivals, &limits).start().map_err(failed)?;
        server.run_to_end(|| listener.close());
        Ok(())
    }
}

/// Clients and leases take a descriptor each.
fn raise_descriptors() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    // It is allowed to everybody; if not, the limit is lower.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
}
