//! Results that stand side by side: one frame for many items.
//!
//! ```text
//! | header of a result, status COLUMN, first item | length of each u32 | value | value | ...
//! ```
//!
//! The worker writes such a frame in the ring itself, value by value, as a [`Draft`], and publishes
//! it when the chunk ends, or something else is to be told. That it begins the next item, which it
//! stores in the running word before it calls the function, says that all values before are
//! written: so one store is all that an item costs, and the parent can read the values of a worker
//! that is dead, or takes its time, before they are a frame.

use mp_handle::{Draft, Producer, PushError};

use crate::frames::RESULT_HEADER;
use crate::protocol::Item;

/// Stands where a result has its status.
pub(crate) const COLUMN: u8 = 0x40;

/// What stands before the values.
pub(crate) const COLUMN_HEADER: usize = RESULT_HEADER + 4;

/// The most bytes of values in one frame: the ring holds several.
const MAX_BYTES: usize = 8 << 10;

/// The worker's side: values that are being written.
pub(crate) struct Column<'a> {
    draft: Draft<'a>,
    is_empty: bool,
}

impl<'a> Column<'a> {
    /// How many values of `len` bytes one can have, `wanted` at most.
    pub(crate) fn room(len: usize, wanted: usize) -> usize {
        wanted.min(MAX_BYTES / len)
    }

    /// Begins with the value of `first`, with room for `count` of `len` bytes each.
    pub(crate) fn begin(
        ring: &'a mut Producer,
        first: Item,
        len: usize,
        count: usize,
    ) -> Result<Self, PushError> {
        let mut draft = ring.draft(COLUMN_HEADER + len * count)?;
        let [low, high, ..] = first.index.to_ne_bytes();
        draft.write(&[COLUMN, first.seq as u8, low, high])?;
        draft.write(&(len as u32).to_ne_bytes())?;
        Ok(Self { draft, is_empty: true })
    }

    /// Writes the next value.
    #[inline]
    pub(crate) fn push(&mut self, value: &[u8]) {
        self.draft.write(value).expect("there is room for as many values as were asked for");
        self.is_empty = false;
    }

    /// Makes a frame of the values, if there are any.
    pub(crate) fn publish(self) {
        if !self.is_empty {
            self.draft.publish().expect("there was room when it began");
        }
    }
}

/// The parent's side: which values a column has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    /// The item whose value is the first, as far as there is room for that.
    first: u16,
    seq: u8,
    /// How many bytes each value has; at least one.
    pub(crate) len: usize,
}

impl Head {
    /// Reads what stands before the values, which are given back.
    pub(crate) fn parse(frame: &[u8]) -> Option<(Self, &[u8])> {
        let ([COLUMN, seq, low, high, len @ ..], values) =
            frame.split_first_chunk::<COLUMN_HEADER>()?
        else {
            return None;
        };
        let len = u32::from_ne_bytes(*len) as usize;
        let first = u16::from_ne_bytes([*low, *high]);
        (len > 0).then_some((Self { first, seq: *seq, len }, values))
    }

    /// Whether the column begins with `item`.
    pub(crate) fn begins_with(self, item: Item) -> bool {
        (self.first, self.seq) == (item.index as u16, item.seq as u8)
    }
}
