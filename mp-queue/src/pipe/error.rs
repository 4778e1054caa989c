//! What can happen to the messages of a [`Connection`](super::Connection).

use std::error::Error;
use std::fmt;
use std::io;

use mp_handle::CodecError;
use rustix::io::Errno;

/// Says why a message was not sent through a [`Connection`](super::Connection). Nothing of it has
/// left, and the connection can still be used.
#[derive(Debug)]
#[non_exhaustive]
pub enum SendError {
    /// The other end is gone, however it went.
    Disconnected,
    /// The other end left no room in time.
    TimedOut,
    /// The value could not be encoded.
    Codec(CodecError),
    /// The system lets this process, or this user, have no more descriptors open or on their way.
    TooManyDescriptors,
    /// The system failed.
    Io(io::Error),
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Disconnected => f.write_str("sending through a disconnected connection"),
            Self::TimedOut => f.write_str("the other end left no room in time"),
            Self::Codec(error) => write!(f, "the message cannot be encoded: {error}"),
            Self::TooManyDescriptors => f.write_str("no room for the descriptors of the message"),
            Self::Io(error) => write!(f, "sending failed: {error}"),
        }
    }
}

impl Error for SendError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Codec(error) => Some(error),
            Self::Io(error) => Some(error),
            _ => None,
        }
    }
}

impl From<io::Error> for SendError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::Disconnected,
            io::ErrorKind::WouldBlock => Self::TimedOut,
            _ if lacks_descriptors(&error) => Self::TooManyDescriptors,
            _ => Self::Io(error),
        }
    }
}

/// Says why no message came out of a [`Connection`](super::Connection), which can still be used,
/// unless it is [`Disconnected`](Self::Disconnected).
#[derive(Debug)]
#[non_exhaustive]
pub enum RecvError {
    /// The other end is gone, however it went, and all that it sent was received.
    Disconnected,
    /// No message came in time.
    TimedOut,
    /// The message is not a value of the right type. It is gone; the next is not affected.
    Codec(CodecError),
    /// The message had more handles than this process may open descriptors. It is gone; the next
    /// is not affected.
    TooManyDescriptors,
    /// The system failed, or what arrived is no message.
    Io(io::Error),
}

impl fmt::Display for RecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Disconnected => f.write_str("receiving from a disconnected connection"),
            Self::TimedOut => f.write_str("no message came in time"),
            Self::Codec(error) => write!(f, "the message cannot be decoded: {error}"),
            Self::TooManyDescriptors => f.write_str("no room for the descriptors of the message"),
            Self::Io(error) => write!(f, "receiving failed: {error}"),
        }
    }
}

impl Error for RecvError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Codec(error) => Some(error),
            Self::Io(error) => Some(error),
            _ => None,
        }
    }
}

impl From<io::Error> for RecvError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::WouldBlock => Self::TimedOut,
            _ if lacks_descriptors(&error) => Self::TooManyDescriptors,
            _ => Self::Io(error),
        }
    }
}

fn lacks_descriptors(error: &io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::MFILE | Errno::NFILE | Errno::TOOMANYREFS))
}
