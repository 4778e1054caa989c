//! The side that puts.

use std::io;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};

use mp_handle::{Deadline, Parcel, Post, RegionError, Window};
use mp_sync::LockGuard;
use rustix::io::Errno;

use super::Store;
use super::error::{Corrupt, Refusal};
use super::frame::{HEADER, Header, Kind, Message, TAG, frame_size};
use super::place::{Mark, Place};
use super::put::cannot_send;
use super::room::{self, InUse};
use super::segments::header_word;

/// How often a producer that is in a larger segment than it needs looks whether the store is empty,
/// in messages.
const LOOK_BACK: u32 = 64;

/// More messages than this at a time are refused, so that their number says whether it makes sense.
const MESSAGES_MAX: u32 = 1 << 31;

/// Looks at the other side's two words until they agree.
const LOOKS: u32 = 100;

/// The holder of the producers' lock.
pub(super) struct Producing<'a> {
    store: &'a Store,
    /// As published.
    pub(super) tail: Mark,
    /// Where the consumers were when we last looked; they may be further.
    pub(super) head: Mark,
    /// Of all messages before the tail.
    bytes: u64,
    /// Whether to leave it to the caller to wait a moment before another segment is begun.
    pub(super) is_reluctant: bool,
    _guard: LockGuard<'a>,
}

/// How a frame is to be written.
#[derive(Clone, Copy)]
struct Plan {
    kind: Kind,
    /// The length of the body.
    len: usize,
    /// The tag in front of it, if something was posted.
    tag: Option<u64>,
}

impl Store {
    /// Becomes the one producer.
    #[inline]
    pub(super) fn produce(&self, deadline: Option<Deadline>) -> Result<Producing<'_>, Refusal> {
        let guard = self.lock_producers(deadline)?;
        let words = &self.control.producers;
        let tail = Mark::from_bits(self.control.tail.load(Relaxed));
        let head = Mark::from_bits(words.head.load(Relaxed));
        self.segments.check(tail.place)?;
        self.segments.check(head.place)?;
        let bytes = words.bytes[(tail.number & 1) as usize].load(Relaxed);
        Ok(Producing { store: self, tail, head, bytes, is_reluctant: false, _guard: guard })
    }
}

impl<'a> Producing<'a> {
    /// Puts a message; `None` if there is no room at present. Then the head is told that must move
    /// on before there is some.
    #[inline]
    pub(super) fn push(
        &mut self,
        message: &Message<'_>,
        outbox: &Post,
    ) -> Result<Result<(), Mark>, Refusal> {
        let Message { content, bytes, descriptors } = *message;
        let largest = self.store.largest();
        if !descriptors.is_empty() || frame_size(bytes.len()) > largest {
            return self.push_posted(message, outbox);
        }
        let plan = Plan { kind: Kind::Whole(content), len: bytes.len(), tag: None };
        let Some(place) = self.find(bytes.len(), plan.len)? else { return Ok(Err(self.head)) };
        self.write(place, plan, bytes)?;
        self.publish(place, plan.len, bytes.len())?;
        Ok(Ok(()))
    }

    /// Puts a message with something in it that must go through the socket.
    #[cold]
    fn push_posted(
        &mut self,
        message: &Message<'_>,
        outbox: &Post,
    ) -> Result<Result<(), Mark>, Refusal> {
        let Message { content, bytes, descriptors } = *message;
        let mut plan = Plan { kind: Kind::Attached(content), len: TAG + bytes.len(), tag: None };
        let mut body = bytes;
        let mut parcel = Parcel::from_parts(Vec::new(), descriptors.to_vec());
        if frame_size(plan.len) > self.store.largest() {
            plan = Plan { kind: Kind::Posted(content), len: TAG, tag: None };
            body = &[];
            parcel.push_bytes(bytes);
        }
        // What does not fit the store rides in one more.
        let is_posted = usize::from(matches!(plan.kind, Kind::Posted(_)));
        if descriptors.len() + is_posted > Post::MAX_DESCRIPTORS {
            return Err(Refusal::TooManyDescriptors(Errno::TOOMANYREFS.into()));
        }
        let Some(place) = self.find(bytes.len(), plan.len)? else { return Ok(Err(self.head)) };
        let tag = self.store.control.producers.packets.fetch_add(1, Relaxed).wrapping_add(1);
        match outbox.send(tag, &parcel) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.look()?;
                if self.is_empty() {
                    self.store.control.polled.is_clogged.store(1, SeqCst);
                }
                return Ok(Err(self.head));
            }
            sent => sent.map_err(cannot_send)?,
        }
        plan.tag = Some(tag);
        self.write(place, plan, body)?;
        self.publish(place, plan.len, bytes.len())?;
        Ok(Ok(()))
    }

    /// Finds a place for a message of `bytes` bytes whose frame has a body of `len`, and makes it
    /// ready to be written.
    #[inline]
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
            let Store { region, segments, control, .. } = self.store;
            segments.reserve(region, &control.segments, place, size)?;
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

    /// Tells whether the limits leave room for one more message.
    #[inline]
    fn is_admitted(&mut self, len: usize) -> Result<bool, Refusal> {
        let limits = &self.store.limits;
        if self.tail.since(self.head) >= limits.messages {
            self.look()?;
            if self.tail.since(self.head) >= limits.messages {
                return Ok(false);
            }
        }
        if limits.bytes == u64::MAX {
            return Ok(true);
        }
        let taken = self.look_at_bytes()?;
        let used = self.bytes.wrapping_sub(taken);
        // One that exceeds the limit by itself goes when it is alone: else it never would.
        Ok(self.is_empty() || used.saturating_add(len as u64) <= limits.bytes)
    }

    /// Tells whether nothing is left in a segment, and the next frame does not go there either.
    pub(super) fn is_unused(&mut self, segment: usize) -> bool {
        self.look().is_ok() && self.in_use().is_ok_and(|used| !used.contains(segment))
    }

    fn is_empty(&self) -> bool {
        self.tail.number == self.head.number
    }

    fn lens(&self) -> &'a [usize] {
        self.store.segments.lens()
    }

    /// Looks where the consumers are now.
    #[cold]
    fn look(&mut self) -> Result<(), Refusal> {
        let bits = self.store.control.head.load(Acquire);
        self.set_head(bits)
    }

    /// The same; returns the bytes of all messages that they took.
    #[cold]
    fn look_at_bytes(&mut self) -> Result<u64, Refusal> {
        let control = &self.store.control;
        let mut bits = control.head.load(Acquire);
        let mut taken = 0;
        for _ in 0..LOOKS {
            let number = Mark::from_bits(bits).number;
            taken = control.consumers.bytes[(number & 1) as usize].load(Acquire);
            let again = control.head.load(Acquire);
            if again == bits {
                break;
            }
            bits = again;
        }
        self.set_head(bits)?;
        Ok(taken)
    }

    fn set_head(&mut self, bits: u64) -> Result<(), Refusal> {
        let head = Mark::from_bits(bits);
        self.store.segments.check(head.place)?;
        if self.tail.since(head) > MESSAGES_MAX {
            return Err(Corrupt::count(self.tail.number, head.number).into());
        }
        self.head = head;
        self.store.control.producers.head.store(bits, Relaxed);
        Ok(())
    }

    #[inline]
    pub(super) fn window(&self, segment: usize) -> Result<&'a Window, Refusal> {
        Ok(self.store.segments.window(&self.store.region, segment)?)
    }

    #[inline]
    fn write(&self, place: Place, plan: Plan, body: &[u8]) -> Result<(), Refusal> {
        let window = self.window(place.segment)?;
        self.write_header(place, plan.kind, plan.len)?;
        let mut start = place.offset + HEADER;
        if let Some(tag) = plan.tag {
            window.write(start, &tag.to_ne_bytes()).map_err(RegionError::from)?;
            start += TAG;
        }
        window.write(start, body).map_err(RegionError::from)?;
        Ok(())
    }

    #[inline]
    pub(super) fn write_header(&self, place: Place, kind: Kind, len: usize) -> Result<(), Refusal> {
        let header = Header::Message { kind, len };
        let window = self.window(place.segment)?;
        header_word(window, place.offset).store(header.to_bits(), Relaxed);
        Ok(())
    }

    /// Publishes the frame at `place`, which is written, for a message of `bytes` bytes.
    #[inline]
    pub(super) fn publish(
        &mut self,
        place: Place,
        len: usize,
        bytes: usize,
    ) -> Result<(), Refusal> {
        let control = &self.store.control;
        if place != self.tail.place {
            self.jump(place)?;
        }
        self.tail = self.tail.next(place, frame_size(len));
        self.bytes = self.bytes.wrapping_add(bytes as u64);
        let parity = (self.tail.number & 1) as usize;
        control.producers.bytes[parity].store(self.bytes, Release);
        control.tail.store(self.tail.to_bits(), SeqCst);
        Ok(())
    }

    /// Leads consumers from the end of the last frame to `place`.
    #[cold]
    fn jump(&self, place: Place) -> Result<(), Refusal> {
        let from = self.tail.place;
        let window = self.window(from.segment)?;
        header_word(window, from.offset).store(Header::Jump(place).to_bits(), Relaxed);
        if place.segment != from.segment {
            let previous = &self.store.control.segments.previous[place.segment];
            previous.store(from.segment as u32, Relaxed);
        }
        Ok(())
    }
}
