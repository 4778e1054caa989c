//! How arguments and results are encoded: numbers and their like as they lie in memory, and all
//! else by the codec. Both sides know by the type which of the two it is.

use std::ops::Range;
use std::slice;

use mp_handle::{CodecError, Flat, Parcel};
use serde::Serialize;
use serde::de::{DeserializeOwned, Error};

/// Puts one more value into a parcel; returns the range of its bytes.
#[inline]
pub(crate) fn push<T: Serialize>(
    parcel: &mut Parcel,
    value: &T,
) -> Result<Range<usize>, CodecError> {
    match Flat::<T>::new() {
        Some(flat) => Ok(parcel.push_bytes(flat.bytes(slice::from_ref(value)))),
        None => parcel.push(value),
    }
}

/// Reads the value that stands at `range`.
#[inline]
pub(crate) fn get<T: DeserializeOwned>(
    parcel: &Parcel,
    range: Range<usize>,
) -> Result<T, CodecError> {
    let Some(flat) = Flat::<T>::new() else { return parcel.get(range) };
    let value = parcel.bytes().get(range).and_then(|bytes| flat.value(bytes));
    value.ok_or_else(|| CodecError::custom("the bytes are not those of such a value"))
}

/// How long each of neighbouring values is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Lengths<'a> {
    /// All of them, of which there are so many, have the same length.
    Each { len: usize, count: usize },
    /// One `u32` for each.
    Table(&'a [u8]),
}

impl<'a> Lengths<'a> {
    /// How many values there are.
    pub(crate) fn count(self) -> usize {
        match self {
            Self::Each { count, .. } => count,
            Self::Table(table) => table.len() / 4,
        }
    }

    /// The length of the value at `index`, which there is.
    #[inline]
    pub(crate) fn at(self, index: usize) -> usize {
        match self {
            Self::Each { len, .. } => len,
            Self::Table(table) => {
                u32::from_ne_bytes(std::array::from_fn(|byte| table[4 * index + byte])) as usize
            }
        }
    }

    /// The lengths of some of them.
    pub(crate) fn part(self, values: Range<usize>) -> Self {
        match self {
            Self::Each { len, .. } => Self::Each { len, count: values.len() },
            Self::Table(table) => Self::Table(&table[4 * values.start..4 * values.end]),
        }
    }

    /// The length of each, if they have all the same, and any.
    pub(crate) fn same(self) -> Option<usize> {
        let mut all = self.iter();
        let first = all.next().filter(|&len| len > 0)?;
        all.all(|len| len == first).then_some(first)
    }

    /// How long all of them are together.
    pub(crate) fn sum(self) -> usize {
        match self {
            Self::Each { len, count } => len * count,
            Self::Table(_) => self.iter().sum(),
        }
    }

    pub(crate) fn iter(self) -> impl Iterator<Item = usize> + use<'a> {
        (0..self.count()).map(move |index| self.at(index))
    }

    /// What a frame says of them: the length of each, or zero and the table.
    pub(crate) fn to_wire(self) -> (u32, &'a [u8]) {
        match self {
            // No value is longer than a chunk.
            Self::Each { len, .. } => (len as u32, &[]),
            Self::Table(table) => (0, table),
        }
    }
}

/// Lengths that are kept, of one chunk after the other.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    /// The length of each and their number, if they have all the same; otherwise the table has
    /// them.
    each: Option<(usize, usize)>,
    table: Vec<u8>,
}

impl Kept {
    /// Keeps these, and forgets those before.
    pub(crate) fn keep(&mut self, lengths: Lengths<'_>) {
        self.table.clear();
        self.each = match lengths {
            Lengths::Each { len, count } => Some((len, count)),
            Lengths::Table(table) => {
                self.table.extend_from_slice(table);
                None
            }
        };
    }

    #[inline]
    pub(crate) fn get(&self) -> Lengths<'_> {
        match self.each {
            Some((len, count)) => Lengths::Each { len, count },
            None => Lengths::Table(&self.table),
        }
    }
}
