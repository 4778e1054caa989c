//! The server's end of a way to a client.

use mp_handle::{
    Consumer, Deadline, Descriptor, Parcel, Post, Producer, PushError, Region, RingError, Waited,
};

use crate::ring::{ANSWERS, REQUESTS, RING, SPILLED, receive_spilled};
use crate::wire::{ANSWER_HEADER, REQUEST_HEADER};

/// The client is gone, or does not keep to the protocol.
#[derive(Debug)]
pub(crate) struct Lost;

/// A request as it came.
#[derive(Default)]
pub(crate) struct Frame {
    pub(crate) bytes: Vec<u8>,
    pub(crate) descriptors: Vec<Descriptor>,
}

/// Frames to and from one client. Nothing here waits.
pub(crate) trait Line: Send {
    /// Tells whether there may be a request.
    fn is_ready(&self) -> bool;

    /// Takes the next request, if there is one, into an empty frame.
    fn receive(&mut self, frame: &mut Frame) -> Result<bool, Lost>;

    /// Sends an answer; false if there is no room at present.
    fn send(&mut self, id: u64, status: u8, body: &[u8]) -> Result<bool, Lost>;

    /// Says that requests were taken, once for many.
    fn settle(&mut self);

    /// Sends on what was sent and has not left yet; true if nothing of it is left.
    fn flush(&mut self) -> Result<bool, Lost> {
        Ok(true)
    }

    /// Hears that the poller has something to tell; false if that can only be the end.
    fn stir(&mut self) -> bool {
        false
    }

    /// Waits a moment for a request, if that is likely to come; tells whether there may be one.
    fn spin(&mut self, deadline: Deadline) -> Result<bool, Lost> {
        let _ = deadline;
        Ok(false)
    }

    /// Tells whether the other side may be another program.
    fn is_remote(&self) -> bool {
        false
    }
}

/// The rings of a local client.
pub(super) struct RingLine {
    requests: Consumer,
    answers: Producer,
    socket: Post,
    /// The longest request.
    limit: usize,
}

impl RingLine {
    pub(super) fn new(region: &Region, socket: Post, limit: usize) -> Result<Self, RingError> {
        let requests = Consumer::attach(region, REQUESTS, RING)?;
        let answers = Producer::attach(region, ANSWERS, RING)?;
        Ok(Self { requests, answers, socket, limit })
    }

    /// Puts the body of a request into its place that went over the socket.
    #[cold]
    fn unspill(&self, frame: &mut Frame) -> Result<(), Lost> {
        let (header, _) = frame.bytes.split_first_chunk::<REQUEST_HEADER>().ok_or(Lost)?;
        let id = u64::from_le_bytes(std::array::from_fn(|i| header[i]));
        let body = receive_spilled(&self.socket, id).ok_or(Lost)?;
        if body.bytes().len() > self.limit {
            return Err(Lost);
        }
        frame.bytes.truncate(REQUEST_HEADER);
        frame.bytes[REQUEST_HEADER - 1] &= !SPILLED;
        frame.bytes.extend_from_slice(body.bytes());
        frame.descriptors = body.descriptors().to_vec();
        Ok(())
    }

    /// Sends the body over the socket, and then the frame that says so.
    #[cold]
    fn spill(&mut self, id: u64, status: u8, body: &[u8]) -> Result<bool, Lost> {
        if self.answers.wait_space(ANSWER_HEADER, Deadline::now(), || true) != Waited::Ready {
            return Ok(false);
        }
        match self.socket.send(id, &Parcel::from_parts(body.to_vec(), Vec::new())) {
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return Ok(false),
            sent => sent.map_err(|_| Lost)?,
        }
        self.send(id, status | SPILLED, &[])
    }
}

impl Line for RingLine {
    #[inline]
    fn is_ready(&self) -> bool {
        !self.requests.is_empty()
    }

    #[inline]
    fn receive(&mut self, frame: &mut Frame) -> Result<bool, Lost> {
        if !self.requests.try_pop(&mut frame.bytes).map_err(|_| Lost)? {
            return Ok(false);
        }
        if frame.bytes.get(REQUEST_HEADER - 1).is_some_and(|op| op & SPILLED != 0) {
            self.unspill(frame)?;
        }
        Ok(true)
    }

    #[inline]
    fn send(&mut self, id: u64, status: u8, body: &[u8]) -> Result<bool, Lost> {
        let mut header = [status; ANSWER_HEADER];
        header[..8].copy_from_slice(&id.to_le_bytes());
        match self.answers.try_push(&[&header, body]) {
            Ok(()) => {
                self.answers.notify();
                Ok(true)
            }
            Err(PushError::Full) => Ok(false),
            Err(PushError::TooLarge { .. }) => self.spill(id, status, body),
            Err(_) => Err(Lost),
        }
    }

    fn settle(&mut self) {
        self.requests.notify_space();
    }
}
