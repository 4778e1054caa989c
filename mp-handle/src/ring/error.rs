//! What can go wrong with a ring.

use std::error::Error;
use std::fmt;

use crate::region::OutOfRegion;

/// Words in shared memory that no honest peer writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Corrupt {
    /// The indices are not at most one capacity apart, head first.
    Indices {
        /// The bytes consumed since the ring began, as read.
        head: u64,
        /// The bytes published since the ring began, as read.
        tail: u64,
        /// The ring's capacity.
        capacity: u64,
    },
    /// A frame claims more bytes than were published.
    Frame {
        /// The bytes that the frame claims, its header included.
        claimed: u64,
        /// The bytes that were published.
        published: u64,
    },
}

impl fmt::Display for Corrupt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Corrupt::Indices { head, tail, capacity } => {
                write!(f, "head {head} and tail {tail} in a ring of {capacity} bytes")
            }
            Corrupt::Frame { claimed, published } => {
                write!(f, "a frame of {claimed} bytes where {published} were published")
            }
        }
    }
}

/// Why a ring could not be attached or read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RingError {
    /// The capacity is not a power of two between 64 bytes and 2 GiB.
    Capacity(usize),
    /// The ring is not inside the region, or not aligned to 64 bytes in it.
    OutOfRegion(OutOfRegion),
    /// The other side has gone mad.
    Corrupt(Corrupt),
}

impl fmt::Display for RingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RingError::Capacity(capacity) => {
                write!(f, "a ring cannot have a capacity of {capacity} bytes")
            }
            RingError::OutOfRegion(error) => error.fmt(f),
            RingError::Corrupt(seen) => write!(f, "corrupt ring: {seen}"),
        }
    }
}

impl Error for RingError {}

impl From<OutOfRegion> for RingError {
    fn from(error: OutOfRegion) -> Self {
        RingError::OutOfRegion(error)
    }
}

impl From<Corrupt> for RingError {
    fn from(seen: Corrupt) -> Self {
        RingError::Corrupt(seen)
    }
}

/// Why a frame was not pushed; nothing of it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PushError {
    /// There is no room at present.
    Full,
    /// The frame would not fit even into an empty ring.
    TooLarge {
        /// The frame's length.
        len: usize,
        /// The longest frame that this ring takes.
        max: usize,
    },
    /// The other side has gone mad.
    Corrupt(RingError),
}

impl fmt::Display for PushError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PushError::Full => f.write_str("the ring is full"),
            PushError::TooLarge { len, max } => {
                write!(f, "a frame of {len} bytes in a ring that takes {max}")
            }
            PushError::Corrupt(error) => error.fmt(f),
        }
    }
}

impl Error for PushError {}

impl From<RingError> for PushError {
    fn from(error: RingError) -> Self {
        PushError::Corrupt(error)
    }
}
