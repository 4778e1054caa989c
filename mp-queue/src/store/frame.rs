//! Frames: what lies in a segment for each message.
//!
//! ```text
//! | len u32 | kind u32 | body, len bytes | up to a multiple of 8 |
//! ```
//!
//! The body of a posted message begins with the tag of the packet that came with it. A jump has
//! no body: in place of the length it has the place where the next frame begins.

use mp_handle::Descriptor;

use super::error::Corrupt;
use super::place::{Place, UNIT};

/// The bytes before the body.
pub(super) const HEADER: usize = 8;

/// The bytes that are free behind each frame, in case that a jump must be put there.
pub(super) const JUMP_ROOM: usize = HEADER;

/// The tag at the beginning of a posted body.
pub(super) const TAG: usize = size_of::<u64>();

/// What the body of a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    /// An encoded value.
    Encoded,
    /// Bytes as they are.
    Raw,
}

/// What a frame is. The numbers are arbitrary, so that garbage is found out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A message whose body is here.
    Whole(Content),
    /// A message whose body is here, and whose descriptors were posted.
    Attached(Content),
    /// A message that was posted altogether; here is the tag alone.
    Posted(Content),
    Jump,
}

const KINDS: [(u32, Kind); 7] = [
    (0x4d50_5101, Kind::Whole(Content::Encoded)),
    (0x4d50_5102, Kind::Whole(Content::Raw)),
    (0x4d50_5103, Kind::Attached(Content::Encoded)),
    (0x4d50_5104, Kind::Attached(Content::Raw)),
    (0x4d50_5105, Kind::Posted(Content::Encoded)),
    (0x4d50_5106, Kind::Posted(Content::Raw)),
    (0x4d50_5107, Kind::Jump),
];

impl Kind {
    #[inline]
    fn number(self) -> u32 {
        match self {
            Kind::Whole(Content::Encoded) => KINDS[0].0,
            Kind::Whole(Content::Raw) => KINDS[1].0,
            Kind::Attached(Content::Encoded) => KINDS[2].0,
            Kind::Attached(Content::Raw) => KINDS[3].0,
            Kind::Posted(Content::Encoded) => KINDS[4].0,
            Kind::Posted(Content::Raw) => KINDS[5].0,
            Kind::Jump => KINDS[6].0,
        }
    }

    #[inline]
    fn from_number(number: u32) -> Option<Kind> {
        let index = number.wrapping_sub(KINDS[0].0) as usize;
        KINDS.get(index).map(|&(_, kind)| kind)
    }
}

/// A frame's header, in private memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Header {
    Message { kind: Kind, len: usize },
    Jump(Place),
}

impl Header {
    #[inline]
    pub(super) fn to_bits(self) -> u64 {
        let (low, kind) = match self {
            Header::Message { kind, len } => (len as u32, kind),
            Header::Jump(place) => (place.to_bits(), Kind::Jump),
        };
        u64::from(kind.number()) << 32 | u64::from(low)
    }

    /// Reads a header that came from `place`. The length is not checked: only the segment knows.
    #[inline]
    pub(super) fn from_bits(bits: u64, place: Place) -> Result<Header, Corrupt> {
        let low = bits as u32;
        match Kind::from_number((bits >> 32) as u32) {
            Some(Kind::Jump) => Ok(Header::Jump(Place::from_bits(low))),
            Some(Kind::Attached(_) | Kind::Posted(_)) if (low as usize) < TAG => {
                Err(Corrupt::frame(place, bits))
            }
            Some(kind) => Ok(Header::Message { kind, len: low as usize }),
            None => Err(Corrupt::frame(place, bits)),
        }
    }
}

/// Returns the bytes that a frame with a body of `len` bytes takes.
#[inline]
pub(super) fn frame_size(len: usize) -> usize {
    (HEADER + len).next_multiple_of(UNIT)
}

/// A message to be put: its bytes, and the descriptors of the handles in it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Message<'a> {
    pub(crate) content: Content,
    pub(crate) bytes: &'a [u8],
    pub(crate) descriptors: &'a [Descriptor],
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Place = Place { segment: 1, offset: 64 };

    #[test]
    fn headers_survive_their_word() {
        for (_, kind) in KINDS.into_iter().filter(|&(_, kind)| kind != Kind::Jump) {
            let header = Header::Message { kind, len: 1000 };
            assert_eq!(Header::from_bits(header.to_bits(), PLACE), Ok(header));
        }
        let jump = Header::Jump(PLACE);
        assert_eq!(Header::from_bits(jump.to_bits(), PLACE), Ok(jump));
    }

    #[test]
    fn numbers_are_those_of_the_table() {
        for (number, kind) in KINDS {
            assert_eq!((kind.number(), Kind::from_number(number)), (number, Some(kind)));
        }
    }

    #[test]
    fn garbage_is_no_header() {
        for bits in [0, u64::MAX, 0x4d50_5100 << 32, 0x4d50_5108 << 32, 0x4d50_5103 << 32 | 7] {
            assert!(Header::from_bits(bits, PLACE).is_err(), "{bits:#x}");
        }
    }
}
