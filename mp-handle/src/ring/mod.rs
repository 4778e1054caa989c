//! The byte ring: frames from one producer to one consumer, in shared memory.
//!
//! ```text
//! offset  0      128    256     384     512                     512 + capacity
//!         | tail | head | data  | space | bytes ...                   |
//!
//! bytes:  ... | length u32 | payload | length u32 | payload | ...    (wraps anywhere)
//!             ^ head                                         ^ tail
//! ```
//!
//! `tail` counts the bytes ever published and is written by the [`Producer`] alone, `head` those
//! consumed, by the [`Consumer`] alone; the byte numbered `n` lies at `n % capacity`. `data` is the
//! [`Signal`] where the consumer sleeps, `space` where the producer does. Each word has 128 bytes
//! to itself, since processors fetch lines in pairs. Fresh memory, all zero, is an empty ring.
//!
//! # What holds
//!
//! 1. `head <= tail <= head + capacity`, and between them lie whole frames.
//! 2. A frame is published by one store to `tail`, after all its bytes are written: `Release`,
//!    read with `Acquire`. A producer killed before it leaves nothing, after it a whole frame.
//! 3. A frame is consumed by one store to `head`, after all its bytes were copied out: `Release`
//!    too, so that the producer, which reads it with `Acquire`, writes over them only then. A
//!    consumer killed before it leaves the frame to whoever attaches next.
//!    To attach is to read both indices with `Acquire`, so what the last process on this side did
//!    is passed on with them.
//! 4. Each side believes its own index only from private memory, and keeps a copy of the other's,
//!    which it reads again when the ring seems full, or empty. So in a stream most operations
//!    touch no line that the other side writes.
//! 5. What the other side wrote is copied out once and checked against 1; what does not fit is
//!    [`Corrupt`]. All bytes are copied through the region, which checks bounds once more.
//!
//! A frame may be written piece by piece, as a [`Draft`], behind `tail`. By the words above it is
//! not there; who knows by others how much of it is written can read it all the same, for the
//! producer writes nothing else there until it has published this.
//!
//! Publishing is cheap and waking is not, so they are separate calls: push as much as there is,
//! then [`notify`](Producer::notify) once.

mod consumer;
mod draft;
mod error;
mod frames;
mod producer;

use std::sync::atomic::AtomicU64;

pub use consumer::Consumer;
pub use draft::Draft;
pub use error::{Corrupt, PushError, RingError};
pub use frames::Frames;
pub use producer::Producer;

use crate::region::{Region, View};
use crate::signal::Signal;

/// Where the parts lie, from the ring's offset.
const TAIL: usize = 0;
const HEAD: usize = 128;
const DATA: usize = 256;
const SPACE: usize = 384;
const BYTES: usize = 512;

/// The length in front of each frame.
const FRAME_HEADER: usize = size_of::<u32>();

const MIN_CAPACITY: usize = 64;
/// A frame's length must fit its header.
const MAX_CAPACITY: usize = 1 << 31;

/// Returns the bytes that a ring of `capacity` takes in its region.
#[must_use]
pub const fn ring_size(capacity: usize) -> usize {
    BYTES.saturating_add(capacity)
}

/// What both sides have in common: the shared parts, found and checked.
#[derive(Debug)]
struct Shared {
    tail: View<AtomicU64>,
    head: View<AtomicU64>,
    data: Signal,
    space: Signal,
    region: Region,
    /// Where the bytes begin in the region; `capacity` of them are inside.
    start: usize,
    /// A power of two.
    capacity: usize,
}

impl Shared {
    fn find(region: &Region, offset: usize, capacity: usize) -> Result<Shared, RingError> {
        if !capacity.is_power_of_two() || !(MIN_CAPACITY..=MAX_CAPACITY).contains(&capacity) {
            return Err(RingError::Capacity(capacity));
        }
        let at = |part: usize| offset.saturating_add(part);
        region.check(at(BYTES), capacity)?;
        Ok(Shared {
            tail: View::new(region, at(TAIL))?,
            head: View::new(region, at(HEAD))?,
            data: Signal::at(region, at(DATA))?,
            space: Signal::at(region, at(SPACE))?,
            region: region.clone(),
            start: at(BYTES),
            capacity,
        })
    }

    /// Returns the bytes between the indices; whichever was read from shared memory is checked.
    #[inline]
    fn used(&self, head: u64, tail: u64) -> Result<usize, Corrupt> {
        let capacity = self.capacity as u64;
        let used = tail.wrapping_sub(head);
        if used > capacity {
            return Err(Corrupt::Indices { head, tail, capacity });
        }
        Ok(used as usize)
    }

    /// Returns where byte number `index` lies in the region, and how many follow before the wrap.
    #[inline]
    fn place(&self, index: u64) -> (usize, usize) {
        let position = index as usize & (self.capacity - 1);
        (self.start + position, self.capacity - position)
    }

    /// Copies `bytes`, at most a capacity of them, to the ring from byte number `index` on.
    #[inline]
    fn copy_in(&self, index: u64, bytes: &[u8]) -> Result<(), RingError> {
        let (place, contiguous) = self.place(index);
        if bytes.len() <= contiguous {
            return Ok(self.region.write(place, bytes)?);
        }
        let (first, rest) = bytes.split_at(contiguous);
        self.region.write(place, first)?;
        Ok(self.region.write(self.start, rest)?)
    }

    /// Copies `len` bytes, at most a capacity of them, from byte number `index` on to `out`'s end.
    #[inline]
    fn copy_out(&self, index: u64, len: usize, out: &mut Vec<u8>) -> Result<(), RingError> {
        let (place, contiguous) = self.place(index);
        if len <= contiguous {
            return Ok(self.region.read_to(place, len, out)?);
        }
        self.region.read_to(place, contiguous, out)?;
        Ok(self.region.read_to(self.start, len - contiguous, out)?)
    }

    /// Copies the frame header at byte number `index` out.
    #[inline]
    fn frame_len(&self, index: u64) -> Result<usize, RingError> {
        let (place, contiguous) = self.place(index);
        let mut header = [0; FRAME_HEADER];
        if FRAME_HEADER <= contiguous {
            self.region.read(place, &mut header)?;
        } else {
            let (first, rest) = header.split_at_mut(contiguous);
            self.region.read(place, first)?;
            self.region.read(self.start, rest)?;
        }
        Ok(u32::from_ne_bytes(header) as usize)
    }
}
