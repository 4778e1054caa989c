//! Which server, and how to reach it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A server, as the processes know it that have proxies of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) enum Origin {
    /// On this machine, behind a socket whose name is a random number.
    Local { server: u128, pid: u32 },
}

impl Origin {
    /// The number that tells this server from all others.
    pub(crate) fn server(&self) -> u128 {
        match self {
            Self::Local { server, .. } => *server,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local { pid, .. } => write!(f, "manager server with pid {pid}"),
        }
    }
}
