//! Tasks on their way to a worker.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use mp_handle::{Descriptor, Parcel};

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

/// What the items of one call have in common.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) job: Arc<Job>,
    pub(crate) routine: Routine,
    pub(crate) name: &'static str,
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
pub(crate) struct Batch {
    pub(crate) call: Call,
    pub(crate) lengths: BatchLengths,
    pub(crate) items: Parcel,
}

/// How long the items of a batch are.
#[derive(Debug)]
pub(crate) enum BatchLengths {
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
    /// Some items of a batch, whose bytes are at `bytes` there; the first is at the place `first`
    /// among those of the call.
    pub(crate) fn new(
        batch: &Arc<Batch>,
        first: usize,
        range: Range<usize>,
        bytes: Range<usize>,
    ) -> Self {
        let retries = batch.call.options.retries;
        Self { batch: Arc::clone(batch), first, retries, range, bytes }
    }

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

    /// What that function is called, for messages.
    #[must_use]
    pub fn function_name(&self) -> &'static str {
        self.call().name
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
        let lengths = match Lengths::Table(&table).same() {
            Some(len) => BatchLengths::Each(len),
            None => BatchLengths::Table(table),
        };
        Self::new(&Arc::new(Batch { call, lengths, items }), 0, 0..count, 0..bytes)
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
