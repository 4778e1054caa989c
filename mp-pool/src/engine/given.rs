//! A chunk that a worker was given, and how far it has answered for it.

use std::ops::Range;
use std::time::Duration;

use mp_handle::{Parcel, Post};

use crate::answer::Answer;
use crate::chunk::Chunk;
use crate::column::{COLUMN_HEADER, Head};
use crate::frames::{ResultFrame, Results, Values};
use crate::job::Answers;
use crate::protocol::Item;
use crate::worker;

/// A chunk that a worker was given.
pub(crate) struct Given {
    pub(super) seq: u32,
    pub(crate) chunk: Chunk,
    /// Items that are answered.
    pub(crate) done: usize,
    /// Those of them whose answers were published. Others stand in a column that the worker is
    /// still at.
    pub(super) published: usize,
    /// Failures among these that were not counted yet.
    pub(super) failed: u64,
}

impl Given {
    pub(super) fn new(seq: u32, chunk: Chunk) -> Self {
        Self { seq, chunk, done: 0, published: 0, failed: 0 }
    }

    /// The item whose turn it is.
    pub(super) fn next(&self) -> Item {
        Item { seq: self.seq, index: self.done as u32 }
    }

    /// How long its items may run; not at all if somebody has asked for their end.
    pub(super) fn limit(&self) -> Option<Duration> {
        let options = self.chunk.options();
        let is_wanted = !(options.killable && self.chunk.job().is_abandoned());
        if is_wanted { options.deadline } else { Some(Duration::ZERO) }
    }

    /// Takes in answers of the worker `pid`, up to one that is no plain value; returns how many.
    pub(super) fn take_in(
        &mut self,
        results: &mut Results<'_>,
        post: &Post,
        pid: u32,
        answers: &mut Answers<'_>,
    ) -> Result<u64, String> {
        let first = Item { seq: self.seq, index: self.published as u32 };
        if let Some(column) = results.column(first, self.chunk.count() - self.published)? {
            let known = self.done - self.published;
            if known > column.count() {
                return Err(format!("{} values, after {known} of them", column.count()));
            }
            self.published += column.count();
            return Ok(self.add(column.skip(known), pid, answers));
        }
        let (item, place) = (self.next(), self.chunk.first + self.done);
        let values = results.values(item, self.chunk.count() - self.done);
        if values.count() > 0 {
            let taken = self.add(values, pid, answers);
            self.published = self.done;
            return Ok(taken);
        }
        let answer = match results.next(item)? {
            None => return Ok(0),
            Some(ResultFrame::Ready) => return Err("a worker that is ready twice".into()),
            Some(ResultFrame::Item { status, spilled: false, bytes }) => {
                Answer::Encoded(status, Parcel::from_parts(bytes.to_vec(), Vec::new()), pid)
            }
            Some(ResultFrame::Item { status, .. }) => match worker::receive(post, item.tag()) {
                Ok(parcel) => Answer::Encoded(status, parcel, pid),
                Err(reason) => Answer::undecodable(reason),
            },
        };
        self.done += 1;
        self.published = self.done;
        self.failed += u64::from(answer.is_failure());
        answers.put(place, answer);
        Ok(1)
    }

    fn add(&mut self, values: Values<'_>, pid: u32, answers: &mut Answers<'_>) -> u64 {
        answers.put_values(self.chunk.first + self.done, values, pid);
        self.done += values.count();
        values.count() as u64
    }

    /// Takes in the values of the column that the worker is at, as far as they are written: up to
    /// the item `reached`, which has begun. `read` reads them; it does not if they were published.
    pub(super) fn take_draft(
        &mut self,
        reached: usize,
        mut read: impl FnMut(Range<usize>) -> Result<Option<Vec<u8>>, String>,
        pid: u32,
        answers: &mut Answers<'_>,
    ) -> Result<u64, String> {
        // The item that has begun has no value.
        let count = reached.min(self.chunk.count() - 1).saturating_sub(self.published);
        if self.published + count <= self.done {
            return Ok(0);
        }
        let Some(head) = read(0..COLUMN_HEADER)? else { return Ok(0) };
        let first = Item { seq: self.seq, index: self.published as u32 };
        let head = Head::parse(&head).map(|(head, _)| head).filter(|head| head.begins_with(first));
        let head = head.ok_or_else(|| format!("no values before item {reached}"))?;
        let end = COLUMN_HEADER.saturating_add(head.len.saturating_mul(count));
        let Some(values) = read(COLUMN_HEADER..end)? else { return Ok(0) };
        let known = self.done - self.published;
        Ok(self.add(Values::side_by_side(&values, head.len).skip(known), pid, answers))
    }
}
