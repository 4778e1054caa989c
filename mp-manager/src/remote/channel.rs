//! [`Channel`]: a stream on which nobody waits, sealed by TLS or not.

use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, BorrowedFd};

use mp_handle::Deadline;

use super::near::Near;
use super::stream::Stream;
use super::tls::Tls;

/// What is read of a sealed stream at once: the longest record, about.
const CHUNK: usize = 16 << 10;

/// The server's end of a connection.
pub(super) struct Channel {
    stream: Stream,
    tls: Option<Tls>,
    near: Option<Near>,
    /// What came, still sealed.
    raw: Vec<u8>,
}

impl Channel {
    pub(super) fn new(stream: Stream, tls: Option<Tls>) -> Self {
        let near = Near::find(&stream);
        Self { stream, tls, near, raw: Vec::new() }
    }

    /// Reads what is there, and puts what was said behind `plain`: if nothing is sealed, as far as
    /// that has capacity. False means the end.
    pub(super) fn try_read(&mut self, plain: &mut Vec<u8>) -> io::Result<bool> {
        let Some(tls) = &mut self.tls else { return Ok(self.stream.try_read(plain)? > 0) };
        self.raw.clear();
        self.raw.reserve(CHUNK);
        if self.stream.try_read(&mut self.raw)? == 0 {
            return Ok(false);
        }
        tls.open(&self.raw, plain)?;
        Ok(true)
    }

    /// Reads what comes within a moment, if it pays to wait for that; [`ErrorKind::WouldBlock`] if
    /// not, or nothing came.
    pub(super) fn spin_read(
        &mut self,
        deadline: Deadline,
        plain: &mut Vec<u8>,
    ) -> io::Result<bool> {
        let near = self.near.take();
        let found = near.as_ref().and_then(|near| {
            near.note(&self.stream);
            near.spin(deadline, || self.try_read(plain))
        });
        self.near = near;
        found.unwrap_or_else(|| Err(ErrorKind::WouldBlock.into()))
    }

    /// Puts what is to be said behind `unsent`, as it is to be sent.
    pub(super) fn seal(&mut self, parts: &[&[u8]], unsent: &mut Vec<u8>) -> io::Result<()> {
        match &mut self.tls {
            Some(tls) => tls.seal(parts, unsent)?,
            None => parts.iter().for_each(|part| unsent.extend_from_slice(part)),
        }
        Ok(())
    }

    /// Sends as much as there is room for, and takes that off the front.
    pub(super) fn try_send(&self, unsent: &mut Vec<u8>) -> io::Result<()> {
        let mut sent = 0;
        while sent < unsent.len() {
            match self.stream.try_write(&unsent[sent..]) {
                Ok(len) => sent += len,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        unsent.drain(..sent);
        Ok(())
    }

    /// What the two sides of the channel know, and nobody between them; nothing if it is not sealed.
    pub(super) fn binding(&self) -> io::Result<Vec<u8>> {
        self.tls.as_ref().map_or(Ok(Vec::new()), |tls| tls.binding().map(Vec::from))
    }
}

impl AsFd for Channel {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}
