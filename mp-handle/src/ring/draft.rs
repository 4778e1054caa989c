//! A frame that is written piece by piece.

use std::sync::atomic::Ordering;

use super::{FRAME_HEADER, Producer, PushError};

/// A frame that its [`Producer`] writes piece by piece, in the ring itself; from
/// [`Producer::draft`].
///
/// It is no frame before it is [published](Self::publish): dropped, or when the producer is killed,
/// it leaves nothing. But what is written of it lies in shared memory. A consumer who knows by
/// other words how much that is can [read it](super::Consumer::read_draft) there: while more of it
/// is being written, or when the producer is dead.
#[derive(Debug)]
#[must_use = "what is not published is no frame"]
pub struct Draft<'a> {
    producer: &'a mut Producer,
    /// How many bytes it has room for, and how many are written.
    room: usize,
    len: usize,
}

impl<'a> Draft<'a> {
    pub(super) fn new(producer: &'a mut Producer, room: usize) -> Self {
        Self { producer, room, len: 0 }
    }

    /// Writes some bytes behind those that are there.
    ///
    /// # Errors
    ///
    /// [`PushError::TooLarge`] if they are more than it has room for; nothing is written then.
    #[inline]
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), PushError> {
        if bytes.len() > self.room - self.len {
            let len = self.len.saturating_add(bytes.len());
            return Err(PushError::TooLarge { len, max: self.room });
        }
        let offset = (FRAME_HEADER + self.len) as u64;
        self.producer.shared.copy_in(self.producer.tail.wrapping_add(offset), bytes)?;
        self.len += bytes.len();
        Ok(())
    }

    /// Makes a frame of what is written. Does not wake the consumer.
    ///
    /// # Errors
    ///
    /// As [`Producer::try_push`]; but there is room, since that was looked for when this began.
    #[inline]
    pub fn publish(self) -> Result<(), PushError> {
        let Self { producer, len, .. } = self;
        // No longer than half a capacity of 2 GiB.
        producer.shared.copy_in(producer.tail, &(len as u32).to_ne_bytes())?;
        producer.tail = producer.tail.wrapping_add((FRAME_HEADER + len) as u64);
        producer.shared.tail.store(producer.tail, Ordering::Release);
        Ok(())
    }
}
