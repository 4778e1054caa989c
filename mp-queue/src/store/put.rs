//! To put: the producer's work with the waiting around it.

use std::io;
use std::sync::atomic::Ordering::SeqCst;

use mp_handle::{Deadline, RegionError};
use rustix::io::Errno;

use super::End;
use super::error::Refusal;
use super::frame::{Message, frame_size};
use super::place::Mark;
use super::room;

/// As many places a producer waits for in a full queue, for a moment, if consumers are at work: to
/// follow at their heels would cost both sides a look at the other's memory for each message.
const BATCH: u32 = 64;

impl End {
    /// Puts a message, waiting for room up to the deadline; `None` does not wait.
    #[inline]
    pub(crate) fn put(
        &self,
        message: &Message<'_>,
        deadline: Option<Deadline>,
    ) -> Result<(), Refusal> {
        self.check_receivers()?;
        let mut has_slept = false;
        let mut is_reluctant = deadline.is_some();
        loop {
            let mut producing = self.store.produce(deadline)?;
            producing.is_reluctant = is_reluctant;
            let Err(head) = producing.push(message, self.outbox())? else {
                drop(producing);
                self.has_put(has_slept);
                return Ok(());
            };
            let tail = producing.tail;
            drop(producing);
            if is_reluctant && !self.store.is_full() {
                self.linger(tail, message.bytes.len(), deadline);
                is_reluctant = false;
                continue;
            }
            self.wait_for_room(head, deadline)?;
            has_slept = true;
        }
    }

    /// Waits a moment for room in the tail's segment, if consumers are at work: what is there
    /// already is faster than what would have to be taken anew.
    #[cold]
    fn linger(&self, tail: Mark, len: usize, deadline: Option<Deadline>) {
        let store = &self.store;
        let Some(&end) = store.segments.lens().get(tail.place.segment) else { return };
        let has_room = || {
            let head = Mark::from_bits(store.control.head.load(SeqCst)).place;
            room::beside(tail.place, head, frame_size(len), end).is_some()
        };
        store.control.putters.spin(deadline.unwrap_or(Deadline::NEVER), has_room);
    }

    /// Puts the first of the messages, waiting for room up to the deadline, and as many of the
    /// others as there is room for then; returns how many. An error is that of the first.
    pub(crate) fn put_some<'m>(
        &self,
        messages: impl Iterator<Item = Message<'m>>,
        deadline: Option<Deadline>,
    ) -> Result<usize, Refusal> {
        self.check_receivers()?;
        let mut messages = messages.peekable();
        let mut has_slept = false;
        loop {
            let mut producing = self.store.produce(deadline)?;
            let mut put = 0;
            let mut outcome = Ok(Ok(()));
            while let (Ok(Ok(())), Some(message)) = (&outcome, messages.peek()) {
                outcome = producing.push(message, self.outbox());
                if matches!(outcome, Ok(Ok(()))) {
                    messages.next();
                    put += 1;
                }
            }
            drop(producing);
            if put > 0 {
                self.has_put(has_slept);
                return Ok(put);
            }
            let Err(head) = outcome? else { return Ok(0) };
            self.wait_for_room(head, deadline)?;
            has_slept = true;
        }
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

    /// Waits until the head has moved on.
    #[cold]
    pub(super) fn wait_for_room(
        &self,
        head: Mark,
        deadline: Option<Deadline>,
    ) -> Result<(), Refusal> {
        let Some(deadline) = deadline else {
            let is_over = self.has_hung_up();
            return Err(if is_over { Refusal::Disconnected } else { Refusal::TimedOut });
        };
        let control = &self.store.control;
        let seen = head.to_bits();
        let was_clogged = control.polled.is_clogged.load(SeqCst) != 0;
        let has_moved = || {
            let is_freed = was_clogged && control.polled.is_clogged.load(SeqCst) == 0;
            is_freed || control.head.load(SeqCst) != seen
        };
        let batch = (self.store.limits.messages / 4).clamp(1, BATCH);
        let has_moved_on = || {
            let now = Mark::from_bits(control.head.load(SeqCst));
            now.since(head) >= batch
        };
        if control.putters.spin(deadline, has_moved_on) {
            return Ok(());
        }
        let is_gone = || self.has_hung_up();
        super::waited(control.putters.wait(deadline, has_moved, is_gone))
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
