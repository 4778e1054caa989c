//! How a worker gets chunks, and what they name: functions and shared values.

use std::io::{self, ErrorKind};
use std::sync::Arc;

use mp_handle::{Deadline, PushError, Waited};

use crate::chunk::Chunk;
use crate::context::Context;
use crate::engine::worker::Worker;
use crate::orders::{ChunkHeader, TASK_HEADER, TaskFrame};
use crate::protocol;

/// Why a chunk could not be given to a worker.
pub(crate) enum Refused {
    /// There is no room at the moment, or the worker has just died.
    Full,
    /// It cannot be sent at all.
    Never(String),
    /// The worker has spoilt its ring.
    Spoilt,
}

impl Worker {
    /// Gives it a chunk, which the caller then hands over by [`note`](Self::note). `functions` are
    /// those that chunks number, encoded.
    pub(crate) fn give(&mut self, chunk: &Chunk, functions: &[Vec<u8>]) -> Result<(), Refused> {
        let number = chunk.call().function;
        if !self.functions.contains(&number) {
            let function = functions[number as usize].as_slice();
            let header = TaskFrame::Function { number, bytes: function }.header();
            self.tasks.try_push(&[&header, function])?;
            self.functions.insert(number);
        }
        if let Some(context) = &chunk.call().context {
            self.share(context)?;
        }
        let seq = self.next_seq;
        let ((each, table), bytes) = (chunk.item_lengths().to_wire(), chunk.bytes());
        let len = TASK_HEADER + table.len() + bytes.len();
        let spilled = len > self.tasks.max_frame() || chunk.has_descriptors();
        let bytes = if spilled { &[][..] } else { bytes };
        if spilled {
            // Without their frame, the items would be taken for those of the next chunk.
            self.make_sure_of_space(TASK_HEADER + table.len())?;
            let sent = chunk.with_parcel(|items| self.post.send(u64::from(seq), items));
            sent.map_err(|error| self.refused(&error))?;
        }
        let (context, limits) = (chunk.call().context_number(), chunk.call().limits());
        let is_guarded = chunk.options().killable;
        let (function, count) = (number, chunk.count() as u32);
        let header =
            ChunkHeader { seq, function, count, each, context, spilled, is_guarded, limits };
        let frame = TaskFrame::Chunk { header, table, bytes };
        self.tasks.try_push(&[&frame.header(), table, bytes])?;
        Ok(())
    }

    /// Gives it a shared value, if it does not have it yet.
    fn share(&mut self, context: &Arc<Context>) -> Result<(), Refused> {
        let Context { number, head, parcel, .. } = &**context;
        let (number, head) = (*number, *head);
        if self.contexts.iter().any(|(known, _)| *known == number) {
            return Ok(());
        }
        let spilled = TASK_HEADER + parcel.bytes().len() > self.tasks.max_frame() / 4
            || !parcel.descriptors().is_empty();
        let bytes = if spilled { &[][..] } else { parcel.bytes() };
        self.make_sure_of_space(TASK_HEADER + bytes.len())?;
        if spilled {
            let sent = self.post.send(protocol::context_tag(number), parcel);
            sent.map_err(|error| self.refused(&error))?;
        }
        let frame = TaskFrame::Context { number, head, spilled, bytes };
        self.tasks.try_push(&[&frame.header(), bytes])?;
        self.contexts.push((number, Arc::downgrade(context)));
        Ok(())
    }

    /// Has it drop the shared values that no call needs any more.
    pub(crate) fn forget_contexts(&mut self) {
        let tasks = &mut self.tasks;
        self.contexts.retain(|(number, context)| {
            let forget = TaskFrame::Forget { number: *number };
            let done = context.strong_count() == 0 && tasks.try_push(&[&forget.header()]).is_ok();
            if done {
                tasks.notify();
            }
            !done
        });
    }

    fn make_sure_of_space(&mut self, len: usize) -> Result<(), Refused> {
        match self.tasks.wait_space(len, Deadline::now(), || true) {
            Waited::Ready => Ok(()),
            _ => Err(Refused::Full),
        }
    }

    /// What it means that the post did not take a chunk.
    fn refused(&self, error: &io::Error) -> Refused {
        match error.kind() {
            ErrorKind::WouldBlock => Refused::Full,
            // Of a worker that is gone the driver hears in a moment. One that has nothing to do
            // lives: its last task has closed whatever it found.
            ErrorKind::BrokenPipe if self.given.is_empty() => Refused::Spoilt,
            ErrorKind::BrokenPipe => Refused::Full,
            // Memory or descriptors: there may be more when something has ended.
            _ if !self.given.is_empty() => Refused::Full,
            _ => Refused::Never(error.to_string()),
        }
    }
}

impl From<PushError> for Refused {
    fn from(error: PushError) -> Self {
        match error {
            PushError::Full => Self::Full,
            _ => Self::Spoilt,
        }
    }
}
