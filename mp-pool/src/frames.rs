//! What a worker tells the parent: results, item by item.
//!
//! A result is published before the next item begins, so that a death costs one item. To be cheap
//! all the same, its frame is short, and the parent takes in the frames of neighbouring values as
//! they stand there, without a look at what is in them.

use std::ops::Range;

use mp_handle::{Frames, Parcel};
use serde::{Deserialize, Serialize};

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
        Values { frames: &self.bytes[start..self.at], count }
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

/// The values of neighbouring items, encoded.
#[derive(Clone, Copy)]
pub(crate) struct Values<'a> {
    frames: &'a [u8],
    count: usize,
}

impl<'a> Values<'a> {
    /// The values of `count` items, if these are their frames.
    pub(crate) fn new(frames: &'a [u8], count: usize) -> Option<Self> {
        let mut all = Frames::new(frames);
        let is_whole = all.all(|frame| frame.is_ok_and(|frame| frame.len() >= RESULT_HEADER));
        (is_whole && Frames::new(frames).count() == count).then_some(Self { frames, count })
    }

    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// Their bytes, for [`value_ranges`].
    pub(crate) fn frames(&self) -> &'a [u8] {
        self.frames
    }

    /// Each of them, copied.
    pub(crate) fn parcels(&self) -> impl Iterator<Item = Parcel> + use<'a> {
        let frames = self.frames;
        value_ranges(frames, 0..frames.len())
            .map(|range| Parcel::from_parts(frames[range].to_vec(), Vec::new()))
    }
}

/// Where in `bytes` the values are whose frames are at `frames`.
#[inline]
pub(crate) fn value_ranges(
    bytes: &[u8],
    frames: Range<usize>,
) -> impl Iterator<Item = Range<usize>> {
    let mut end = frames.start;
    Frames::new(&bytes[frames]).map_while(Result::ok).map(move |frame| {
        let start = end + LENGTH + RESULT_HEADER;
        end += LENGTH + frame.len();
        start..end
    })
}

#[cfg(test)]
mod tests {
    use super::{ResultFrame, Results, Status, value_ranges};
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
        let ranges = value_ranges(values.frames(), 0..values.frames().len());
        let found: Vec<_> = ranges.map(|range| &values.frames()[range]).collect();
        assert_eq!((values.count(), found.as_slice()), (2, &[&b"ab"[..], b""][..]));
        let Ok(Some(ResultFrame::Item { status, bytes, .. })) = results.next(item(302)) else {
            panic!("the failure is next");
        };
        assert_eq!((status, bytes), (Status::Failed, &b"why"[..]));
        assert_eq!(results.values(item(303), 0).count(), 0, "no more than asked for");
        assert_eq!(results.values(item(303), 9).count(), 1);
        assert!(results.is_empty() && matches!(results.next(item(304)), Ok(None)));
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
