//! Why an operation on a list failed.

use std::error::Error;
use std::fmt;

use mp_handle::RegionError;

use super::format::LONGEST;
use crate::segment::SegmentError;

/// Why a [`ShareableList`](super::ShareableList) could not be had, or an item of it.
#[derive(Debug)]
#[non_exhaustive]
pub enum ListError {
    /// The memory could not be created or opened.
    Region(RegionError),
    /// The memory is read-only.
    Segment(SegmentError),
    /// The memory does not hold a list.
    NotAList {
        /// Its size in bytes.
        size: usize,
    },
    /// There is no such item.
    OutOfBounds {
        /// The index asked for.
        index: usize,
        /// How many items there are.
        len: usize,
    },
    /// A text or bytes are longer than the place of the item that they should replace.
    TooLong {
        /// The index of the item.
        index: usize,
        /// The bytes of the new one.
        len: usize,
        /// The bytes of the place.
        room: usize,
    },
    /// A text or bytes are longer than any item of a list can be.
    TooLarge {
        /// Their length.
        len: usize,
    },
    /// A text is not valid UTF-8: Python cut it off, or somebody wrote there meanwhile.
    NotText {
        /// The index of the item.
        index: usize,
        /// Its bytes.
        bytes: Vec<u8>,
    },
    /// What is noted of an item makes no sense: it was destroyed, or somebody wrote there
    /// meanwhile.
    Corrupt {
        /// The index of the item.
        index: usize,
    },
}

impl fmt::Display for ListError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ListError::Region(error) => error.fmt(f),
            ListError::Segment(error) => error.fmt(f),
            ListError::NotAList { size } => {
                write!(f, "expected a list, found {size} bytes of something else")
            }
            ListError::OutOfBounds { index, len } => {
                write!(f, "no item {index} in a list of {len}")
            }
            ListError::TooLong { index, len, room } => {
                write!(f, "{len} bytes do not fit into the {room} of item {index}")
            }
            ListError::TooLarge { len } => {
                write!(f, "{len} bytes exceed the {LONGEST} that an item of a list can have")
            }
            ListError::NotText { index, .. } => {
                write!(f, "the text of item {index} is not valid UTF-8: it was cut off")
            }
            ListError::Corrupt { index } => write!(f, "item {index} of the list is destroyed"),
        }
    }
}

impl Error for ListError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            ListError::Region(error) => Some(error),
            ListError::Segment(error) => Some(error),
            _ => None,
        }
    }
}

impl From<RegionError> for ListError {
    fn from(error: RegionError) -> ListError {
        ListError::Region(error)
    }
}

impl From<SegmentError> for ListError {
    fn from(error: SegmentError) -> ListError {
        ListError::Segment(error)
    }
}
