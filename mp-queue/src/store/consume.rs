//! The side that gets.

use std::io;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};

use mp_handle::{Deadline, Parcel, RegionError, Window};
use mp_sync::LockGuard;
use rustix::fs::fstat;
use rustix::io::Errno;

use super::End;
use super::Store;
use super::error::{Corrupt, Refusal};
use super::frame::{Content, HEADER, Header, Kind, TAG, frame_size};
use super::place::{Mark, Place};
use super::segments::header_word;

/// A body longer than this is compared with the memory that the store really has.
const LARGE: usize = 1 << 20;

/// As many packets as a socket could hold: so many are thrown away in search of one.
const PACKETS: u32 = 1 << 16;

/// The holder of the consumers' lock.
pub(super) struct Consuming<'a> {
    store: &'a Store,
    /// As published.
    pub(super) head: Mark,
    /// Where the producers were when we last looked; they may be further.
    tail: Mark,
    _guard: LockGuard<'a>,
}

/// The next message, not yet taken.
#[derive(Clone, Copy, Debug)]
pub(super) struct Next {
    pub(super) kind: Kind,
    /// Of the body, tag included.
    pub(super) len: usize,
    pub(super) place: Place,
}

impl Store {
    /// Becomes the one consumer.
    #[inline(always)]
    pub(super) fn consume(&self, deadline: Option<Deadline>) -> Result<Consuming<'_>, Refusal> {
        let guard = self.lock_consumers(deadline)?;
        let head = Mark::from_bits(self.control.head.load(Relaxed));
        let tail = Mark::from_bits(self.control.consumers.tail.load(Relaxed));
        self.segments.check(head.place)?;
        if self.tasks.as_ref().is_some_and(|tasks| !tasks.has_slot()) {
            return Err(Refusal::Io(io::Error::other("too many processes take from this queue")));
        }
        Ok(Consuming { store: self, head, tail, _guard: guard })
    }

    /// Tells whether there is no message.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        let head = Mark::from_bits(self.control.head.load(SeqCst)).number;
        Mark::from_bits(self.control.tail.load(SeqCst)).number == head
    }

    /// Gives the pages of a segment back that a consumer has left, unless it is in use again or a
    /// producer is at work.
    #[cold]
    pub(super) fn release(&self, segment: usize) {
        let Ok(mut producing) = self.produce(None) else { return };
        if producing.is_unused(segment) {
            self.segments.release(&self.region, &self.control.segments, segment);
        }
    }
}

impl<'a> Consuming<'a> {
    /// Finds the next message.
    #[inline(always)]
    pub(super) fn find(&mut self) -> Result<Option<Next>, Refusal> {
        if self.tail.number == self.head.number && !self.look()? {
            return Ok(None);
        }
        let mut place = self.head.place;
        let mut header = self.header(place)?;
        if let Header::Jump(next) = header {
            self.store.segments.check(next)?;
            header = self.header(next)?;
            place = next;
        }
        match header {
            Header::Message { kind, len } if self.store.segments.holds(place, frame_size(len)) => {
                Ok(Some(Next { kind, len, place }))
            }
            // Nobody jumps twice; and nobody writes more than there is room for.
            header => Err(Corrupt::frame(place, header.to_bits()).into()),
        }
    }

    /// Looks where the producers are now; tells whether there is something.
    fn look(&mut self) -> Result<bool, Refusal> {
        let control = &self.store.control;
        let bits = control.tail.load(Acquire);
        let tail = Mark::from_bits(bits);
        let count = tail.since(self.head);
        if count > 1 << 31 || (count == 0) != (tail.place == self.head.place) {
            return Err(Corrupt::count(tail.number, self.head.number).into());
        }
        self.tail = tail;
        control.consumers.tail.store(bits, Relaxed);
        Ok(count != 0)
    }

    #[inline(always)]
    fn header(&self, place: Place) -> Result<Header, Refusal> {
        let window = self.window(place)?;
        let bits = header_word(window, place.offset).load(Relaxed);
        Ok(Header::from_bits(bits, place)?)
    }

    #[inline(always)]
    pub(super) fn window(&self, place: Place) -> Result<&'a Window, Refusal> {
        Ok(self.store.segments.window(&self.store.region, place.segment)?)
    }

    /// Takes the message that was found, to the end of `buffer` as far as it is not posted.
    #[inline(always)]
    pub(super) fn take(
        &mut self,
        found: Next,
        buffer: &mut Vec<u8>,
        end: &End,
    ) -> Result<Option<Parcel>, Refusal> {
        let len = match found.kind {
            Kind::Whole(_) | Kind::Jump => {
                self.read(found, 0, buffer)?;
                found.len
            }
            Kind::Attached(_) | Kind::Posted(_) => return self.take_posted(found, buffer, end),
        };
        self.publish(found, len);
        Ok(None)
    }

    #[cold]
    fn take_posted(
        &mut self,
        found: Next,
        buffer: &mut Vec<u8>,
        end: &End,
    ) -> Result<Option<Parcel>, Refusal> {
        let mut tag = [0; TAG];
        let window = self.window(found.place)?;
        window.read(found.place.offset + HEADER, &mut tag).map_err(RegionError::from)?;
        let parcel = match self.peek(u64::from_ne_bytes(tag), end) {
            // Of that message nothing can be had any more, so it shall not be in the way.
            Err(Refusal::Corrupt(corrupt)) => {
                self.publish(found, found.len - TAG);
                return Err(corrupt.into());
            }
            parcel => parcel?,
        };
        let mut len = parcel.bytes().len();
        if let Kind::Attached(_) = found.kind {
            self.read(found, TAG, buffer)?;
            len = found.len - TAG;
        }
        self.publish(found, len);
        // Should this process be killed now, the next one finds a packet of a number it does not
        // look for, and throws it away.
        let _ = end.inbox().discard();
        Ok(Some(parcel))
    }

    /// Looks for the packet with a tag, and throws those before it away, whose producers did not
    /// live to put the message, or whose consumers not to discard them.
    fn peek(&self, tag: u64, end: &End) -> Result<Parcel, Refusal> {
        let inbox = end.inbox();
        for _ in 0..PACKETS {
            match inbox.peek() {
                Ok(Some((found, parcel))) if found == tag => return Ok(parcel),
                Ok(Some((found, _))) if found.wrapping_sub(tag) < 1 << 63 => {
                    return Err(Corrupt::packet(tag, Some(found)).into());
                }
                Ok(None) => return Err(Corrupt::packet(tag, None).into()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return Err(Corrupt::packet(tag, None).into());
                }
                Err(error) => refuse_packet(error, tag)?,
                Ok(Some(_)) => {}
            }
            inbox.discard().map_err(Refusal::Io)?;
        }
        Err(Corrupt::packet(tag, None).into())
    }

    /// Copies the body of a frame, but for its first `skip` bytes, to the end of `buffer`.
    #[inline(always)]
    fn read(&self, found: Next, skip: usize, buffer: &mut Vec<u8>) -> Result<(), Refusal> {
        let len = found.len - skip;
        if len > LARGE {
            self.check_memory(found)?;
        }
        if buffer.capacity() - buffer.len() < len {
            buffer.try_reserve(len).map_err(|_| no_memory(len))?;
        }
        let window = self.window(found.place)?;
        let start = found.place.offset + HEADER + skip;
        Ok(window.read_to(start, len, buffer).map_err(RegionError::from)?)
    }

    /// Checks that the file has as much memory as a frame claims to take of it, so that nobody is
    /// made to allocate what was never written.
    #[cold]
    fn check_memory(&self, found: Next) -> Result<(), Refusal> {
        let stat = fstat(self.store.region.descriptor());
        let blocks = stat.map_err(|errno| Refusal::Io(errno.into()))?.st_blocks;
        let taken = u64::try_from(blocks).unwrap_or(0).saturating_mul(512);
        if found.len as u64 > taken {
            let header = Header::Message { kind: found.kind, len: found.len };
            return Err(Corrupt::frame(found.place, header.to_bits()).into());
        }
        Ok(())
    }

    /// Publishes that the message was taken, which counted `bytes` bytes.
    #[inline(always)]
    pub(super) fn publish(&mut self, found: Next, bytes: usize) {
        let control = &self.store.control;
        let words = &control.consumers;
        let taken = words.bytes[(self.head.number & 1) as usize].load(Relaxed);
        if let Some(tasks) = &self.store.tasks {
            tasks.note_taken(self.head.number);
        }
        self.head = self.head.next(found.place, frame_size(found.len));
        let parity = (self.head.number & 1) as usize;
        words.bytes[parity].store(taken.wrapping_add(bytes as u64), Release);
        control.head.store(self.head.to_bits(), SeqCst);
    }
}

impl Next {
    #[inline]
    pub(super) fn content(&self) -> Content {
        match self.kind {
            Kind::Whole(content) | Kind::Attached(content) | Kind::Posted(content) => content,
            Kind::Jump => Content::Encoded,
        }
    }
}

#[cold]
fn no_memory(len: usize) -> Refusal {
    Refusal::NoMemory(RegionError::NoMemory { wanted: len as u64, available: 0 })
}

/// Sorts the errors of a look at a packet; those that are none of this process's limits mean that
/// the packet is spoiled.
#[cold]
fn refuse_packet(error: io::Error, tag: u64) -> Result<(), Refusal> {
    match Errno::from_io_error(&error) {
        Some(Errno::MFILE | Errno::NFILE) => Err(Refusal::TooManyDescriptors(error)),
        Some(Errno::NOMEM | Errno::NOBUFS) => Err(Refusal::NoMemory(RegionError::Io(error))),
        _ if error.kind() == io::ErrorKind::InvalidData => Err(Corrupt::packet(tag, None).into()),
        _ => Err(Refusal::Io(error)),
    }
}
