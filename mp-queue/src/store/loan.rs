//! Messages that are written or read in their place, without a copy.
//!
//! Whoever has one of these has the lock of its side, so nobody else puts, or gets, meanwhile. That
//! does not keep a peer gone mad from writing there, so no reference to the bytes is made.

use mp_handle::{Deadline, RegionError, Window};

use super::End;
use super::consume::{Consuming, Next};
use super::error::Refusal;
use super::frame::{Content, HEADER, Kind, frame_size};
use super::place::Place;
use super::produce::Producing;
use super::turn::Turn;

/// Room for a message that is not put yet.
pub(crate) struct Lent<'a> {
    pub(crate) bytes: Bytes<'a>,
    producing: Producing<'a>,
    end: &'a End,
    place: Place,
    has_slept: bool,
}

/// A message that is not taken yet.
pub(crate) struct Found<'a> {
    pub(crate) bytes: Bytes<'a>,
    consuming: Consuming<'a>,
    end: &'a End,
    next: Next,
    has_slept: bool,
}

/// The bytes of a message in their place.
#[derive(Clone, Copy)]
pub(crate) struct Bytes<'a> {
    window: &'a Window,
    start: usize,
    len: usize,
}

impl<'a> Bytes<'a> {
    /// The place was checked to have room for a frame with `len` bytes.
    fn new(window: &'a Window, place: Place, len: usize) -> Bytes<'a> {
        let start = place.offset + HEADER;
        assert!(start <= window.len() && len <= window.len() - start, "a frame in its segment");
        Bytes { window, start, len }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn as_ptr(&self) -> *mut u8 {
        self.window.as_ptr().wrapping_add(self.start)
    }

    /// Tells whether all `size` bytes at `offset` are inside.
    fn has(&self, offset: usize, size: usize) -> bool {
        offset <= self.len && size <= self.len - offset
    }

    /// Copies `bytes` to `offset`; tells whether they are all inside.
    pub(crate) fn write(&self, offset: usize, bytes: &[u8]) -> bool {
        self.has(offset, bytes.len()) && self.window.write(self.start + offset, bytes).is_ok()
    }

    /// Copies from `offset` on into `buffer`; tells whether all that is inside.
    pub(crate) fn read(&self, offset: usize, buffer: &mut [u8]) -> bool {
        self.has(offset, buffer.len()) && self.window.read(self.start + offset, buffer).is_ok()
    }
}

impl Lent<'_> {
    /// Puts the message, of whatever its bytes are now.
    pub(crate) fn publish(self) -> Result<(), Refusal> {
        let Lent { bytes: Bytes { len, .. }, mut producing, end, place, has_slept } = self;
        producing.write_header(place, Kind::Whole(Content::Raw), len)?;
        producing.publish(place, len, len)?;
        drop(producing);
        end.has_put(has_slept);
        Ok(())
    }
}

impl Found<'_> {
    /// Takes the message out of the store.
    pub(crate) fn take(self) {
        let Found { mut consuming, end, next, has_slept, .. } = self;
        let before = consuming.head;
        consuming.publish(next, next.len);
        let after = consuming.head;
        drop(consuming);
        end.has_got(before, after, has_slept);
    }
}

impl End {
    /// Finds room for `len` bytes, waiting for it up to the deadline.
    pub(crate) fn lend(&self, len: usize, deadline: Option<Deadline>) -> Result<Lent<'_>, Refusal> {
        let largest = self.store.largest();
        if len > largest || frame_size(len) > largest {
            return Err(Refusal::NoMemory(RegionError::TooLarge { len }));
        }
        let turn = self
            .turn(len, deadline, |producing| Ok(producing.find(len, len)?.ok_or(producing.head)))?;
        let Turn { producing, result: place, has_slept } = turn;
        let bytes = Bytes::new(producing.window(place.segment)?, place, len);
        Ok(Lent { bytes, producing, end: self, place, has_slept })
    }

    /// Finds the next message, waiting for it up to the deadline; `None` if it is not one of bytes
    /// in their place.
    pub(crate) fn find(&self, deadline: Option<Deadline>) -> Result<Option<Found<'_>>, Refusal> {
        let (consuming, next, has_slept) = self.next(deadline)?;
        if next.kind != Kind::Whole(Content::Raw) {
            return Ok(None);
        }
        let bytes = Bytes::new(consuming.window(next.place)?, next.place, next.len);
        Ok(Some(Found { bytes, consuming, end: self, next, has_slept }))
    }

    /// Puts bytes as they are.
    pub(crate) fn put_raw(&self, bytes: &[u8], deadline: Option<Deadline>) -> Result<(), Refusal> {
        let message = super::Message { content: Content::Raw, bytes, descriptors: &[] };
        self.put(&message, deadline)
    }
}
