//! The answers of a chunk, as bytes.
//!
//! They are pieces, one behind the other, each of which begins with five words: its kind, the place
//! of its first item within the chunk, how many items it answers, the worker's process id, and the
//! number of bytes that follow. Values of neighbouring items stay in one piece, as they came from
//! the worker. Before them stand the spans of time in which workers with insights ran them.

use std::ops::Range;
use std::sync::Arc;
use std::{error, fmt};

use mp_handle::{CodecError, Parcel};

use super::span::Span;
use crate::answer::Answer;
use crate::frames::{Layout, Status, Values};
use crate::job::Job;
use crate::task_error::{TaskError, TaskErrorKind};

/// The kinds of pieces that are not a [`Status`].
const VALUES: u32 = 16;
const ERROR: u32 = 17;
const COLUMN: u32 = 18;
const SPAN: u32 = 19;

const WORDS: usize = 5;
const HEADER: usize = 4 * WORDS;

/// The bytes are not the answers of a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the bytes are not the answers of this chunk")
    }
}

impl error::Error for Malformed {}

/// One piece of the answers that are being encoded.
pub(crate) enum Outgoing<'a> {
    /// The values of neighbouring items, from a worker.
    Values { values: Values<'a>, pid: u32 },
    /// The answer of one item.
    One(&'a Answer),
}

impl Outgoing<'_> {
    /// Puts it behind those that are there.
    fn write(&self, first: usize, out: &mut Vec<u8>) -> Result<(), CodecError> {
        let first = first as u32;
        match self {
            Self::Values { values, pid } => {
                let (bytes, layout) = values.bytes();
                let kind = if layout == Layout::Frames { VALUES } else { COLUMN };
                put(out, [kind, first, values.count() as u32, *pid], bytes);
            }
            Self::One(Answer::Encoded(status, parcel, pid)) if parcel.descriptors().is_empty() => {
                put(out, [status.number(), first, 1, *pid], parcel.bytes());
            }
            Self::One(Answer::Encoded(.., pid)) => {
                let what = "the result is a handle, or has one in it: handles stay on one machine";
                let error = TaskError::from(TaskErrorKind::unsupported(what)).of(*pid);
                put(out, [ERROR, first, 1, 0], Parcel::encode(&error)?.bytes());
            }
            Self::One(Answer::Failed(error)) => {
                put(out, [ERROR, first, 1, 0], Parcel::encode(error)?.bytes());
            }
        }
        Ok(())
    }
}

fn put(out: &mut Vec<u8>, words: [u32; WORDS - 1], bytes: &[u8]) {
    for word in words.into_iter().chain([bytes.len() as u32]) {
        out.extend_from_slice(&word.to_le_bytes());
    }
    out.extend_from_slice(bytes);
}

/// One piece of answers that have come.
struct Incoming<'a> {
    kind: u32,
    first: usize,
    count: usize,
    pid: u32,
    bytes: &'a [u8],
}

impl<'a> Incoming<'a> {
    /// Takes the first of some pieces.
    fn read(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (header, rest) = bytes.split_first_chunk::<HEADER>()?;
        let [kind, first, count, pid, len]: [u32; WORDS] = std::array::from_fn(|word| {
            u32::from_le_bytes(std::array::from_fn(|at| header[4 * word + at]))
        });
        let (bytes, rest) = rest.split_at_checked(len as usize)?;
        Some((Self { kind, first: first as usize, count: count as usize, pid, bytes }, rest))
    }

    /// The values of its items, if it has values.
    fn values(&self) -> Option<Values<'a>> {
        match self.kind {
            VALUES => Values::in_frames(self.bytes, self.count),
            COLUMN if !self.bytes.is_empty() && self.bytes.len().is_multiple_of(self.count) => {
                Some(Values::side_by_side(self.bytes, self.bytes.len() / self.count))
            }
            _ => None,
        }
    }

    /// The answer of the one item that it is about.
    fn answer(&self, host: &Arc<str>) -> Option<Answer> {
        let parcel = Parcel::from_parts(self.bytes.to_vec(), Vec::new());
        if self.kind == ERROR {
            let error = parcel.decode::<TaskError>().ok()?;
            return Some(Answer::Failed(error.on(Arc::clone(host))));
        }
        let answer = Answer::Encoded(Status::from_number(self.kind)?, parcel, self.pid);
        Some(match answer.failure() {
            Some(error) => Answer::Failed(error.on(Arc::clone(host))),
            None => answer,
        })
    }
}

/// Reads all pieces of the answers of `count` items, if they are in turn and whole.
fn read_all(mut bytes: &[u8], count: usize) -> Option<Vec<Incoming<'_>>> {
    let (mut pieces, mut next) = (Vec::new(), 0);
    while !bytes.is_empty() {
        let (piece, rest) = Incoming::read(bytes)?;
        bytes = rest;
        if piece.kind == SPAN {
            continue;
        }
        let is_whole = match piece.kind {
            VALUES | COLUMN => piece.values().is_some(),
            _ => piece.count == 1,
        };
        if piece.first != next || piece.count == 0 || !is_whole {
            return None;
        }
        next += piece.count;
        pieces.push(piece);
    }
    (next == count).then_some(pieces)
}

/// All pieces up to the first that is none.
fn pieces(mut bytes: &[u8]) -> impl Iterator<Item = Incoming<'_>> {
    std::iter::from_fn(move || {
        let (piece, rest) = Incoming::read(bytes)?;
        bytes = rest;
        Some(piece)
    })
}

/// When and where items ran, of a chunk whose first one is at `place` among those of its call, and
/// when that was sent.
pub(crate) fn spans(bytes: &[u8], place: usize) -> impl Iterator<Item = (Span, u64)> {
    pieces(bytes).filter(|piece| piece.kind == SPAN).filter_map(move |piece| {
        let items = (piece.first, piece.count);
        let (span, sent) = Span::decode(piece.bytes, items, piece.pid)?;
        Some((span.from(place), sent))
    })
}

/// What is said of items that have failed, but not by their functions.
pub(crate) fn errors(bytes: &[u8]) -> impl Iterator<Item = TaskError> {
    pieces(bytes)
        .filter(|piece| piece.kind == ERROR)
        .filter_map(|piece| Parcel::from_parts(piece.bytes.to_vec(), Vec::new()).decode().ok())
}

/// The answers of `count` items which were never run, for this reason, as
/// [`Job::encode`] makes them.
///
/// # Errors
///
/// As [`Job::encode`].
pub fn encode_failure(count: usize, error: &TaskError) -> Result<Parcel, CodecError> {
    let mut parcel = Parcel::new();
    let (answer, out) = (Answer::Failed(error.clone()), parcel.bytes_mut());
    (0..count).try_for_each(|first| Outgoing::One(&answer).write(first, out))?;
    Ok(parcel)
}

impl Job {
    /// Encodes the answers of a call that is over, and was [relayed](trait.Executor.html#method.relay).
    ///
    /// # Errors
    ///
    /// An error that cannot be encoded: its text is too long.
    pub fn encode(&self) -> Result<Parcel, CodecError> {
        let mut parcel = Parcel::new();
        let out = parcel.bytes_mut();
        for span in self.take_spans() {
            let (first, count) = (span.bar.index as u32, span.bar.tasks as u32);
            put(out, [SPAN, first, count, span.pid], &span.encode());
        }
        self.with_ledger(|ledger| ledger.for_each_piece(|first, piece| piece.write(first, out)))?;
        Ok(parcel)
    }

    /// Takes the [encoded](Self::encode) answers of the items at `places`, none of which has one
    /// yet, from workers on the machine `host`.
    ///
    /// # Errors
    ///
    /// The bytes are not the answers of so many items; none of them has one then.
    pub fn put_encoded(
        self: &Arc<Self>,
        places: Range<usize>,
        bytes: &[u8],
        host: &Arc<str>,
    ) -> Result<(), Malformed> {
        let pieces = read_all(bytes, places.len()).ok_or(Malformed)?;
        let one = |piece: &Incoming<'_>| match piece.kind {
            VALUES | COLUMN => Some(None),
            _ => piece.answer(host).map(Some),
        };
        let ones: Vec<Option<Answer>> =
            pieces.iter().map(one).collect::<Option<_>>().ok_or(Malformed)?;
        let mut answers = self.answers();
        for (piece, one) in pieces.iter().zip(ones) {
            let place = places.start + piece.first;
            match (one, piece.values()) {
                (Some(answer), _) => answers.put(place, answer),
                (None, Some(values)) => answers.put_values(place, values, piece.pid),
                (None, None) => return Err(Malformed),
            }
        }
        Ok(())
    }
}
