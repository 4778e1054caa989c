//! How the items of a call become chunks.

use std::ops::Range;
use std::sync::Arc;

use mp_handle::{CodecError, Parcel};
use serde::Serialize;

use crate::chunk::{Batch, BatchLengths, Call, Chunk, MAX_COUNT};

/// A chunk is closed when its items have as many bytes as this: so several of them fit a ring, and
/// large items are spread over the workers.
const MAX_BYTES: usize = 16 << 10;

/// A batch is closed when its items have as many bytes as this: many small chunks share one buffer,
/// and the workers begin with the first batch while the next is encoded.
const BATCH_BYTES: usize = 32 << 10;

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
        let chunk = |(first, range, bytes)| Chunk::new(&batch, first, range, bytes);
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
            Chunk::new(&batch, number * at_once + start, start..end, start * len..end * len)
        };
        (0..count).step_by(size).map(chunk).collect()
    })
}
