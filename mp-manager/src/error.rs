//! Why a call of a manager or a proxy has no result.

use std::{error, fmt, io};

use mp_handle::{CodecError, RegionError};
use mp_process::{ForeignFunction, Panic, SpawnError};
use serde::{Deserialize, Serialize};

use crate::wire::Malformed;

/// A call of a manager or a proxy has no result. Other calls are not affected, unless the variant
/// says so.
///
/// Its `Debug` is the sentence that its `Display` is: what `unwrap` and a `main` that returns it show.
#[non_exhaustive]
pub enum ManagerError {
    /// The server is gone, and all that it held. Whether a call that was under way was done cannot
    /// be known.
    #[non_exhaustive]
    ServerLost {
        /// Which server.
        server: String,
    },
    /// The proxy belongs to the process that this one was forked from.
    Forked,
    /// The server did not let this process in.
    #[non_exhaustive]
    NotAdmitted {
        /// What it said.
        reason: String,
    },
    /// The object is gone: a proxy of it was kept by other means than a proxy.
    ObjectGone,
    /// The object is not of the type that the proxy takes it for.
    #[non_exhaustive]
    WrongType {
        /// What was wrong.
        reason: String,
    },
    /// An argument cannot be encoded.
    Encode(CodecError),
    /// What is in the object is not what the proxy takes it for.
    Decode(CodecError),
    /// The function panicked on the server.
    Panicked(Panic),
    /// A function panicked before while it changed the object, which may be left half-done. See
    /// [`Proxy::clear_poison`](crate::Proxy::clear_poison).
    Poisoned,
    /// The server knows no function of that name.
    #[non_exhaustive]
    NoSuchFunction {
        /// The name.
        name: String,
    },
    /// The server may be another program, to which no function of this one can be sent: it calls
    /// those that it allows, by their names.
    OtherProgram,
    /// Nothing is published under that name.
    #[non_exhaustive]
    NotPublished {
        /// The name.
        name: String,
    },
    /// Something else is published under that name already.
    #[non_exhaustive]
    AlreadyPublished {
        /// The name.
        name: String,
    },
    /// A place in a list that is not there.
    #[non_exhaustive]
    OutOfRange {
        /// How long the list is.
        len: usize,
    },
    /// The server has a limit that forbids it.
    #[non_exhaustive]
    Limit {
        /// Which limit.
        what: String,
    },
    /// The call does not fit the state of the object.
    #[non_exhaustive]
    Misuse {
        /// What is wrong.
        reason: String,
    },
    /// What is kept on disk cannot be kept any more, such as for want of room. The objects are there
    /// again, as they were kept, when the server is started anew.
    #[non_exhaustive]
    NotKept {
        /// What the store said.
        reason: String,
    },
    /// The other side does not keep to the protocol.
    #[non_exhaustive]
    Protocol {
        /// What it did.
        what: &'static str,
    },
    /// The server could not be started.
    Spawn(SpawnError),
    /// The server ended before it served anybody.
    #[non_exhaustive]
    NotStarted {
        /// How it ended.
        reason: String,
    },
    /// The function is not part of the program itself.
    ForeignFunction(ForeignFunction),
    /// The system refused something.
    System {
        /// What was to be done.
        what: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

impl ManagerError {
    /// Says what was to be done when the system refused.
    pub(crate) fn system<E: Into<io::Error>>(what: &'static str) -> impl FnOnce(E) -> Self {
        move |source| Self::System { what, source: source.into() }
    }

    /// Tells whether the server is gone.
    #[must_use]
    pub fn is_server_lost(&self) -> bool {
        matches!(self, Self::ServerLost { .. })
    }
}

impl fmt::Display for ManagerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ServerLost { server } => write!(f, "the {server} is gone"),
            Self::Forked => f.write_str(
                "this process was forked from the one that the proxy belongs to: pass proxies as \
                 arguments",
            ),
            Self::NotAdmitted { reason } => write!(f, "the manager server refused: {reason}"),
            Self::ObjectGone => f.write_str("the object is gone"),
            Self::WrongType { reason } => write!(f, "the object is of another type: {reason}"),
            Self::Encode(error) => write!(f, "an argument cannot be encoded: {error}"),
            Self::Decode(error) => write!(f, "the value is of another type: {error}"),
            Self::Panicked(panic) => write!(f, "the function {panic}"),
            Self::Poisoned => f.write_str(
                "a function panicked while it changed the object: look at it, and clear the poison",
            ),
            Self::NoSuchFunction { name } => {
                write!(f, "the server knows no function {name:?}: allow it when it is built")
            }
            Self::OtherProgram => f.write_str(
                "no function of this program can be sent to a server that may be another one: \
                 allow it there, and call it by its name",
            ),
            Self::NotPublished { name } => write!(f, "nothing is published as {name:?}"),
            Self::AlreadyPublished { name } => {
                write!(f, "something else is published as {name:?} already")
            }
            Self::OutOfRange { len } => write!(f, "no such place in a list of {len}"),
            Self::Limit { what } => write!(f, "the server has a limit of {what}"),
            Self::Misuse { reason } => f.write_str(reason),
            Self::NotKept { reason } => {
                write!(f, "it cannot be kept on disk: {reason}; start the server anew")
            }
            Self::Protocol { what } => write!(f, "the other side sent {what}"),
            Self::Spawn(error) => write!(f, "cannot start the manager server: {error}"),
            Self::NotStarted { reason } => {
                write!(f, "the manager server ended before it began: {reason}")
            }
            Self::ForeignFunction(error) => error.fmt(f),
            Self::System { what, source } => write!(f, "cannot {what}: {source}"),
        }
    }
}

impl fmt::Debug for ManagerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl error::Error for ManagerError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Encode(error) | Self::Decode(error) => Some(error),
            Self::Spawn(error) => Some(error),
            Self::ForeignFunction(error) => Some(error),
            Self::System { source, .. } => Some(source),
            _ => None,
        }
    }
}

impl From<ForeignFunction> for ManagerError {
    fn from(error: ForeignFunction) -> Self {
        Self::ForeignFunction(error)
    }
}

impl From<SpawnError> for ManagerError {
    fn from(error: SpawnError) -> Self {
        Self::Spawn(error)
    }
}

impl From<RegionError> for ManagerError {
    fn from(error: RegionError) -> Self {
        Self::System { what: "share memory with the server", source: io::Error::other(error) }
    }
}

impl From<Malformed> for ManagerError {
    fn from(_: Malformed) -> Self {
        Self::Protocol { what: "an answer that makes no sense" }
    }
}

/// Why the server does not do what it was asked for, on its way to the client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Refusal {
    NoObject,
    /// The request is not one for this kind of object.
    UnknownOp,
    Malformed,
    /// A value on the server is not of the type that the function takes.
    Undecodable(String),
    NotEncoded(String),
    Panicked(Panic),
    Poisoned,
    NoSuchFunction(String),
    OtherProgram,
    NotPublished(String),
    AlreadyPublished(String),
    OutOfRange(usize),
    Limit(String),
    Misuse(String),
    NotKept(String),
}

impl From<Malformed> for Refusal {
    fn from(_: Malformed) -> Self {
        Self::Malformed
    }
}

impl From<Refusal> for ManagerError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NoObject => Self::ObjectGone,
            Refusal::UnknownOp => Self::WrongType { reason: "it has no such method".into() },
            Refusal::Malformed => Self::Protocol { what: "what the server cannot read" },
            Refusal::Undecodable(reason) | Refusal::NotEncoded(reason) => {
                Self::WrongType { reason }
            }
            Refusal::Panicked(panic) => Self::Panicked(panic),
            Refusal::Poisoned => Self::Poisoned,
            Refusal::NoSuchFunction(name) => Self::NoSuchFunction { name },
            Refusal::OtherProgram => Self::OtherProgram,
            Refusal::NotPublished(name) => Self::NotPublished { name },
            Refusal::AlreadyPublished(name) => Self::AlreadyPublished { name },
            Refusal::OutOfRange(len) => Self::OutOfRange { len },
            Refusal::Limit(what) => Self::Limit { what },
            Refusal::Misuse(reason) => Self::Misuse { reason },
            Refusal::NotKept(reason) => Self::NotKept { reason },
        }
    }
}
