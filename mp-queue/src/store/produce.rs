//! The side that puts.

use std::io;
use std::sync::atomic::Ordering::{Relaxed, Release, SeqCst};

use mp_handle::{Deadline, Parcel, Post, RegionError, Window};
use mp_sync::LockGuard;
use rustix::io::Errno;

use super::Store;
use super::error::Refusal;
use super::frame::{HEADER, Header, Kind, Message, TAG, frame_size};
use super::place::{Mark, Place};
use super::put::cannot_send;
use super::segments::header_word;

/// The holder of the producers' lock.
pub(super) struct Producing<'a> {
    pub(super) store: &'a Store,
    /// As published.
    pub(super) tail: Mark,
    /// Where the consumers were when a producer last looked; they may be further.
    pub(super) head: Mark,
    /// Of all messages before the tail.
    pub(super) bytes: u64,
    /// Of messages that were taken, at that time; kept only if there is a limit.
    pub(super) taken: u64,
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
    #[inline(always)]
    pub(super) fn produce(&self, deadline: Option<Deadline>) -> Result<Producing<'_>, Refusal> {
        let guard = self.lock_producers(deadline)?;
        let words = &self.control.producers;
        let tail = Mark::from_bits(self.control.tail.load(Relaxed));
        let head = Mark::from_bits(words.head.load(Relaxed));
        self.segments.check(tail.place)?;
        self.segments.check(head.place)?;
        let bytes = words.bytes[(tail.number & 1) as usize].load(Relaxed);
        let taken = words.taken.load(Relaxed);
        Ok(Producing { store: self, tail, head, bytes, taken, is_reluctant: false, _guard: guard })
    }
}

impl<'a> Producing<'a> {
    /// Puts a message; `None` if there is no room at present. Then the head is told that must move
    /// on before there is some.
    #[inline(always)]
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

    #[inline(always)]
    pub(super) fn window(&self, segment: usize) -> Result<&'a Window, Refusal> {
        Ok(self.store.segments.window(&self.store.region, segment)?)
    }

    #[inline(always)]
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

    #[inline(always)]
    pub(super) fn write_header(&self, place: Place, kind: Kind, len: usize) -> Result<(), Refusal> {
        let header = Header::Message { kind, len };
        let window = self.window(place.segment)?;
        header_word(window, place.offset).store(header.to_bits(), Relaxed);
        Ok(())
    }

    /// Publishes the frame at `place`, which is written, for a message of `bytes` bytes.
    #[inline(always)]
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
