//! Why the store did not do what it was asked to.

use std::error::Error;
use std::fmt;
use std::io;

use mp_handle::RegionError;
use mp_sync::LockError;

use super::place::Place;

/// What was found in the shared memory of a queue that none of its users writes there: somebody
/// has gone mad.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Corrupt {
    what: What,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Frame { place: Place, bits: u64 },
    Place(Place),
    Count { tail: u32, head: u32 },
    Chain,
    Packet { expected: u64, found: Option<u64> },
}

impl Corrupt {
    #[cold]
    pub(super) fn frame(place: Place, bits: u64) -> Corrupt {
        Corrupt { what: What::Frame { place, bits } }
    }

    #[cold]
    pub(super) fn place(place: Place) -> Corrupt {
        Corrupt { what: What::Place(place) }
    }

    #[cold]
    pub(super) fn count(tail: u32, head: u32) -> Corrupt {
        Corrupt { what: What::Count { tail, head } }
    }

    #[cold]
    pub(super) fn chain() -> Corrupt {
        Corrupt { what: What::Chain }
    }

    #[cold]
    pub(super) fn packet(expected: u64, found: Option<u64>) -> Corrupt {
        Corrupt { what: What::Packet { expected, found } }
    }
}

impl fmt::Display for Corrupt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the queue's memory is corrupt: ")?;
        match self.what {
            What::Frame { place, bits } => {
                let Place { segment, offset } = place;
                write!(f, "{bits:#018x} begins no frame at offset {offset} of segment {segment}")
            }
            What::Place(Place { segment, offset }) => {
                write!(f, "nothing can lie at offset {offset} of segment {segment}")
            }
            What::Count { tail, head } => write!(f, "{head} messages taken of {tail}"),
            What::Chain => f.write_str("its segments have no order"),
            What::Packet { expected, found: Some(found) } => {
                write!(f, "packet {found} where {expected} was sent")
            }
            What::Packet { expected, found: None } => write!(f, "packet {expected} is missing"),
        }
    }
}

impl Error for Corrupt {}

/// Why a message was not put, or not got.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// There is no room, or no message, and the deadline has come.
    TimedOut,
    /// All of the other side are gone.
    Disconnected,
    NoMemory(RegionError),
    TooManyDescriptors(io::Error),
    /// This thread holds that side of the store already, by a loan.
    Loaned,
    Corrupt(Corrupt),
    Io(io::Error),
}

impl From<Corrupt> for Refusal {
    fn from(corrupt: Corrupt) -> Self {
        Refusal::Corrupt(corrupt)
    }
}

impl From<RegionError> for Refusal {
    #[cold]
    fn from(error: RegionError) -> Self {
        match error {
            RegionError::Io(error) if error.kind() != io::ErrorKind::OutOfMemory => {
                Refusal::Io(error)
            }
            error => Refusal::NoMemory(error),
        }
    }
}

impl<G> From<LockError<G>> for Refusal {
    #[cold]
    fn from(error: LockError<G>) -> Self {
        match error {
            LockError::AlreadyHeld => Refusal::Loaned,
            LockError::System(error) => Refusal::Io(error),
            other => Refusal::Io(io::Error::other(other.to_string())),
        }
    }
}
