//! To put: the producer's work, and who is told of it.

use std::io;
use std::sync::atomic::Ordering::SeqCst;

use mp_handle::{Deadline, RegionError};
use rustix::io::Errno;

use super::End;
use super::error::Refusal;
use super::frame::Message;
use super::produce::Producing;
use super::turn::Turn;

impl End {
    /// Puts a message, waiting for room up to the deadline; `None` does not wait.
    #[inline]
    pub(crate) fn put(
        &self,
        message: &Message<'_>,
        deadline: Option<Deadline>,
    ) -> Result<(), Refusal> {
        let work = |producing: &mut Producing<'_>| producing.push(message, self.outbox());
        let Turn { producing, has_slept, .. } = self.turn(message.bytes.len(), deadline, work)?;
        drop(producing);
        self.has_put(has_slept);
        Ok(())
    }

    /// Puts the first of the messages, waiting for room up to the deadline, and as many of the
    /// others as there is room for then; returns how many. An error is that of the first.
    pub(crate) fn put_some<'m>(
        &self,
        messages: impl Iterator<Item = Message<'m>>,
        deadline: Option<Deadline>,
    ) -> Result<usize, Refusal> {
        let mut messages = messages.peekable();
        let Some(first) = messages.peek() else { return Ok(0) };
        let turn = self.turn(first.bytes.len(), deadline, |producing| {
            let mut put = 0;
            while let Some(message) = messages.peek() {
                match producing.push(message, self.outbox()) {
                    Ok(Ok(())) => messages.next(),
                    refused if put == 0 => return refused.map(|pushed| pushed.map(|()| 0)),
                    _ => break,
                };
                put += 1;
            }
            Ok(Ok(put))
        })?;
        let Turn { producing, result, has_slept } = turn;
        drop(producing);
        self.has_put(has_slept);
        Ok(result)
    }

    /// Tells others that there is a message.
    #[inline]
    pub(super) fn has_put(&self, has_slept: bool) {
        let control = &self.store.control;
        control.getters.notify();
        if control.polled.is_polled.load(SeqCst) != 0 {
            self.ring();
        }
        if has_slept {
            control.putters.pass_on(|| !self.store.is_full());
        }
    }
}

/// Puts the reasons for which a packet is not sent into words.
#[cold]
pub(super) fn cannot_send(error: io::Error) -> Refusal {
    match Errno::from_io_error(&error) {
        Some(Errno::TOOMANYREFS | Errno::MFILE | Errno::NFILE) => {
            Refusal::TooManyDescriptors(error)
        }
        Some(Errno::PIPE) => Refusal::Disconnected,
        _ if error.kind() == io::ErrorKind::OutOfMemory => {
            Refusal::NoMemory(RegionError::Io(error))
        }
        _ => Refusal::Io(error),
    }
}
