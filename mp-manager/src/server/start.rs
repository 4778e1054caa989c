//! The server process: what it is started with, and its function.

use mp_handle::Descriptor;
use mp_process::Func;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde::{Deserialize, Serialize};

use super::leader::Server;
use super::limits::Limits;
use crate::function::Shim;
use crate::origin::Origin;

/// What a server is started with.
#[derive(Serialize, Deserialize)]
pub(crate) struct Start {
    pub(crate) server: u128,
    pub(crate) listener: Descriptor,
    pub(crate) limits: Limits,
    pub(crate) allowed: Vec<(String, Shim)>,
    pub(crate) initializer: Option<(Initializer, Vec<u8>)>,
}

/// The user's initializer, wrapped into what decodes its arguments.
pub(crate) type Initializer = Func<Vec<u8>, Result<(), String>>;

/// The function of the server process.
pub(crate) fn serve(start: Start) -> Result<(), String> {
    let Start { server, listener, limits, allowed, initializer } = start;
    if let Some((initializer, arguments)) = initializer {
        initializer.call(arguments)?;
    }
    raise_descriptors();
    let listener = listener.into_owned().map_err(|error| error.to_string())?;
    let origin = Origin::Local { server, pid: std::process::id() };
    let allowed = allowed.into_iter().collect();
    let server = Server::new(origin, listener, limits, allowed);
    server.map_err(|error| format!("cannot serve: {error}"))?.run_to_end();
    Ok(())
}

/// Clients and leases take a descriptor each.
fn raise_descriptors() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    // It is allowed to everybody; if not, the limit is lower.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
}
