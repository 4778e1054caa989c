//! Tasks on their way to a worker.

use std::sync::Arc;
use std::time::Duration;

use mp_handle::{CodecError, Parcel};
use serde::Serialize;

use crate::job::Job;

/// The most items of a chunk.
pub(crate) const MAX_COUNT: usize = 4096;

/// A chunk is closed when its items have as many bytes as this: so many of them fit a ring, and
/// large items are spread over the workers.
const MAX_BYTES: usize = 16 << 10;

/// Some neighbouring items of one call, encoded.
#[derive(Debug)]
pub(crate) struct Chunk {
    pub(crate) job: Arc<Job>,
    /// The number of the function, as the engine counts them.
    pub(crate) function: u32,
    /// The place of the first item among those of the call.
    pub(crate) first: usize,
    /// The limit of each item.
    pub(crate) deadline: Option<Duration>,
    /// How often a lost item is given to another worker.
    pub(crate) retries: u32,
    /// The lengths of the items, as `u32`.
    table: Vec<u8>,
    items: Parcel,
}

impl Chunk {
    /// A chunk of the same call that begins at item `first`, still empty.
    pub(crate) fn new(
        job: Arc<Job>,
        function: u32,
        first: usize,
        deadline: Option<Duration>,
        retries: u32,
    ) -> Self {
        let (table, items) = (Vec::new(), Parcel::new());
        Self { job, function, first, deadline, retries, table, items }
    }

    pub(crate) fn count(&self) -> usize {
        self.table.len() / 4
    }

    pub(crate) fn is_full(&self) -> bool {
        self.count() >= MAX_COUNT || self.items.bytes().len() >= MAX_BYTES
    }

    /// Adds an item.
    pub(crate) fn push<A: Serialize>(&mut self, item: &A) -> Result<(), CodecError> {
        let range = self.items.push(item)?;
        let len = u32::try_from(range.len()).map_err(serde::ser::Error::custom)?;
        self.table.extend_from_slice(&len.to_ne_bytes());
        Ok(())
    }

    pub(crate) fn table(&self) -> &[u8] {
        &self.table
    }

    pub(crate) fn items(&self) -> &Parcel {
        &self.items
    }

    /// Some of the items, as a chunk of their own.
    pub(crate) fn part(&self, items: std::ops::Range<usize>) -> Self {
        let table = &self.table[4 * items.start..4 * items.end];
        let start = lengths(&self.table[..4 * items.start]).sum();
        let end = lengths(table).fold(start, |sum: usize, len| sum + len);
        let bytes = self.items.bytes()[start..end].to_vec();
        Self {
            job: Arc::clone(&self.job),
            first: self.first + items.start,
            table: table.to_vec(),
            items: Parcel::from_parts(bytes, self.items.descriptors().to_vec()),
            ..*self
        }
    }
}

/// The lengths that a table has.
pub(crate) fn lengths(table: &[u8]) -> impl Iterator<Item = usize> + '_ {
    table.chunks_exact(4).map(|len| u32::from_ne_bytes([len[0], len[1], len[2], len[3]]) as usize)
}
