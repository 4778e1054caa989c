//! A chunk that a worker was given, and how far it has answered for it.

use std::time::Duration;

use mp_handle::{Parcel, Post};

use crate::answer::Answer;
use crate::chunk::Chunk;
use crate::frames::{ResultFrame, Results};
use crate::job::Answers;
use crate::protocol::Item;
use crate::worker;

/// A chunk that a worker was given.
pub(crate) struct Given {
    pub(super) seq: u32,
    pub(crate) chunk: Chunk,
    /// Items that are answered.
    pub(crate) done: usize,
    /// Failures among these that were not counted yet.
    pub(super) failed: u64,
}

impl Given {
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
        let (item, place) = (self.next(), self.chunk.first + self.done);
        let values = results.values(item, self.chunk.count() - self.done);
        if values.count() > 0 {
            self.done += values.count();
            answers.put_values(place, values, pid);
            return Ok(values.count() as u64);
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
        self.failed += u64::from(answer.is_failure());
        answers.put(place, answer);
        Ok(1)
    }
}
