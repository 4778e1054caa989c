//! The side that pops.

use std::ops::Range;
use std::sync::atomic::Ordering;

use super::{Corrupt, FRAME_HEADER, RingError, Shared};
use crate::deadline::Deadline;
use crate::region::Region;
use crate::signal::Waited;

/// The side of a ring that pops frames.
///
/// A ring has one consumer at a time, and that is the caller's to see to: two at once may both get
/// a frame. When a consumer is gone, killed or not, another may be attached; it gets what the
/// first had not consumed.
///
/// # Examples
///
/// ```
/// use std::thread;
/// use mp_handle::{Consumer, Deadline, Frames, Kind, Producer, Region, Waited, ring_size};
///
/// let region = Region::create(Kind::new(1000, "ring"), 0, ring_size(4096))?;
/// let mut producer = Producer::attach(&region, 0, 4096)?;
/// let mut consumer = Consumer::attach(&region, 0, 4096)?;
///
/// let pushing = thread::spawn(move || {
///     producer.try_push_all(&[b"a", b"bc"])?;
///     producer.notify();
///     Ok::<(), mp_handle::PushError>(())
/// });
/// let mut frames = Vec::new();
/// while frames.len() < 2 {
///     let waited = consumer.wait(Deadline::NEVER, || true);
///     assert_eq!(waited, Waited::Ready);
///     let mut bytes = Vec::new();
///     consumer.drain(&mut bytes)?;
///     consumer.notify_space();
///     for frame in Frames::new(&bytes) {
///         frames.push(frame?.to_vec());
///     }
/// }
/// assert_eq!(frames, [b"a".to_vec(), b"bc".to_vec()]);
/// pushing.join().unwrap()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Consumer {
    shared: Shared,
    /// The index in shared memory follows this one, never the other way round.
    head: u64,
    /// The producer's index when it was last read, checked.
    tail: u64,
}

impl Consumer {
    /// Attaches to the ring of `capacity` bytes at `offset` in the region.
    ///
    /// # Errors
    ///
    /// Fails if the ring would not be inside the region, `offset` is not a multiple of 64,
    /// `capacity` not a power of two from 64 bytes to 2 GiB, or the indices are corrupt.
    pub fn attach(region: &Region, offset: usize, capacity: usize) -> Result<Consumer, RingError> {
        let shared = Shared::find(region, offset, capacity)?;
        let head = shared.head.load(Ordering::Acquire);
        let tail = shared.tail.load(Ordering::Acquire);
        shared.used(head, tail)?;
        Ok(Consumer { shared, head, tail })
    }

    /// Copies one frame to the end of `buf` and consumes it; returns false if there is none.
    /// Does not wake the producer.
    ///
    /// # Errors
    ///
    /// Fails, and consumes nothing, if the producer's index or the frame is corrupt.
    #[inline]
    pub fn try_pop(&mut self, buf: &mut Vec<u8>) -> Result<bool, RingError> {
        let mut published = self.shared.used(self.head, self.tail)?;
        if published == 0 {
            published = self.reload()?;
        }
        if published == 0 {
            return Ok(false);
        }
        let claimed = match published.checked_sub(FRAME_HEADER) {
            Some(_) => FRAME_HEADER + self.shared.frame_len(self.head)?,
            None => FRAME_HEADER,
        };
        if claimed > published {
            let (claimed, published) = (claimed as u64, published as u64);
            return Err(Corrupt::Frame { claimed, published }.into());
        }
        let payload = self.head.wrapping_add(FRAME_HEADER as u64);
        self.shared.copy_out(payload, claimed - FRAME_HEADER, buf)?;
        self.consume(claimed);
        Ok(true)
    }

    /// Copies all that is published, frame headers included, to the end of `out`, consumes it, and
    /// returns the number of bytes. [`Frames`](super::Frames) takes them apart.
    ///
    /// Cheaper than popping one by one: one or two copies and one store. Does not wake the
    /// producer.
    ///
    /// # Errors
    ///
    /// Fails, and consumes nothing, if the producer's index is corrupt.
    pub fn drain(&mut self, out: &mut Vec<u8>) -> Result<usize, RingError> {
        let published = self.reload()?;
        if published != 0 {
            self.shared.copy_out(self.head, published, out)?;
            self.consume(published);
        }
        Ok(published)
    }

    /// Copies some bytes of the frame that the producer is [writing](super::Draft) to the end of
    /// `out`; nothing, and returns false, if there is one that was published.
    ///
    /// That they are written is for the caller to know, by a word that the producer stores with
    /// `Release` when they are. Loaded before this is called, the word is about this draft: if the
    /// producer had gone on to another since, it would have published this one first.
    ///
    /// # Errors
    ///
    /// Fails, and copies nothing, if no frame could be as long.
    pub fn read_draft(&self, range: Range<usize>, out: &mut Vec<u8>) -> Result<bool, RingError> {
        let most = self.shared.capacity / 2 - FRAME_HEADER;
        if range.start > range.end || range.end > most {
            let (claimed, published) = (range.end as u64, most as u64);
            return Err(Corrupt::Frame { claimed, published }.into());
        }
        if !self.is_empty() {
            return Ok(false);
        }
        let start = self.head.wrapping_add((FRAME_HEADER + range.start) as u64);
        self.shared.copy_out(start, range.len(), out)?;
        Ok(true)
    }

    /// Tells whether nothing is published.
    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.shared.tail.load(Ordering::Acquire) == self.head
    }

    /// Waits until something is published, `alive` returns false, or the deadline comes.
    pub fn wait(&self, deadline: Deadline, alive: impl FnMut() -> bool) -> Waited {
        self.shared.data.wait_until(deadline, || !self.is_empty(), alive)
    }

    /// As [`wait`](Self::wait), for who may have nothing to do for long: looks around every
    /// [`REST`](crate::REST), after a first [`SLICE`](crate::SLICE), to cost an idle machine nothing.
    ///
    /// For who has no need of `alive` to learn soon that the producer has died.
    pub fn rest(&self, deadline: Deadline, alive: impl FnMut() -> bool) -> Waited {
        self.shared.data.rest_until(deadline, || !self.is_empty(), alive)
    }

    /// Wakes the producer if it sleeps for want of space; to be called after consuming, once for
    /// many frames.
    #[inline]
    pub fn notify_space(&self) {
        self.shared.space.notify();
    }

    /// Reads the producer's index again; returns how many bytes are published.
    #[inline]
    fn reload(&mut self) -> Result<usize, RingError> {
        let tail = self.shared.tail.load(Ordering::Acquire);
        let published = self.shared.used(self.head, tail)?;
        self.tail = tail;
        Ok(published)
    }

    #[inline]
    fn consume(&mut self, len: usize) {
        self.head = self.head.wrapping_add(len as u64);
        self.shared.head.store(self.head, Ordering::Release);
    }
}
