//! The answers of one call, as they come: in pieces, and in any order.

use std::convert::Infallible;
use std::ops::Range;
use std::sync::Arc;

use mp_handle::{Flat, Parcel};
use serde::de::DeserializeOwned;

use crate::answer::{Answer, decode_value};
use crate::frames::{Layout, Values};
use crate::relay::Outgoing;
use crate::task_error::{TaskError, TaskErrorKind};

/// The answers so far. Values stay as they came, many in one piece: their bytes are copied once,
/// and nothing is kept for each.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    pieces: Vec<Piece>,
    /// The values.
    bytes: Parcel,
    has_failure: bool,
}

/// The answers of neighbouring items.
#[derive(Debug)]
struct Piece {
    /// The place of the first item.
    first: usize,
    content: Content,
}

#[derive(Debug)]
enum Content {
    /// Values, which are there in the bytes of the ledger, from the worker with this process id.
    Values(Range<usize>, Layout, u32),
    /// The answer of one item.
    One(Arc<Answer>),
}

impl Ledger {
    /// Notes the values of the items from `first` on, which come from the worker `pid`.
    pub(crate) fn put_values(&mut self, first: usize, values: Values<'_>, pid: u32) {
        let (bytes, layout) = values.bytes();
        let content = Content::Values(self.bytes.push_bytes(bytes), layout, pid);
        self.pieces.push(Piece { first, content });
    }

    /// Notes the answer of the item at `first`.
    pub(crate) fn put(&mut self, first: usize, answer: Arc<Answer>) {
        self.has_failure |= answer.is_failure();
        self.pieces.push(Piece { first, content: Content::One(answer) });
    }

    pub(crate) fn has_failure(&self) -> bool {
        self.has_failure
    }

    /// The first failure in the order of the items, if one has failed.
    pub(crate) fn first_failure(&self) -> Option<TaskError> {
        let failed = |piece: &&Piece| matches!(&piece.content, Content::One(it) if it.is_failure());
        let first = self.pieces.iter().filter(failed).min_by_key(|piece| piece.first)?;
        match &first.content {
            Content::One(answer) => answer.failure().map(|error| error.at(first.first)),
            Content::Values(..) => None,
        }
    }

    /// Decodes the values of all `count` items, or gives the first failure in their order.
    pub(crate) fn values<R: DeserializeOwned>(
        &mut self,
        count: usize,
    ) -> Result<Vec<R>, TaskError> {
        let mut values = Vec::with_capacity(count);
        self.pieces.sort_by_key(|piece| piece.first);
        for piece in &self.pieces {
            if !self.copy(piece, &mut values) {
                self.decode(piece, |_, value| value.map(|value| values.push(value)))?;
            }
        }
        if values.len() == count { Ok(values) } else { Err(TaskErrorKind::Cancelled.into()) }
    }

    /// Decodes what came of each of the `count` items; one without an answer was given up.
    pub(crate) fn each<R: DeserializeOwned>(&mut self, count: usize) -> Vec<Result<R, TaskError>> {
        let mut each = Vec::with_capacity(count);
        let give_up = |each: &mut Vec<_>, end| {
            each.extend((each.len()..end).map(|place| Err(cancelled(place))));
        };
        self.pieces.sort_by_key(|piece| piece.first);
        for piece in &self.pieces {
            let Ok(()) = self.decode(piece, |place, result| {
                give_up(&mut each, place);
                each.push(result);
                Ok::<(), Infallible>(())
            });
        }
        give_up(&mut each, count);
        each
    }

    /// Hands all that came to `take`, with the place of its first item, in the order of the items.
    pub(crate) fn for_each_piece<E>(
        &mut self,
        mut take: impl FnMut(usize, Outgoing<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.pieces.sort_by_key(|piece| piece.first);
        self.pieces.iter().try_for_each(|Piece { first, content }| match content {
            Content::One(answer) => take(*first, Outgoing::One(answer)),
            Content::Values(place, layout, pid) => {
                let values = Values::new(&self.bytes.bytes()[place.clone()], *layout);
                take(*first, Outgoing::Values { values, pid: *pid })
            }
        })
    }

    /// Copies values that stand side by side as they lie in memory; tells whether it could.
    fn copy<R>(&self, piece: &Piece, values: &mut Vec<R>) -> bool {
        let (Some(flat), Content::Values(place, layout, _)) = (Flat::new(), &piece.content) else {
            return false;
        };
        let bytes = &self.bytes.bytes()[place.clone()];
        *layout == Layout::Each(flat.size()) && flat.extend(values, bytes)
    }

    /// Hands what came of each item of a piece to `take`, with its place, in their order.
    fn decode<R: DeserializeOwned, E>(
        &self,
        Piece { first, content }: &Piece,
        mut take: impl FnMut(usize, Result<R, TaskError>) -> Result<(), E>,
    ) -> Result<(), E> {
        let (place, layout, pid) = match content {
            Content::One(answer) => return take(*first, answer.decode(*first)),
            Content::Values(place, layout, pid) => (place.clone(), layout, *pid),
        };
        let ranges = layout.ranges(self.bytes.bytes(), place);
        (*first..).zip(ranges).try_for_each(|(place, range)| {
            let value = decode_value(&self.bytes, range);
            take(place, value.map_err(|error| error.at(place).of(pid)))
        })
    }
}

/// What became of an item that has no answer.
fn cancelled(place: usize) -> TaskError {
    TaskError::from(TaskErrorKind::Cancelled).at(place)
}
