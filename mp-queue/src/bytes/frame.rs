//! Frames: a length, then as many bytes, as CPython's `multiprocessing.connection` writes them.
//!
//! ```text
//! n <= 0x7fff_ffff    n as i32, big-endian                       then n bytes
//! n >  0x7fff_ffff    ff ff ff ff, then n as u64, big-endian     then n bytes
//! ```
//!
//! A length is a claim of the peer's, so no memory is taken on its word: the buffer grows with
//! what arrives. And reading may stop between any two bytes, to go on later: what has arrived
//! stays in the [`FrameReader`].

use std::io::{self, Read};

use super::error::RecvBytesError;

const SHORT: usize = 4;
const LONG: usize = 12;
/// What is reserved for a frame before any of its bytes is there.
const AHEAD: usize = 64 << 10;

/// Returns the bytes before a frame of `len` bytes.
pub(crate) fn header(len: u64) -> Vec<u8> {
    match i32::try_from(len) {
        Ok(short) => short.to_be_bytes().to_vec(),
        Err(_) => [&(-1_i32).to_be_bytes()[..], &len.to_be_bytes()].concat(),
    }
}

/// What has arrived of the frame that is being read.
#[derive(Debug, Default)]
pub(crate) struct FrameReader {
    header: [u8; LONG],
    header_len: usize,
    body: Vec<u8>,
}

impl FrameReader {
    /// Reads on, and returns the frame if it is whole.
    ///
    /// After any error but an end of file one may call again: nothing that has arrived is lost.
    /// That includes [`TooLong`](RecvBytesError::TooLong), for those who raise the limit, and
    /// [`io::ErrorKind::WouldBlock`], which comes as [`TimedOut`](RecvBytesError::TimedOut).
    pub(crate) fn advance(
        &mut self,
        source: &mut impl Read,
        limit: u64,
    ) -> Result<Vec<u8>, RecvBytesError> {
        let len = self.length(source)?;
        if len > limit {
            return Err(RecvBytesError::TooLong { len, limit });
        }
        let missing = len - self.body.len() as u64;
        self.reserve(missing).map_err(RecvBytesError::Io)?;
        match source.take(missing).read_to_end(&mut self.body) {
            Ok(read) if read as u64 == missing => Ok(self.finish()),
            Ok(_) => Err(RecvBytesError::Torn),
            Err(error) => Err(self.failure(error)),
        }
    }

    /// Tells whether a part of a frame has arrived.
    pub(crate) fn is_inside(&self) -> bool {
        self.header_len > 0
    }

    /// Reads the header on, and returns the length that it announces.
    fn length(&mut self, source: &mut impl Read) -> Result<u64, RecvBytesError> {
        self.fill_header(source, SHORT)?;
        let short = i32::from_be_bytes(std::array::from_fn(|at| self.header[at]));
        if let Ok(len) = u64::try_from(short) {
            return Ok(len);
        }
        if short != -1 {
            return Err(RecvBytesError::NegativeLength(short));
        }
        self.fill_header(source, LONG)?;
        Ok(u64::from_be_bytes(std::array::from_fn(|at| self.header[SHORT + at])))
    }

    fn fill_header(&mut self, source: &mut impl Read, wanted: usize) -> Result<(), RecvBytesError> {
        while self.header_len < wanted {
            match source.read(&mut self.header[self.header_len..wanted]) {
                Ok(0) if self.is_inside() => return Err(RecvBytesError::Torn),
                Ok(0) => return Err(RecvBytesError::Disconnected),
                Ok(read) => self.header_len += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.failure(error)),
            }
        }
        Ok(())
    }

    fn reserve(&mut self, missing: u64) -> io::Result<()> {
        let ahead = usize::try_from(missing).unwrap_or(AHEAD).min(AHEAD);
        self.body.try_reserve(ahead).map_err(|_| io::ErrorKind::OutOfMemory.into())
    }

    fn finish(&mut self) -> Vec<u8> {
        self.header_len = 0;
        std::mem::take(&mut self.body)
    }

    fn failure(&self, error: io::Error) -> RecvBytesError {
        match error.kind() {
            io::ErrorKind::WouldBlock => RecvBytesError::TimedOut,
            io::ErrorKind::ConnectionReset if self.is_inside() => RecvBytesError::Torn,
            io::ErrorKind::ConnectionReset => RecvBytesError::Disconnected,
            _ => RecvBytesError::Io(error),
        }
    }
}

#[cfg(test)]
#[path = "frame_tests.rs"]
mod tests;
