//! Which server, and how to reach it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::remote::Route;

/// A server, as the processes know it that have proxies of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) enum Origin {
    /// On this machine, behind a socket whose name is a random number.
    Local { server: u128, pid: u32 },
    /// Of another program, behind a socket with an address.
    Remote { server: u128, pid: u32, route: Route },
}

impl Origin {
    /// The number that tells this server from all others.
    pub(crate) fn server(&self) -> u128 {
        match self {
            Self::Local { server, .. } | Self::Remote { server, .. } => *server,
        }
    }

    /// The process of the server, on its own machine.
    pub(crate) fn pid(&self) -> u32 {
        match self {
            Self::Local { pid, .. } | Self::Remote { pid, .. } => *pid,
        }
    }

    /// The way to it, if it may be another program.
    pub(crate) fn route(&self) -> Option<&Route> {
        match self {
            Self::Local { .. } => None,
            Self::Remote { route, .. } => Some(route),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local { pid, .. } => write!(f, "manager server with pid {pid}"),
            Self::Remote { route, .. } => write!(f, "manager server at {route}"),
        }
    }
}
