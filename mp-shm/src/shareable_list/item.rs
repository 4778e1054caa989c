//! [`Item`]: what may be in a list, and its bytes.

use std::borrow::Cow;

use super::ListError;
use super::format::{Format, LONGEST};

/// What an item is beyond its format, as Python's list numbers it.
const NUMBER: u8 = 0;
const TEXT: u8 = 1;
const BYTES: u8 = 2;
const NONE: u8 = 3;

/// An item of a [`ShareableList`](super::ShareableList): what Python has of such things.
///
/// # Examples
///
/// ```
/// use mp_shm::Item;
///
/// let items = [Item::from(1), Item::from("one"), Item::from(b"1".as_slice()), Item::from(true)];
/// assert_eq!(items[1], Item::Str("one".to_owned()));
/// assert_eq!(Item::from(None::<f64>), Item::None);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum Item {
    /// Nothing.
    #[default]
    None,
    /// A truth value.
    Bool(bool),
    /// An integer; Python's must fit as well.
    Int(i64),
    /// A float.
    Float(f64),
    /// A text.
    Str(String),
    /// Bytes.
    Bytes(Vec<u8>),
}

macro_rules! from {
    ($($type:ty => $item:ident)*) => {
        $(impl From<$type> for Item {
            fn from(value: $type) -> Item {
                Item::$item(value.into())
            }
        })*
    };
}

from! {
    bool => Bool
    i8 => Int i16 => Int i32 => Int i64 => Int u8 => Int u16 => Int u32 => Int
    f32 => Float f64 => Float
    &str => Str String => Str &String => Str char => Str
    &[u8] => Bytes Vec<u8> => Bytes
}

impl<T: Into<Item>> From<Option<T>> for Item {
    fn from(value: Option<T>) -> Item {
        value.map_or(Item::None, Into::into)
    }
}

impl From<&Item> for Item {
    fn from(item: &Item) -> Item {
        item.clone()
    }
}

/// An item as it is written.
pub(super) struct Encoded<'a> {
    pub(super) format: Format,
    pub(super) code: u8,
    pub(super) bytes: Cow<'a, [u8]>,
}

/// Encodes an item, if it has not too many bytes for a format.
pub(super) fn encode(item: &Item) -> Result<Encoded<'_>, ListError> {
    let number = |format, bytes: [u8; 8]| (format, NUMBER, Cow::Owned(bytes.to_vec()));
    let (format, code, bytes) = match item {
        Item::None => (Format::None, NONE, Cow::Owned(vec![0; 8])),
        Item::Bool(value) => number(Format::Bool, [0, 0, 0, 0, 0, 0, 0, u8::from(*value)]),
        Item::Int(value) => number(Format::Int, value.to_ne_bytes()),
        Item::Float(value) => number(Format::Float, value.to_ne_bytes()),
        Item::Str(text) => (exact(text.len())?, TEXT, Cow::Borrowed(text.as_bytes())),
        Item::Bytes(bytes) => (exact(bytes.len())?, BYTES, Cow::Borrowed(&bytes[..])),
    };
    Ok(Encoded { format, code, bytes })
}

fn exact(len: usize) -> Result<Format, ListError> {
    if len > LONGEST {
        return Err(ListError::TooLarge { len });
    }
    Ok(Format::Bytes { len, exact: true })
}

/// Makes an item of the bytes that its format takes of a slot of `room` bytes.
pub(super) fn decode(
    format: Format,
    code: u8,
    mut bytes: Vec<u8>,
    room: usize,
    index: usize,
) -> Result<Item, ListError> {
    let eight = <[u8; 8]>::try_from(&bytes[..]).unwrap_or_default();
    if let Format::Bytes { len, exact: false } = format {
        // Python's own, if it fills the slot. If not, it is by a Python that knows lengths.
        if len == room {
            let end = bytes.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
            bytes.truncate(end);
        }
    }
    match (format, code) {
        (Format::None, NONE) => Ok(Item::None),
        (Format::Bool, NUMBER) => Ok(Item::Bool(eight[7] != 0)),
        (Format::Int, NUMBER) => Ok(Item::Int(i64::from_ne_bytes(eight))),
        (Format::Float, NUMBER) => Ok(Item::Float(f64::from_ne_bytes(eight))),
        (Format::Bytes { .. }, BYTES) => Ok(Item::Bytes(bytes)),
        (Format::Bytes { .. }, TEXT) => String::from_utf8(bytes)
            .map(Item::Str)
            .map_err(|error| ListError::NotText { index, bytes: error.into_bytes() }),
        _ => Err(ListError::Corrupt { index }),
    }
}
