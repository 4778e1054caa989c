//! Why two sides do not trust each other.

use std::error::Error;
use std::fmt;
use std::io;

/// Says how a handshake failed.
#[derive(Debug)]
#[non_exhaustive]
pub enum AuthError {
    /// The peer's response is wrong: it has another key.
    WrongKey,
    /// The peer found our response wrong: it has another key, or its key has other rules.
    Rejected,
    /// The peer sent our own challenge back to us, to have it answered.
    Reflected,
    /// The peer wants HMAC-MD5, as Python 3.11 and earlier do, which was not opted in to.
    Legacy,
    /// The peer wants a digest that is not known here.
    UnknownDigest,
    /// The peer sent what has no place in the handshake; perhaps it has no key.
    Unexpected,
    /// The peer went away during the handshake.
    Disconnected,
    /// The handshake was not done in time: the peer is silent, or has no key.
    TimedOut,
    /// The system failed.
    Io(io::Error),
}

impl fmt::Display for AuthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::WrongKey => "the response of the peer is wrong: it has another key",
            Self::Rejected => "the peer rejected our response: it has another key",
            Self::Reflected => "the peer sent our own challenge back",
            Self::Legacy => "the peer wants HMAC-MD5, which was not opted in to",
            Self::UnknownDigest => "the peer wants an unknown digest",
            Self::Unexpected => "the peer sent a message that is not of the handshake",
            Self::Disconnected => "the peer went away during the handshake",
            Self::TimedOut => "the handshake was not done in time",
            Self::Io(error) => return write!(f, "the handshake failed: {error}"),
        })
    }
}

impl Error for AuthError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            _ => None,
        }
    }
}
