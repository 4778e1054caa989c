//! Queues of bytes, without the vector.

use std::error::Error;
use std::fmt;

use super::core::{Core, Wait};
use super::error::{GetError, PutReason};
use super::{Queue, decode};
use crate::store::{End, Found, Lent};

/// A [`Queue`] of bytes can do more: put a slice, get into a buffer, and do both without a copy.
///
/// # Examples
///
/// ```
/// let queue = mp_queue::Queue::<Vec<u8>>::new()?;
/// queue.put_bytes(b"a slice")?;
///
/// let mut loan = queue.reserve(5)?;
/// loan.write_at(0, b"in ")?;
/// loan.write_at(3, b"it")?;
/// loan.publish()?;
///
/// let mut buffer = Vec::new();
/// queue.get_bytes_into(&mut buffer)?;
/// assert_eq!(buffer, b"a slice");
///
/// let message = queue.get_in_place()?;
/// let mut bytes = [0; 2];
/// message.read_at(3, &mut bytes)?;
/// assert_eq!(&bytes, b"it");
/// message.take();
/// assert!(queue.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
impl Queue<Vec<u8>> {
    /// Puts bytes as a message, waiting for room as long as it takes.
    ///
    /// # Errors
    ///
    /// [Why](PutReason) they were not put.
    pub fn put_bytes(&self, bytes: &[u8]) -> Result<(), PutReason> {
        Ok(open_for_put(&self.core)?.put_raw(bytes, Wait::Forever.deadline())?)
    }

    /// Gets the next message, waiting for it as long as it takes, and puts its bytes in place of
    /// those in `buffer`; returns how many there are.
    ///
    /// # Errors
    ///
    /// Those of [`get`](Self::get).
    pub fn get_bytes_into(&self, buffer: &mut Vec<u8>) -> Result<usize, GetError> {
        buffer.clear();
        let end = open_for_get(&self.core)?;
        match end.get_into(buffer, Wait::Forever.deadline()) {
            Ok(None) => {}
            Ok(Some(arrived)) => *buffer = decode(arrived).map_err(GetError::Decode)?,
            Err(refusal) => return Err(GetError::new(refusal, false)),
        }
        Ok(buffer.len())
    }

    /// Lends room for a message of `len` bytes, waiting for it as long as it takes.
    ///
    /// Nobody else puts while the loan lives, and this thread cannot either.
    ///
    /// # Errors
    ///
    /// [Why](PutReason) there is none. What is longer than about a gibibyte has no place of its own
    /// in the queue; to [`put`](Self::put) it is possible.
    pub fn reserve(&self, len: usize) -> Result<Loan<'_>, PutReason> {
        let lent = open_for_put(&self.core)?.lend(len, Wait::Forever.deadline())?;
        Ok(Loan { lent })
    }

    /// Finds the next message, waiting for it as long as it takes, to read it where it is.
    ///
    /// Nobody else gets while it is held, and this thread cannot either.
    ///
    /// # Errors
    ///
    /// Those of [`get`](Self::get). A message longer than about a gibibyte, or from a handle for
    /// another type, is not in its place: [`GetError::Elsewhere`].
    pub fn get_in_place(&self) -> Result<InPlace<'_>, GetError> {
        let found = open_for_get(&self.core)?.find(Wait::Forever.deadline());
        let found = found.map_err(|refusal| GetError::new(refusal, false))?;
        found.map(|found| InPlace { found }).ok_or(GetError::Elsewhere)
    }
}

fn open_for_put<T>(core: &Core<T>) -> Result<&End, PutReason> {
    if core.is_closed() { Err(PutReason::Closed) } else { Ok(&core.end) }
}

fn open_for_get<T>(core: &Core<T>) -> Result<&End, GetError> {
    if core.is_closed() { Err(GetError::Closed) } else { Ok(&core.end) }
}

/// Room for a message in a queue's memory, lent by [`Queue::reserve`].
///
/// What it holds at first is not defined. To drop it gives the room back.
#[must_use = "what is not published is not in the queue"]
pub struct Loan<'a> {
    lent: Lent<'a>,
}

#[allow(clippy::len_without_is_empty, reason = "an empty message is one like any other")]
impl Loan<'_> {
    /// Returns the number of bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lent.bytes.len()
    }

    /// Copies `bytes` to `offset`.
    ///
    /// # Errors
    ///
    /// Fails, and copies nothing, if they would not all be inside.
    pub fn write_at(&mut self, offset: usize, bytes: &[u8]) -> Result<(), OutOfMessage> {
        let is_inside = self.lent.bytes.write(offset, bytes);
        is_inside.then_some(()).ok_or(OutOfMessage { offset, size: bytes.len(), len: self.len() })
    }

    /// Returns the address of the first byte, good for [`len`](Self::len) bytes while the loan
    /// lives. A peer may write there too, so make no reference to them.
    #[must_use]
    pub fn as_mut_ptr(&mut self) -> *mut u8 {
        self.lent.bytes.as_ptr()
    }

    /// Puts the message.
    ///
    /// # Errors
    ///
    /// Fails for want of address space.
    pub fn publish(self) -> Result<(), PutReason> {
        Ok(self.lent.publish()?)
    }
}

/// The next message of a queue, where it is; got from [`Queue::get_in_place`].
///
/// To drop it leaves the message in the queue.
#[must_use = "the message stays in the queue until it is taken"]
pub struct InPlace<'a> {
    found: Found<'a>,
}

#[allow(clippy::len_without_is_empty, reason = "an empty message is one like any other")]
impl InPlace<'_> {
    /// Returns the number of bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.found.bytes.len()
    }

    /// Copies the bytes from `offset` on into `buffer`.
    ///
    /// # Errors
    ///
    /// Fails, and copies nothing, if there are not so many.
    pub fn read_at(&self, offset: usize, buffer: &mut [u8]) -> Result<(), OutOfMessage> {
        let is_inside = self.found.bytes.read(offset, buffer);
        is_inside.then_some(()).ok_or(OutOfMessage { offset, size: buffer.len(), len: self.len() })
    }

    /// Returns the address of the first byte, good for [`len`](Self::len) bytes while this lives. A
    /// peer may write there, so make no reference to them.
    #[must_use]
    pub fn as_ptr(&self) -> *const u8 {
        self.found.bytes.as_ptr()
    }

    /// Takes the message out of the queue.
    pub fn take(self) {
        self.found.take();
    }
}

/// An access to bytes that a message does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OutOfMessage {
    /// Where the access was to begin.
    pub offset: usize,
    /// How many bytes it was to take.
    pub size: usize,
    /// The bytes that the message has.
    pub len: usize,
}

impl fmt::Display for OutOfMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let OutOfMessage { offset, size, len } = self;
        write!(f, "no access to {size} bytes at offset {offset} of a message of {len}")
    }
}

impl Error for OutOfMessage {}

impl fmt::Debug for Loan<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loan").field("len", &self.len()).finish_non_exhaustive()
    }
}

impl fmt::Debug for InPlace<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InPlace").field("len", &self.len()).finish_non_exhaustive()
    }
}
