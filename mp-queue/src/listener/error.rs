//! What can go wrong between the first knock and a connection.

use std::error::Error;
use std::fmt;
use std::io;

use crate::address::{PathTooLong, UnixAddressError};
use crate::auth::AuthError;

/// Says why there is no listener at an address.
#[derive(Debug)]
#[non_exhaustive]
pub enum BindError {
    /// The path or name of the socket is longer than the system takes.
    PathTooLong(PathTooLong),
    /// A TCP address without a key is open to everybody, which must be asked for with
    /// [`without_key`](super::ListenerBuilder::without_key).
    NoKey,
    /// The system refused, with [`io::ErrorKind::AddrInUse`] if another listens there.
    Io(io::Error),
}

impl fmt::Display for BindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PathTooLong(error) => error.fmt(f),
            Self::NoKey => f.write_str("a TCP listener needs a key, or the explicit wish for none"),
            Self::Io(error) => write!(f, "listening failed: {error}"),
        }
    }
}

impl Error for BindError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::PathTooLong(error) => Some(error),
            Self::NoKey => None,
            Self::Io(error) => Some(error),
        }
    }
}

impl From<UnixAddressError> for BindError {
    fn from(error: UnixAddressError) -> Self {
        match error {
            UnixAddressError::TooLong(error) => Self::PathTooLong(error),
            UnixAddressError::Io(error) => Self::Io(error),
        }
    }
}

impl From<io::Error> for BindError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Says why a listener has no connection to give. A peer that fails the handshake is not among
/// the reasons: it is [counted](super::Listener::refused), and the others go on.
#[derive(Debug)]
#[non_exhaustive]
pub enum AcceptError {
    /// Nobody came in time, or nobody whose handshake is done.
    TimedOut,
    /// The listener was closed.
    Closed,
    /// The system failed, for example for want of descriptors.
    Io(io::Error),
}

impl fmt::Display for AcceptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TimedOut => f.write_str("nobody connected in time"),
            Self::Closed => f.write_str("the listener is closed"),
            Self::Io(error) => write!(f, "accepting failed: {error}"),
        }
    }
}

impl Error for AcceptError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            _ => None,
        }
    }
}

impl From<io::Error> for AcceptError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Says why there is no connection to a listener.
#[derive(Debug)]
#[non_exhaustive]
pub enum ConnectError {
    /// The path or name of the socket is longer than the system takes.
    PathTooLong(PathTooLong),
    /// Another user listens at this name: neither oneself nor root.
    OtherUser {
        /// The number of that user.
        uid: u32,
    },
    /// The listener did not take the connection in time.
    TimedOut,
    /// The handshake failed.
    Auth(AuthError),
    /// The system refused, with [`io::ErrorKind::ConnectionRefused`] or
    /// [`io::ErrorKind::NotFound`] if nobody listens there.
    Io(io::Error),
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PathTooLong(error) => error.fmt(f),
            Self::OtherUser { uid } => write!(f, "the listener belongs to another user, {uid}"),
            Self::TimedOut => f.write_str("the listener did not take the connection in time"),
            Self::Auth(error) => error.fmt(f),
            Self::Io(error) => write!(f, "connecting failed: {error}"),
        }
    }
}

impl Error for ConnectError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::PathTooLong(error) => Some(error),
            Self::Auth(error) => Some(error),
            Self::Io(error) => Some(error),
            _ => None,
        }
    }
}

impl From<UnixAddressError> for ConnectError {
    fn from(error: UnixAddressError) -> Self {
        match error {
            UnixAddressError::TooLong(error) => Self::PathTooLong(error),
            UnixAddressError::Io(error) => Self::Io(error),
        }
    }
}

impl From<io::Error> for ConnectError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => Self::TimedOut,
            _ => Self::Io(error),
        }
    }
}

impl From<AuthError> for ConnectError {
    fn from(error: AuthError) -> Self {
        Self::Auth(error)
    }
}
