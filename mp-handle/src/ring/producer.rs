//! The side that pushes.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::{Draft, FRAME_HEADER, PushError, RingError, Shared};
use crate::deadline::Deadline;
use crate::region::Region;
use crate::signal::Waited;

/// How long to look whether somebody takes what was published, before waking the one who sleeps:
/// much less than a wake takes.
const SOON: Duration = Duration::from_micros(1);

/// The side of a ring that pushes frames.
///
/// A ring has one producer at a time. That is the caller's to see to: two at once spoil each
/// other's frames, and the consumer finds [`Corrupt`](super::Corrupt) ones. When a producer is
/// gone, killed or not, another may be attached and goes on where it stopped.
///
/// # Examples
///
/// ```
/// use mp_handle::{Consumer, Kind, Producer, Region, ring_size};
///
/// let region = Region::create(Kind::new(1000, "ring"), 0, ring_size(4096))?;
/// let mut producer = Producer::attach(&region, 0, 4096)?;
/// let mut consumer = Consumer::attach(&region, 0, 4096)?;
///
/// producer.try_push(&[b"one ", b"frame"])?;
/// producer.notify();
///
/// let mut frame = Vec::new();
/// assert!(consumer.try_pop(&mut frame)?);
/// assert_eq!(frame, b"one frame");
/// assert!(!consumer.try_pop(&mut frame)?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Producer {
    pub(super) shared: Shared,
    /// The index in shared memory follows this one, never the other way round.
    pub(super) tail: u64,
    /// The consumer's index when it was last read, checked.
    head: u64,
}

impl Producer {
    /// Attaches to the ring of `capacity` bytes at `offset` in the region.
    ///
    /// # Errors
    ///
    /// Fails if the ring would not be inside the region, `offset` is not a multiple of 64,
    /// `capacity` not a power of two from 64 bytes to 2 GiB, or the indices are corrupt.
    pub fn attach(region: &Region, offset: usize, capacity: usize) -> Result<Producer, RingError> {
        let shared = Shared::find(region, offset, capacity)?;
        let tail = shared.tail.load(Ordering::Acquire);
        let head = shared.head.load(Ordering::Acquire);
        shared.used(head, tail)?;
        Ok(Producer { shared, tail, head })
    }

    /// Returns the length of the longest frame: half the capacity less the frame's header, so that
    /// a frame never has to wait for an empty ring.
    #[must_use]
    pub fn max_frame(&self) -> usize {
        self.shared.capacity / 2 - FRAME_HEADER
    }

    /// Pushes one frame, the parts one after the other. Does not wake the consumer.
    ///
    /// # Errors
    ///
    /// Fails, and leaves the ring as it was, if there is no room, if the frame is longer than
    /// [`max_frame`](Self::max_frame), or if the consumer's index is corrupt.
    #[inline]
    pub fn try_push(&mut self, parts: &[&[u8]]) -> Result<(), PushError> {
        let len = parts.iter().fold(0_usize, |sum, part| sum.saturating_add(part.len()));
        if len > self.max_frame() {
            return Err(PushError::TooLarge { len, max: self.max_frame() });
        }
        if !self.has_room(len)? {
            return Err(PushError::Full);
        }
        // No longer than half a capacity of 2 GiB.
        let header = (len as u32).to_ne_bytes();
        self.shared.copy_in(self.tail, &header)?;
        let mut end = self.tail.wrapping_add(FRAME_HEADER as u64);
        for part in parts {
            self.shared.copy_in(end, part)?;
            end = end.wrapping_add(part.len() as u64);
        }
        self.tail = end;
        self.shared.tail.store(end, Ordering::Release);
        Ok(())
    }

    /// Begins a frame of up to `len` bytes, to be written piece by piece.
    ///
    /// # Errors
    ///
    /// As [`try_push`](Self::try_push).
    ///
    /// # Examples
    ///
    /// ```
    /// use mp_handle::{Consumer, Kind, Producer, Region, ring_size};
    ///
    /// let region = Region::create(Kind::new(1000, "ring"), 0, ring_size(4096))?;
    /// let mut producer = Producer::attach(&region, 0, 4096)?;
    /// let mut consumer = Consumer::attach(&region, 0, 4096)?;
    ///
    /// let mut draft = producer.draft(100)?;
    /// draft.write(b"one ")?;
    /// let mut bytes = Vec::new();
    /// assert!(!consumer.try_pop(&mut bytes)?, "it is no frame yet");
    /// assert!(consumer.read_draft(0..4, &mut bytes)?, "but it is there");
    /// assert_eq!(bytes, b"one ");
    ///
    /// draft.write(b"frame")?;
    /// draft.publish()?;
    /// assert!(!consumer.read_draft(0..4, &mut bytes)?, "now it is");
    /// bytes.clear();
    /// assert!(consumer.try_pop(&mut bytes)?);
    /// assert_eq!(bytes, b"one frame");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn draft(&mut self, len: usize) -> Result<Draft<'_>, PushError> {
        if len > self.max_frame() {
            return Err(PushError::TooLarge { len, max: self.max_frame() });
        }
        match self.has_room(len)? {
            true => Ok(Draft::new(self, len)),
            false => Err(PushError::Full),
        }
    }

    /// Pushes as many of the frames as there is room for, in order, and returns their number.
    /// Does not wake the consumer.
    ///
    /// # Errors
    ///
    /// Fails if a frame is longer than [`max_frame`](Self::max_frame) or the consumer's index is
    /// corrupt; the frames before that one are pushed.
    pub fn try_push_all(&mut self, frames: &[&[u8]]) -> Result<usize, PushError> {
        for (pushed, frame) in frames.iter().enumerate() {
            match self.try_push(&[frame]) {
                Err(PushError::Full) => return Ok(pushed),
                result => result?,
            }
        }
        Ok(frames.len())
    }

    /// Wakes the consumer if it sleeps; to be called after pushing, once for many frames.
    #[inline]
    pub fn notify(&self) {
        self.shared.data.notify();
    }

    /// Tells whether the consumer takes all that was published within about a microsecond: it does
    /// if it is looking. Does not wait for one that was last seen on the caller's processor.
    #[must_use]
    pub fn is_taken_soon(&self) -> bool {
        let is_taken = || self.shared.head.load(Ordering::Acquire) == self.tail;
        self.shared.space.spin(Deadline::after(SOON), is_taken)
    }

    /// Waits until a frame of `len` bytes has room, `alive` returns false, or the deadline comes.
    ///
    /// [`Waited::Ready`] is also the answer where waiting is in vain, because the frame is too
    /// long or the ring corrupt: the next push tells.
    pub fn wait_space(
        &mut self,
        len: usize,
        deadline: Deadline,
        alive: impl FnMut() -> bool,
    ) -> Waited {
        if len > self.max_frame() {
            return Waited::Ready;
        }
        let space = self.shared.space.clone();
        space.wait_until(deadline, || self.has_room(len).unwrap_or(true), alive)
    }

    /// Tells whether a frame of `len` bytes, at most `max_frame`, has room; reads the consumer's
    /// index again only if it has not by the copy.
    #[inline]
    fn has_room(&mut self, len: usize) -> Result<bool, RingError> {
        let limit = self.shared.capacity - FRAME_HEADER - len;
        if self.shared.used(self.head, self.tail)? <= limit {
            return Ok(true);
        }
        let head = self.shared.head.load(Ordering::Acquire);
        let used = self.shared.used(head, self.tail)?;
        self.head = head;
        Ok(used <= limit)
    }
}
