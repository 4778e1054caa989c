//! Who is at the other end.

use std::net::SocketAddr;
use std::os::fd::AsFd;

use rustix::net::{SocketAddrAny, sockopt::socket_peercred};
use rustix::process::geteuid;

/// Who is at the other end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Peer {
    /// A process of this machine.
    Unix {
        /// The number of its user.
        uid: u32,
    },
    /// A process somewhere.
    Tcp(SocketAddr),
}

impl Peer {
    /// Asks the system who the peer is. `None` is an address of no kind that is known here.
    pub(crate) fn of(socket: impl AsFd, address: Option<SocketAddrAny>) -> Option<Self> {
        match address.and_then(|address| SocketAddr::try_from(address).ok()) {
            Some(address) => Some(Self::Tcp(address)),
            None => {
                let credentials = socket_peercred(socket).ok()?;
                Some(Self::Unix { uid: credentials.uid.as_raw() })
            }
        }
    }

    /// The number of a local user who is neither this one nor root.
    pub(crate) fn other_user(self) -> Option<u32> {
        match self {
            Self::Unix { uid } if uid != 0 && uid != geteuid().as_raw() => Some(uid),
            _ => None,
        }
    }
}
