//! What a worker tells the parent: results, item by item, or [side by side](crate::column).
//!
//! A result is there for the parent before the next item begins, so that a death costs one item. To
//! be cheap all the same, its frame is short, and the parent takes in the frames of neighbouring
//! values as they stand there, without a look at what is in them.

use std::iter;
use std::ops::Range;

use mp_handle::{Frames, Parcel};
use serde::{Deserialize, Serialize};

use crate::column::Head;
use crate::protocol::Item;

/// What became of an item where it was run, and so what is in the parcel that comes with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Status {
    /// The value.
    Returned,
    /// A [`Failure`](crate::Failure).
    Failed,
    /// A [`Panic`](mp_process::Panic).
    Panicked,
    /// The arguments could not be decoded: the reason.
    NotDecoded,
    /// The value could not be encoded: the reason.
    NotEncoded,
}

/// No item's result bears such a tag: an index has 30 bits at most.
const FAREWELL: u64 = u64::MAX << 8;

impl Status {
    /// Its number on the way to another machine.
    pub(crate) fn number(self) -> u32 {
        self as u32
    }

    pub(crate) fn from_number(number: u32) -> Option<Self> {
        ResultFrame::STATUSES.into_iter().find(|status| status.number() == number)
    }

    /// What the last parcel of a worker bears if this became of its finalizer.
    pub(crate) fn farewell_tag(self) -> u64 {
        FAREWELL | self as u64
    }

    /// What became of the finalizer; `None` if the tag is of another parcel.
    pub(crate) fn of_farewell(tag: u64) -> Option<Self> {
        ResultFrame::STATUSES.into_iter().find(|status| status.farewell_tag() == tag)
    }
}

/// A frame from the worker: it is ready, or the next item of the chunk that it has claimed.
pub(crate) enum ResultFrame<'a> {
    Ready,
    Item { status: Status, spilled: bool, bytes: &'a [u8] },
}

/// What stands before the bytes: the status, and which item of which chunk it is, as far as there
/// is room for that. Results come in turn; so this only has to show when they do not.
pub(crate) const RESULT_HEADER: usize = 4;

const SPILLED: u8 = 0x80;
const READY: [u8; RESULT_HEADER] = [u8::MAX; RESULT_HEADER];

impl<'a> ResultFrame<'a> {
    const STATUSES: [Status; 5] = [
        Status::Returned,
        Status::Failed,
        Status::Panicked,
        Status::NotDecoded,
        Status::NotEncoded,
    ];

    pub(crate) fn ready() -> [u8; RESULT_HEADER] {
        READY
    }

    pub(crate) fn header(item: Item, status: Status, spilled: bool) -> [u8; RESULT_HEADER] {
        let [low, high, ..] = item.index.to_ne_bytes();
        let spilled = if spilled { SPILLED } else { 0 };
        [status as u8 | spilled, item.seq as u8, low, high]
    }

    /// Reads a frame which, if it is not the first of all, must be the answer to `item`.
    fn parse(frame: &'a [u8], item: Item) -> Option<Self> {
        let (header, bytes) = frame.split_first_chunk()?;
        if *header == READY {
            return Some(Self::Ready);
        }
        let spilled = header[0] & SPILLED != 0;
        let status = *Self::STATUSES.get(usize::from(header[0] & !SPILLED))?;
        let is_in_turn = *header == Self::header(item, status, spilled);
        is_in_turn.then_some(Self::Item { status, spilled, bytes })
    }
}

/// What was drained from a result ring.
pub(crate) struct Results<'a> {
    bytes: &'a [u8],
    rest: Frames<'a>,
    /// Where the rest begins.
    at: usize,
}

/// The length that the ring has put before each frame.
const LENGTH: usize = 4;

impl<'a> Results<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, rest: Frames::new(bytes), at: 0 }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.at == self.bytes.len()
    }

    /// Takes the values that stand side by side, if that is what comes next; `first` is the item
    /// to which the first of them belongs. An error if there are more than `most`.
    pub(crate) fn column(
        &mut self,
        first: Item,
        most: usize,
    ) -> Result<Option<Values<'a>>, String> {
        let mut ahead = self.rest.clone();
        let Some(Ok(frame)) = ahead.next() else { return Ok(None) };
        let Some((head, bytes)) = Head::parse(frame) else { return Ok(None) };
        let values = Values::side_by_side(bytes, head.len);
        if !head.begins_with(first) || values.count > most || values.count * head.len != bytes.len()
        {
            return Err(format!("{head:?} with {} bytes at {first:?}", bytes.len()));
        }
        self.rest = ahead;
        self.at += LENGTH + frame.len();
        Ok(Some(values))
    }

    /// Takes the values of up to `most` items, the first of which is `item`, as far as they are
    /// there in turn.
    pub(crate) fn values(&mut self, item: Item, most: usize) -> Values<'a> {
        let (start, mut count) = (self.at, 0);
        while count < most {
            let mut ahead = self.rest.clone();
            let Some(Ok(frame)) = ahead.next() else { break };
            let next = Item { index: item.index + count as u32, ..item };
            if !frame.starts_with(&ResultFrame::header(next, Status::Returned, false)) {
                break;
            }
            self.rest = ahead;
            self.at += LENGTH + frame.len();
            count += 1;
        }
        Values { bytes: &self.bytes[start..self.at], layout: Layout::Frames, count }
    }

    /// Takes the next frame, which is to be about `item`; an error if it makes no sense.
    pub(crate) fn next(&mut self, item: Item) -> Result<Option<ResultFrame<'a>>, String> {
        let Some(frame) = self.rest.next() else { return Ok(None) };
        let frame = frame.map_err(|error| error.to_string())?;
        self.at += LENGTH + frame.len();
        let parsed = ResultFrame::parse(frame, item);
        parsed.map(Some).ok_or_else(|| format!("no answer to {item:?}, whose turn it is"))
    }
}

/// How values stand one behind the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// In frames, each with its header.
    Frames,
    /// With nothing in between, and as many bytes each.
    Each(usize),
}

impl Layout {
    /// Where in `bytes` the values are that stand at `place`.
    #[inline]
    pub(crate) fn ranges(
        self,
        bytes: &[u8],
        place: Range<usize>,
    ) -> impl Iterator<Item = Range<usize>> {
        let mut next = place.start;
        let mut frames = Frames::new(&bytes[place.clone()]);
        iter::from_fn(move || {
            let (start, end) = match self {
                Self::Frames => {
                    let frame = frames.next()?.ok()?;
                    (next + LENGTH + RESULT_HEADER, next + LENGTH + frame.len())
                }
                Self::Each(len) => (next, next + len),
            };
            next = end;
            (end <= place.end).then_some(start..end)
        })
    }
}

/// The values of neighbouring items, encoded.
#[derive(Clone, Copy)]
pub(crate) struct Values<'a> {
    bytes: &'a [u8],
    layout: Layout,
    count: usize,
}

impl<'a> Values<'a> {
    /// All values that stand in `bytes`.
    pub(crate) fn new(bytes: &'a [u8], layout: Layout) -> Self {
        let count = layout.ranges(bytes, 0..bytes.len()).count();
        Self { bytes, layout, count }
    }

    /// The values of `count` items, if there are as many frames, and nothing else.
    pub(crate) fn in_frames(bytes: &'a [u8], count: usize) -> Option<Self> {
        let mut all = Frames::new(bytes);
        let is_whole = all.all(|frame| frame.is_ok_and(|frame| frame.len() >= RESULT_HEADER));
        Some(Self::new(bytes, Layout::Frames)).filter(|values| is_whole && values.count == count)
    }

    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// Values of `len` bytes each.
    pub(crate) fn side_by_side(bytes: &'a [u8], len: usize) -> Self {
        Self { bytes, layout: Layout::Each(len), count: bytes.len() / len }
    }

    /// All but the first ones; `first` are those of a column, which has as many.
    pub(crate) fn skip(self, first: usize) -> Self {
        match self.layout {
            Layout::Each(len) => Self::side_by_side(&self.bytes[first * len..], len),
            Layout::Frames => self,
        }
    }

    /// Their bytes, and how they stand there.
    pub(crate) fn bytes(&self) -> (&'a [u8], Layout) {
        (self.bytes, self.layout)
    }

    /// Each of them, copied.
    pub(crate) fn parcels(&self) -> impl Iterator<Item = Parcel> + use<'a> {
        let (bytes, layout) = self.bytes();
        layout
            .ranges(bytes, 0..bytes.len())
            .map(|range| Parcel::from_parts(bytes[range].to_vec(), Vec::new()))
    }
}

#[cfg(test)]
mod tests {
    use super::{Layout, ResultFrame, Results, Status};
    use crate::column::COLUMN;
    use crate::protocol::Item;

    fn item(index: u32) -> Item {
        Item { seq: 0x1ff, index }
    }

    /// Frames as they come out of a ring.
    fn ring(frames: &[(Item, Status, &[u8])]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (item, status, value) in frames {
            bytes.extend((4 + value.len() as u32).to_ne_bytes());
            bytes.extend(ResultFrame::header(*item, *status, false));
            bytes.extend(*value);
        }
        bytes
    }

    #[test]
    fn values_are_taken_as_far_as_they_are_in_turn() {
        let value = |index, value: &'static [u8]| (item(index), Status::Returned, value);
        let failure = (item(302), Status::Failed, &b"why"[..]);
        let bytes = ring(&[value(300, b"ab"), value(301, b""), failure, value(303, b"c")]);
        let mut results = Results::new(&bytes);
        let values = results.values(item(300), 9);
        let (bytes, layout) = values.bytes();
        let found: Vec<_> = layout.ranges(bytes, 0..bytes.len()).map(|at| &bytes[at]).collect();
        assert_eq!((values.count(), found.as_slice()), (2, &[&b"ab"[..], b""][..]));
        let Ok(Some(ResultFrame::Item { status, bytes, .. })) = results.next(item(302)) else {
            panic!("the failure is next");
        };
        assert_eq!((status, bytes), (Status::Failed, &b"why"[..]));
        assert_eq!(results.values(item(303), 0).count(), 0, "no more than asked for");
        assert_eq!(results.values(item(303), 9).count(), 1);
        assert!(results.is_empty() && matches!(results.next(item(304)), Ok(None)));
    }

    fn column(first: u32, len: u32, values: &[u8]) -> Vec<u8> {
        let [low, high, ..] = first.to_ne_bytes();
        let parts = [[COLUMN, 0xff, low, high], len.to_ne_bytes()];
        let frame = [parts.as_flattened(), values].concat();
        [(frame.len() as u32).to_ne_bytes().as_slice(), &frame].concat()
    }

    #[test]
    fn values_side_by_side_are_taken_in_one_piece() {
        let bytes = column(300, 2, b"aabbcc");
        let mut results = Results::new(&bytes);
        let values = results.column(item(300), 3).unwrap().expect("a column is next").skip(1);
        let (bytes, layout) = values.bytes();
        assert_eq!((values.count(), bytes, layout), (2, &b"bbcc"[..], Layout::Each(2)));
        let found: Vec<_> = layout.ranges(bytes, 0..bytes.len()).map(|at| &bytes[at]).collect();
        assert_eq!(found, [b"bb", b"cc"]);
        assert!(results.is_empty());
    }

    #[test]
    fn a_column_that_cannot_be_is_an_error() {
        let whole = column(7, 2, b"aabb");
        for (first, most) in [(item(8), 2), (item(7), 1), (Item { seq: 1, index: 7 }, 2)] {
            assert!(Results::new(&whole).column(first, most).is_err(), "{first:?}");
        }
        assert!(Results::new(&column(7, 3, b"aabb")).column(item(7), 9).is_err());
        let none = column(7, 0, b"");
        assert!(matches!(Results::new(&none).column(item(7), 9), Ok(None)), "no length");
        assert!(Results::new(&none).next(item(7)).is_err(), "nor anything else");
    }

    #[test]
    fn nonsense_is_an_error() {
        let out_of_turn = ring(&[(item(8), Status::Returned, b"a")]);
        let other_chunk = ring(&[(Item { seq: 7, index: 7 }, Status::Returned, b"a")]);
        let mut truncated = ring(&[(item(7), Status::Returned, b"abc")]);
        truncated.pop();
        let mut unknown = ring(&[(item(7), Status::Returned, b"")]);
        unknown[4] = 0x7e;
        let too_short = [2_u32.to_ne_bytes().as_slice(), &[0, 0]].concat();
        for bytes in [out_of_turn, other_chunk, truncated, unknown, too_short] {
            let mut results = Results::new(&bytes);
            assert_eq!(results.values(item(7), 9).count(), 0, "{bytes:?}");
            assert!(results.next(item(7)).is_err(), "{bytes:?}");
        }
    }
}
