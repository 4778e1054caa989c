//! [`StreamLine`]: the server's end of a connection with another program.
//!
//! The poller tells once when there is something to read or room to write, and again only after
//! all was read, or the room was used up. What was not read stays with the system, and so who
//! sends more than is served has to wait.

use std::io::ErrorKind;
use std::os::fd::{AsFd, BorrowedFd};

use mp_handle::Deadline;

use super::channel::Channel;
use super::porter::Seat;
use super::told;
use crate::server::{Frame, Line, Lost};
use crate::wire::{ANSWER_HEADER, REQUEST_HEADER};

/// What is read at once, and what may be unsent before it is too much.
const CHUNK: usize = 64 << 10;

/// A buffer that has grown beyond this is given back when it is empty.
const KEPT: usize = 1 << 20;

/// What stands before each frame.
const LENGTH: usize = 4;

/// A connection whose client knows the key.
pub(crate) struct StreamLine {
    /// Given back before the channel is closed: who sees that end may knock anew at once.
    _seat: Seat,
    channel: Channel,
    /// The longest request.
    limit: usize,
    /// Who it is, for those who are told.
    name: String,
    /// What has come; up to `served` it was taken.
    read: Vec<u8>,
    served: usize,
    /// What was answered and not sent yet.
    unsent: Vec<u8>,
    /// Whether there may be more to read.
    is_stirred: bool,
}

impl StreamLine {
    pub(super) fn new(channel: Channel, limit: usize, name: String, seat: Seat) -> Self {
        let (read, unsent) = (Vec::new(), Vec::new());
        Self { _seat: seat, channel, limit, name, read, served: 0, unsent, is_stirred: true }
    }

    /// The length of the next request, once that is there.
    fn announced(&self) -> Option<usize> {
        let rest = self.read.get(self.served..)?;
        rest.first_chunk().map(|len| u32::from_le_bytes(*len) as usize)
    }

    fn has_request(&self) -> bool {
        let has = self.read.len() - self.served;
        self.announced().is_some_and(|len| has - LENGTH >= len)
    }

    /// Reads some of what is there, or comes before the deadline if that is near.
    fn fill(&mut self, deadline: Option<Deadline>) -> Result<(), Lost> {
        self.make_room()?;
        let read = match deadline {
            Some(deadline) => self.channel.spin_read(deadline, &mut self.read),
            None => self.channel.try_read(&mut self.read),
        };
        match read {
            Ok(true) => Ok(()),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                self.is_stirred = false;
                Ok(())
            }
            Ok(false) | Err(_) => Err(Lost),
        }
    }

    /// Room is made as bytes come, not as they are announced.
    fn make_room(&mut self) -> Result<(), Lost> {
        self.read.drain(..self.served);
        self.served = 0;
        let announced = self.announced().unwrap_or(0);
        if announced > self.limit {
            told::sent_off(&self.name, &"a request longer than the server takes");
            return Err(Lost);
        }
        let missing = (LENGTH + announced).saturating_sub(self.read.len());
        self.read.reserve_exact(missing.clamp(CHUNK, self.read.len().max(CHUNK)));
        Ok(())
    }

    fn take(&mut self, frame: &mut Frame, len: usize) {
        let start = self.served + LENGTH;
        frame.bytes.extend_from_slice(&self.read[start..start + len]);
        self.served = start + len;
        if self.served == self.read.len() {
            self.served = 0;
            self.read.clear();
            if self.read.capacity() > KEPT {
                self.read = Vec::new();
            }
        }
    }
}

impl Line for StreamLine {
    fn is_ready(&self) -> bool {
        self.is_stirred || self.has_request()
    }

    fn receive(&mut self, frame: &mut Frame) -> Result<bool, Lost> {
        while !self.has_request() {
            if !self.is_stirred {
                return Ok(false);
            }
            self.fill(None)?;
        }
        let len = self.announced().ok_or(Lost)?;
        if !(REQUEST_HEADER..=self.limit).contains(&len) {
            told::sent_off(&self.name, &"a request of a length that none has");
            return Err(Lost);
        }
        self.take(frame, len);
        Ok(true)
    }

    fn send(&mut self, id: u64, status: u8, body: &[u8]) -> Result<bool, Lost> {
        if self.unsent.len() > CHUNK && !self.flush()? {
            return Ok(false);
        }
        let len = u32::try_from(ANSWER_HEADER + body.len()).map_err(|_| Lost)?;
        self.unsent.reserve(LENGTH + ANSWER_HEADER + body.len());
        let parts = [&len.to_le_bytes()[..], &id.to_le_bytes(), &[status], body];
        self.channel.seal(&parts, &mut self.unsent).map_err(|_| Lost)?;
        // Who asks much at once gets its answers at once.
        if !self.has_request() || self.unsent.len() > CHUNK {
            self.flush()?;
        }
        Ok(true)
    }

    fn flush(&mut self) -> Result<bool, Lost> {
        self.channel.try_send(&mut self.unsent).map_err(|_| Lost)?;
        if self.unsent.is_empty() && self.unsent.capacity() > KEPT {
            self.unsent = Vec::new();
        }
        Ok(self.unsent.is_empty())
    }

    fn settle(&mut self) {
        // If it fails, the next look at the socket tells.
        let _ = self.flush();
    }

    fn stir(&mut self) -> bool {
        self.is_stirred = true;
        true
    }

    fn spin(&mut self, deadline: Deadline) -> Result<bool, Lost> {
        self.is_stirred = true;
        self.fill(Some(deadline))?;
        Ok(self.is_stirred)
    }

    fn is_remote(&self) -> bool {
        true
    }
}

impl AsFd for StreamLine {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.channel.as_fd()
    }
}
