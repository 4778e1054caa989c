//! How an item says what it is: a format of Python's `struct`, in 8 bytes, padded with zeros.
//!
//! | format | what lies in the slot |
//! |---|---|
//! | `q` | an integer of 64 bits |
//! | `d` | a float of 64 bits |
//! | `xxxxxxx?` | a truth value, in the last of 8 bytes |
//! | `xxxxxx?x` | nothing |
//! | `<n>s` | n bytes, of a text or as they are |
//! | `<n>s` and a space | the same, and n is exact |
//!
//! Python takes the whole slot for n, pads with zeros, and strips them when it reads. So the zeros
//! that were there are lost. Here n is the true length, and a space says so. Python's `struct`
//! skips spaces. And what is more, its list replaces a format that does not end with `s` when it
//! writes a text into the slot: without the space it would keep n, and cut off what is longer.

/// The bytes of a format.
pub(super) const FORMAT: usize = 8;
/// The length of the longest text, whose six digits leave room for the space.
pub(super) const LONGEST: usize = 999_999;

const INT: [u8; FORMAT] = *b"q\0\0\0\0\0\0\0";
const FLOAT: [u8; FORMAT] = *b"d\0\0\0\0\0\0\0";
const BOOL: [u8; FORMAT] = *b"xxxxxxx?";
const NONE: [u8; FORMAT] = *b"xxxxxx?x";

/// What a format says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Int,
    Float,
    Bool,
    None,
    /// So many bytes; if it is not exact, zeros at their end may be padding.
    Bytes {
        len: usize,
        exact: bool,
    },
}

impl Format {
    /// Reads a format; `None` if it is none of these.
    pub(super) fn parse(bytes: &[u8; FORMAT]) -> Option<Format> {
        match *bytes {
            INT => Some(Format::Int),
            FLOAT => Some(Format::Float),
            BOOL => Some(Format::Bool),
            NONE => Some(Format::None),
            _ => parse_bytes(bytes),
        }
    }

    /// Writes the format, whose length is [`LONGEST`] at most.
    pub(super) fn to_bytes(self) -> [u8; FORMAT] {
        match self {
            Format::Int => INT,
            Format::Float => FLOAT,
            Format::Bool => BOOL,
            Format::None => NONE,
            Format::Bytes { len, exact } => {
                let end = if exact { "s " } else { "s" };
                let mut bytes = [0; FORMAT];
                for (to, from) in bytes.iter_mut().zip(format!("{len}{end}").bytes()) {
                    *to = from;
                }
                bytes
            }
        }
    }

    /// Returns how many bytes of the slot are the item's.
    pub(super) fn size(self) -> usize {
        match self {
            Format::Bytes { len, .. } => len,
            _ => 8,
        }
    }

    /// Returns the size of the slot that a new item gets: always one in which something fits.
    pub(super) fn slot(self) -> usize {
        match self {
            Format::Bytes { len, .. } => 8 * (len / 8 + 1),
            _ => 8,
        }
    }
}

/// Reads a format of bytes.
fn parse_bytes(bytes: &[u8; FORMAT]) -> Option<Format> {
    let text = std::str::from_utf8(bytes).ok()?.trim_end_matches('\0');
    let (text, exact) = match text.strip_suffix(' ') {
        Some(rest) => (rest, true),
        None => (text, false),
    };
    let digits = text.strip_suffix('s').filter(|digits| !digits.starts_with('+'))?;
    Some(Format::Bytes { len: digits.parse().ok()?, exact })
}
