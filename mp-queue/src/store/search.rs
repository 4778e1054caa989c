//! Where a producer finds room, and when the limits allow it to take it.
//!
//! It first goes by what producers last knew of the consumers, which can only have become better:
//! to look at the words of the other side takes their line away from who writes them.

use std::sync::atomic::Ordering::{Acquire, Relaxed};

use super::Limits;
use super::error::{Corrupt, Refusal};
use super::frame::frame_size;
use super::place::{Mark, Place};
use super::produce::Producing;
use super::room::{self, InUse};

/// How often a producer that is in a larger segment than it needs looks whether the store is empty,
/// in messages.
const LOOK_BACK: u32 = 64;

/// More messages than this at a time are refused, so that their number says whether it makes sense.
const MESSAGES_MAX: u32 = 1 << 31;

/// Looks at the other side's two words until they agree.
const LOOKS: u32 = 100;

impl<'a> Producing<'a> {
    /// Finds a place for a message of `bytes` bytes whose frame has a body of `len`, and makes it
    /// ready to be written.
    #[inline(always)]
    pub(super) fn find(&mut self, bytes: usize, len: usize) -> Result<Option<Place>, Refusal> {
        if !self.is_admitted(bytes)? {
            return Ok(None);
        }
        let size = frame_size(len);
        let tail = self.tail.place;
        let is_time = self.tail.number.is_multiple_of(LOOK_BACK);
        if tail.segment == 0 || !is_time {
            let reserved = self.reserved(tail.segment);
            let place = room::beside(tail, self.head.place, size, reserved);
            if place.is_some() {
                return Ok(place);
            }
        }
        self.find_anew(size)
    }

    /// Looks where the head is now, and finds a place with that; in memory that is there already
    /// if possible, for what is used again and again stays in the processor's cache.
    #[cold]
    fn find_anew(&mut self, size: usize) -> Result<Option<Place>, Refusal> {
        self.look()?;
        let (tail, head, lens) = (self.tail.place, self.head.place, self.lens());
        let back = if self.is_empty() { room::back(tail, size, lens) } else { None };
        let beside = |len: usize| room::beside(tail, head, size, len);
        let here = || beside(self.reserved(tail.segment)).or_else(|| beside(lens[tail.segment]));
        let place = match back.or_else(here) {
            None if self.is_reluctant && tail.segment == head.segment => return Ok(None),
            None => self.find_elsewhere(size)?,
            found => found,
        };
        if let Some(place) = place {
            let store = self.store;
            store.segments.reserve(&store.region, &store.control.segments, place, size)?;
        }
        Ok(place)
    }

    fn find_elsewhere(&self, size: usize) -> Result<Option<Place>, Refusal> {
        let (tail, lens) = (self.tail.place, self.lens());
        let used = self.in_use()?;
        Ok(room::elsewhere(tail, size, used, lens))
    }

    fn in_use(&self) -> Result<InUse, Corrupt> {
        let previous = &self.store.control.segments.previous;
        let previous = |segment: usize| previous[segment].load(Relaxed) as usize;
        InUse::walk(self.tail.place, self.head.place, self.lens().len(), previous)
    }

    /// Returns how much of a segment has its pages.
    #[inline]
    fn reserved(&self, segment: usize) -> usize {
        let reserved = self.store.control.segments.reserved[segment].load(Relaxed);
        self.lens()[segment].min(reserved as usize)
    }

    /// Tells whether nothing is left in a segment, and the next frame does not go there either.
    pub(super) fn is_unused(&mut self, segment: usize) -> bool {
        self.look().is_ok() && self.in_use().is_ok_and(|used| !used.contains(segment))
    }

    fn lens(&self) -> &'a [usize] {
        self.store.segments.lens()
    }

    /// Tells whether the limits leave room for one more message.
    #[inline]
    fn is_admitted(&mut self, len: usize) -> Result<bool, Refusal> {
        Ok(self.is_within_limits(len) || {
            self.look()?;
            self.is_within_limits(len)
        })
    }

    #[inline]
    fn is_within_limits(&self, len: usize) -> bool {
        let Limits { messages, bytes } = self.store.limits;
        if self.tail.since(self.head) >= messages {
            return false;
        }
        let used = self.bytes.wrapping_sub(self.taken);
        // One that exceeds the limit by itself goes when it is alone: else it never would.
        bytes == u64::MAX || used.saturating_add(len as u64) <= bytes || self.is_empty()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.tail.number == self.head.number
    }

    /// Looks where the consumers are now, and leaves word of it to the next producers.
    ///
    /// Should this one be killed between its stores, each word is still one that was true.
    #[cold]
    pub(super) fn look(&mut self) -> Result<(), Refusal> {
        let (bits, taken) = self.look_at_consumers();
        let head = Mark::from_bits(bits);
        self.store.segments.check(head.place)?;
        if self.tail.since(head) > MESSAGES_MAX {
            return Err(Corrupt::count(self.tail.number, head.number).into());
        }
        self.head = head;
        self.taken = taken;
        let words = &self.store.control.producers;
        words.head.store(bits, Relaxed);
        words.taken.store(taken, Relaxed);
        Ok(())
    }

    /// Returns the head, and the bytes of all messages before it if it matters.
    fn look_at_consumers(&self) -> (u64, u64) {
        let control = &self.store.control;
        let mut bits = control.head.load(Acquire);
        let mut taken = 0;
        if self.store.limits.bytes == u64::MAX {
            return (bits, taken);
        }
        for _ in 0..LOOKS {
            let number = Mark::from_bits(bits).number;
            taken = control.consumers.bytes[(number & 1) as usize].load(Acquire);
            let again = control.head.load(Acquire);
            if again == bits {
                break;
            }
            bits = again;
        }
        (bits, taken)
    }
}
