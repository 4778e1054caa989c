//! Tasks on their way to a worker.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use mp_handle::{CodecError, Descriptor, Parcel};
use serde::Serialize;

use crate::answer::Answer;
use crate::context::{Context, NO_CONTEXT};
use crate::job::Job;
use crate::options::Options;
use crate::orders::Limits;
use crate::run::Routine;
use crate::task_error::TaskError;
use crate::travel::Lengths;

/// The most items of a chunk.
pub(crate) const MAX_COUNT: usize = 4096;

/// A chunk is closed when its items have as many bytes as this: so several of them fit a ring, and
/// large items are spread over the workers.
const MAX_BYTES: usize = 16 << 10;

/// A batch is closed when its items have as many bytes as this: many small chunks share one buffer,
/// and the workers begin with the first batch while the next is encoded.
const BATCH_BYTES: usize = 32 << 10;

/// What the items of one call have in common.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) job: Arc<Job>,
    pub(crate) routine: Routine,
    /// What the executor gave for the routine when it let the call in.
    pub(crate) function: u32,
    /// The value that its tasks share.
    pub(crate) context: Option<Arc<Context>>,
    pub(crate) options: Options,
}

impl Call {
    /// The number of the value that its tasks share.
    pub(crate) fn context_number(&self) -> u32 {
        self.context.as_ref().map_or(NO_CONTEXT, |context| context.number)
    }

    pub(crate) fn limits(&self) -> Limits {
        // What takes no time at all would be no limit.
        let nanos = |limit: Duration| u64::try_from(limit.as_nanos()).unwrap_or(u64::MAX).max(1);
        Limits {
            soft: self.options.soft_deadline.map_or(0, |soft| nanos(soft.limit)),
            hard: self.options.deadline.map_or(0, nanos),
        }
    }
}

/// The encoded items of some neighbouring chunks.
#[derive(Debug)]
struct Batch {
    call: Call,
    lengths: BatchLengths,
    items: Parcel,
}

#[derive(Debug)]
enum BatchLengths {
    /// That of each item.
    Each(usize),
    /// Those of the items, as `u32`.
    Table(Vec<u8>),
}

/// Some neighbouring items of one call, encoded: what an [`Executor`](crate::Executor) is given.
///
/// Each item is to have one answer: by [`Job::put`], or for all of them by [`fail`](Self::fail).
#[derive(Debug)]
pub struct Chunk {
    batch: Arc<Batch>,
    /// The place of the first item among those of the call.
    pub(crate) first: usize,
    /// How often a lost item may still be given to another worker.
    pub(crate) retries: u32,
    /// Which items of the batch they are, and where their bytes are.
    range: Range<usize>,
    bytes: Range<usize>,
}

impl Chunk {
    pub(crate) fn call(&self) -> &Call {
        &self.batch.call
    }

    /// The call that the items belong to, where their answers come together.
    #[must_use]
    pub fn job(&self) -> &Arc<Job> {
        &self.call().job
    }

    /// What is to be called for each item.
    #[must_use]
    pub fn routine(&self) -> Routine {
        self.call().routine
    }

    /// How it is to be called.
    #[must_use]
    pub fn options(&self) -> &Options {
        &self.call().options
    }

    /// The places of the items among those of the call.
    #[must_use]
    pub fn places(&self) -> Range<usize> {
        self.first..self.first + self.count()
    }

    pub(crate) fn count(&self) -> usize {
        self.range.len()
    }

    /// The lengths of the items, as `u32`.
    #[must_use]
    pub fn table(&self) -> Cow<'_, [u8]> {
        match self.item_lengths() {
            Lengths::Table(table) => table.into(),
            Lengths::Each { len, count } => (len as u32).to_ne_bytes().repeat(count).into(),
        }
    }

    pub(crate) fn item_lengths(&self) -> Lengths<'_> {
        match &self.batch.lengths {
            BatchLengths::Each(len) => Lengths::Each { len: *len, count: self.count() },
            BatchLengths::Table(table) => Lengths::Table(table).part(self.range.clone()),
        }
    }

    /// The length of each item among the [bytes](Self::bytes).
    pub fn lengths(&self) -> impl Iterator<Item = usize> + '_ {
        self.item_lengths().iter()
    }

    /// The bytes of the items, one behind the other.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.batch.items.bytes()[self.bytes.clone()]
    }

    /// The descriptors of the handles among the items, which their bytes refer to.
    #[must_use]
    pub fn descriptors(&self) -> &[Descriptor] {
        self.batch.items.descriptors()
    }

    /// The value that the tasks share.
    #[must_use]
    pub fn context(&self) -> Option<&Arc<Context>> {
        self.call().context.as_ref()
    }

    /// A chunk of items that were encoded elsewhere: their lengths, as `u32`, and their bytes.
    pub(crate) fn relayed(call: Call, table: Vec<u8>, items: Parcel) -> Self {
        let (count, bytes) = (table.len() / 4, items.bytes().len());
        let retries = call.options.retries;
        let lengths = match Lengths::Table(&table).same() {
            Some(len) => BatchLengths::Each(len),
            None => BatchLengths::Table(table),
        };
        let batch = Arc::new(Batch { call, lengths, items });
        Self { batch, first: 0, retries, range: 0..count, bytes: 0..bytes }
    }

    /// Whether there are descriptors among the items.
    pub(crate) fn has_descriptors(&self) -> bool {
        !self.descriptors().is_empty()
    }

    /// Answers for all items.
    pub fn fail(&self, error: &TaskError) {
        self.fail_from(0, error);
    }

    /// Answers for the items from the one at `from`, unless they were withdrawn.
    pub(crate) fn fail_from(&self, from: usize, error: &TaskError) {
        if self.job().is_decided(false) {
            return;
        }
        let mut answers = self.job().answers();
        for place in self.first + from..self.first + self.count() {
            answers.put(place, Answer::Failed(error.clone()));
        }
    }

    /// Lends the items as a parcel of their own to `send`.
    pub(crate) fn with_parcel<R>(&self, send: impl FnOnce(&Parcel) -> R) -> R {
        let items = &self.batch.items;
        if self.bytes.len() == items.bytes().len() {
            return send(items);
        }
        send(&Parcel::from_parts(self.bytes().to_vec(), items.descriptors().to_vec()))
    }

    /// Some of the items, as a chunk of their own.
    pub(crate) fn part(&self, items: Range<usize>) -> Self {
        let len = |items: Range<usize>| self.item_lengths().part(items).sum();
        let start = self.bytes.start + len(0..items.start);
        Self {
            batch: Arc::clone(&self.batch),
            first: self.first + items.start,
            retries: self.retries,
            bytes: start..start + len(items.clone()),
            range: self.range.start + items.start..self.range.start + items.end,
        }
    }
}

/// Encodes the items of a call, and cuts them into chunks.
pub(crate) struct Packer {
    call: Call,
    /// The most items of a chunk.
    size: usize,
    table: Vec<u8>,
    items: Parcel,
    /// The chunks of the batch so far: the place of the first item of each, and its ranges.
    cuts: Vec<(usize, Range<usize>, Range<usize>)>,
}

impl Packer {
    pub(crate) fn new(call: Call, size: usize) -> Self {
        let size = size.clamp(1, MAX_COUNT);
        Self { call, size, table: Vec::new(), items: Parcel::new(), cuts: Vec::new() }
    }

    /// Adds the item that is at `place` among those of the call.
    #[inline]
    pub(crate) fn push<A: Serialize>(&mut self, place: usize, item: &A) -> Result<(), CodecError> {
        let bytes = self.items.push(item)?;
        let len = u32::try_from(bytes.len()).map_err(serde::ser::Error::custom)?;
        let at = self.table.len() / 4;
        self.table.extend_from_slice(&len.to_ne_bytes());
        match self.cuts.last_mut() {
            // An item in between that could not be encoded parts chunks.
            Some((first, items, all))
                if items.len() < self.size
                    && all.len() < MAX_BYTES
                    && *first + items.len() == place =>
            {
                items.end += 1;
                all.end = bytes.end;
            }
            _ => self.cuts.push((place, at..at + 1, bytes)),
        }
        Ok(())
    }

    /// Whether the batch is large enough to be given out. Chunks whose items have descriptors do
    /// not share one: each would carry those of all.
    #[inline]
    pub(crate) fn is_full(&self) -> bool {
        if self.items.bytes().len() < BATCH_BYTES && self.items.descriptors().is_empty() {
            return false;
        }
        let last = self.cuts.last();
        last.is_some_and(|(_, items, bytes)| items.len() >= self.size || bytes.len() >= MAX_BYTES)
    }

    /// Gives the chunks so far, and begins a new batch.
    pub(crate) fn take(&mut self) -> Vec<Chunk> {
        let batch = Arc::new(Batch {
            call: self.call.clone(),
            lengths: BatchLengths::Table(std::mem::take(&mut self.table)),
            items: std::mem::replace(&mut self.items, Parcel::new()),
        });
        let chunk = |(first, range, bytes)| Chunk {
            batch: Arc::clone(&batch),
            first,
            retries: batch.call.options.retries,
            range,
            bytes,
        };
        self.cuts.drain(..).map(chunk).collect()
    }
}

/// Cuts the items of a call that have `len` bytes each into chunks of up to `size`; each time
/// gives those of one batch.
pub(crate) fn cut(
    call: &Call,
    size: usize,
    items: &[u8],
    len: usize,
) -> impl Iterator<Item = Vec<Chunk>> {
    let size = size.clamp(1, MAX_COUNT).min(MAX_BYTES.div_ceil(len));
    let at_once = size * (BATCH_BYTES / (size * len)).max(1);
    items.chunks(at_once * len).enumerate().map(move |(number, bytes)| {
        let items = Parcel::from_parts(bytes.to_vec(), Vec::new());
        let batch = Batch { call: call.clone(), lengths: BatchLengths::Each(len), items };
        let (batch, count) = (Arc::new(batch), bytes.len() / len);
        let chunk = |start: usize| {
            let end = count.min(start + size);
            Chunk {
                batch: Arc::clone(&batch),
                first: number * at_once + start,
                retries: batch.call.options.retries,
                range: start..end,
                bytes: start * len..end * len,
            }
        };
        (0..count).step_by(size).map(chunk).collect()
    })
}
