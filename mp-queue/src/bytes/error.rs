//! What can happen to the messages of a [`ByteConnection`](super::ByteConnection).

use std::error::Error;
use std::fmt;
use std::io;

use mp_handle::CodecError;

/// Says why a message was not sent over a [`ByteConnection`](super::ByteConnection).
#[derive(Debug)]
#[non_exhaustive]
pub enum SendBytesError {
    /// The peer is gone, or an earlier message was cut off.
    Disconnected,
    /// Nothing of the message was sent within the time, since the peer does not read. The
    /// connection can still be used.
    TimedOut,
    /// The time ended, or the system failed, when a part of the message was on its way. Nothing
    /// more can be sent, and the peer will see that the message is torn.
    Torn,
    /// The value could not be encoded; nothing was sent.
    Codec(CodecError),
    /// The system failed; nothing was sent.
    Io(io::Error),
}

impl fmt::Display for SendBytesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Disconnected => f.write_str("sending on a disconnected connection"),
            Self::TimedOut => f.write_str("the peer left no room for the message in time"),
            Self::Torn => f.write_str("the message was cut off on its way"),
            Self::Codec(error) => write!(f, "the message cannot be encoded: {error}"),
            Self::Io(error) => write!(f, "sending failed: {error}"),
        }
    }
}

impl Error for SendBytesError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Codec(error) => Some(error),
            Self::Io(error) => Some(error),
            _ => None,
        }
    }
}

/// Says why no message came out of a [`ByteConnection`](super::ByteConnection).
#[derive(Debug)]
#[non_exhaustive]
pub enum RecvBytesError {
    /// The peer is gone, and all that it sent was received.
    Disconnected,
    /// No whole message has arrived within the time. What has arrived of one is kept for the next
    /// call.
    TimedOut,
    /// The peer went in the middle of a message, which is lost.
    Torn,
    /// The next message is longer than the limit. It is still there: raise the limit with
    /// [`set_frame_limit`](super::ByteConnection::set_frame_limit), or drop the connection.
    TooLong {
        /// The length that the peer announced.
        len: u64,
        /// The limit of the connection.
        limit: u64,
    },
    /// The peer announced a negative length: it does not speak this protocol.
    NegativeLength(i32),
    /// The message, which is here, is longer than the buffer that it was to go into.
    BufferTooShort {
        /// The message.
        message: Vec<u8>,
    },
    /// The message is not an encoded value of the type that was asked for. It is gone; the next
    /// one is not affected.
    Codec(CodecError),
    /// The system failed.
    Io(io::Error),
}

impl fmt::Display for RecvBytesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Disconnected => f.write_str("receiving on a disconnected connection"),
            Self::TimedOut => f.write_str("no whole message arrived in time"),
            Self::Torn => f.write_str("the peer went in the middle of a message"),
            Self::TooLong { len, limit } => {
                write!(f, "a message of {len} bytes, where the limit is {limit}")
            }
            Self::NegativeLength(len) => write!(f, "a message of {len} bytes"),
            Self::BufferTooShort { message } => {
                write!(f, "a message of {} bytes does not fit into the buffer", message.len())
            }
            Self::Codec(error) => write!(f, "the message cannot be decoded: {error}"),
            Self::Io(error) => write!(f, "receiving failed: {error}"),
        }
    }
}

impl Error for RecvBytesError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Codec(error) => Some(error),
            Self::Io(error) => Some(error),
            _ => None,
        }
    }
}
