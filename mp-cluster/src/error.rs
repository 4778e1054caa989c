//! Why the cluster cannot be used.

use std::{error, fmt, io};

use mp_process::OtherFriends;

/// The cluster cannot be used: what is missing, and what to do.
#[derive(Debug)]
#[non_exhaustive]
pub enum ClusterError {
    /// A program that uses a cluster calls [`init`](crate::init) first in `main`: that is where it
    /// becomes a worker.
    NotInitialized,
    /// A setting is missing or makes no sense.
    #[non_exhaustive]
    Setting {
        /// Which one, as it is called in the environment.
        name: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// The connection would not be encrypted, and goes to another machine.
    #[non_exhaustive]
    Plain {
        /// The server.
        host: String,
    },
    /// The server does not know the token, the password or the key.
    #[non_exhaustive]
    Refused {
        /// The servers that were asked.
        servers: String,
    },
    /// No server answers.
    #[non_exhaustive]
    Unreachable {
        /// The servers that were asked.
        servers: String,
        /// What the last of them said.
        reason: String,
    },
    /// The server cannot do what it was asked for.
    #[non_exhaustive]
    Engine {
        /// What it was asked for.
        what: &'static str,
        /// What it said.
        reason: String,
    },
    /// This process belongs to a cluster with another secret.
    OtherFriends(OtherFriends),
    /// The system refused something.
    #[non_exhaustive]
    System {
        /// What was to be done.
        what: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// An agent cannot start its workers.
    Workers(mp_pool::PoolError),
}

impl ClusterError {
    pub(crate) fn system(what: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::System { what, source }
    }

    pub(crate) fn engine<E: fmt::Display>(what: &'static str) -> impl FnOnce(E) -> Self {
        move |error| Self::Engine { what, reason: error.to_string() }
    }
}

impl fmt::Display for ClusterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotInitialized => f.write_str(
                "this program cannot be a worker of its cluster: call `mp_cluster::init()` (or \
                 that of the facade with its feature `cluster`) first in `main`",
            ),
            Self::Setting { name, reason } => write!(f, "{name}: {reason}"),
            Self::Plain { host } => write!(
                f,
                "a plain connection to {host} would show all to its network: use `tls://`, or a \
                 tunnel that ends on this machine"
            ),
            Self::Refused { servers } => write!(
                f,
                "{servers} refuses the token, password or key that it was given: look at \
                 MP_CLUSTER_TOKEN, MP_CLUSTER_NKEY or the address in MP_CLUSTER"
            ),
            Self::Unreachable { servers, reason } => {
                write!(f, "no server answers at {servers}: {reason}")
            }
            Self::Engine { what, reason } => write!(f, "the server cannot {what}: {reason}"),
            Self::OtherFriends(error) => error.fmt(f),
            Self::System { what, source } => write!(f, "cannot {what}: {source}"),
            Self::Workers(error) => error.fmt(f),
        }
    }
}

impl error::Error for ClusterError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::OtherFriends(error) => Some(error),
            Self::System { source, .. } => Some(source),
            Self::Workers(error) => Some(error),
            _ => None,
        }
    }
}

impl From<OtherFriends> for ClusterError {
    fn from(error: OtherFriends) -> Self {
        Self::OtherFriends(error)
    }
}
