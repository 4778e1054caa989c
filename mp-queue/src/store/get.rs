//! To get: the consumer's work with the waiting around it.

use std::sync::atomic::Ordering::SeqCst;

use mp_handle::{Deadline, Parcel};

use super::End;
use super::consume::{Consuming, Next};
use super::error::Refusal;
use super::frame::{Content, Kind};
use super::pace::Pace;
use super::place::Mark;

/// As many bytes are taken at once, so that the lock is not held for long.
const BATCH: usize = 1 << 20;

/// A message that was taken.
#[derive(Debug)]
pub(crate) struct Arrived {
    pub(crate) content: Content,
    pub(crate) parcel: Parcel,
}

impl End {
    /// Gets the next message, waiting for it up to the deadline; `None` does not wait.
    #[inline]
    pub(crate) fn get(&self, deadline: Option<Deadline>) -> Result<Arrived, Refusal> {
        self.get_with(deadline, |consuming, found| self.take(consuming, found))
    }

    #[inline(always)]
    fn take(&self, consuming: &mut Consuming<'_>, found: Next) -> Result<Arrived, Refusal> {
        let content = found.content();
        let mut parcel = match content {
            Content::Encoded => Parcel::new(),
            // The bytes will be the user's: they get a buffer of their own.
            Content::Raw => Parcel::from_parts(Vec::new(), Vec::new()),
        };
        if let Some(posted) = consuming.take(found, parcel.bytes_mut(), self)? {
            parcel = assemble(parcel, posted);
        }
        Ok(Arrived { content, parcel })
    }

    /// Gets the next message to the end of `buffer` if it is one of bytes that are in their place;
    /// else returns it.
    pub(crate) fn get_into(
        &self,
        buffer: &mut Vec<u8>,
        deadline: Option<Deadline>,
    ) -> Result<Option<Arrived>, Refusal> {
        self.get_with(deadline, |consuming, found| match found.kind {
            Kind::Whole(Content::Raw) => consuming.take(found, buffer, self).map(|_| None),
            _ => self.take(consuming, found).map(Some),
        })
    }

    /// Gets the next message, waiting for it up to the deadline, and those that are there with it,
    /// up to `max` of them, and to [`BATCH`] bytes. An error is that of the first.
    pub(crate) fn get_some(
        &self,
        max: usize,
        deadline: Option<Deadline>,
    ) -> Result<Vec<Arrived>, Refusal> {
        self.get_with(deadline, |consuming, found| {
            let mut bytes = found.len;
            let mut some = vec![self.take(consuming, found)?];
            while some.len() < max && bytes < BATCH {
                let Ok(Some(found)) = consuming.find() else { break };
                let Ok(arrived) = self.take(consuming, found) else { break };
                bytes += found.len;
                some.push(arrived);
            }
            Ok(some)
        })
    }

    /// Gets the next message by `work`, which takes it or leaves it.
    #[inline(always)]
    pub(super) fn get_with<R>(
        &self,
        deadline: Option<Deadline>,
        work: impl FnOnce(&mut Consuming<'_>, Next) -> Result<R, Refusal>,
    ) -> Result<R, Refusal> {
        let (mut consuming, found, has_slept) = self.next(deadline)?;
        let before = consuming.head;
        let result = work(&mut consuming, found);
        let after = consuming.head;
        drop(consuming);
        self.has_got(before, after, has_slept);
        result
    }

    /// Finds the next message, waiting for it up to the deadline; tells whether there was a wait.
    #[inline(always)]
    pub(super) fn next(
        &self,
        deadline: Option<Deadline>,
    ) -> Result<(Consuming<'_>, Next, bool), Refusal> {
        let mut has_slept = false;
        loop {
            let mut consuming = self.store.consume(deadline)?;
            if let Some(found) = consuming.find()? {
                return Ok((consuming, found, has_slept));
            }
            drop(consuming);
            self.wait_for_message(deadline)?;
            has_slept = true;
        }
    }

    /// Tells others that there is room.
    #[inline]
    pub(super) fn has_got(&self, before: Mark, after: Mark, has_slept: bool) {
        let store = &self.store;
        if before != after {
            store.control.putters.notify();
            if store.control.polled.is_room_polled.load(SeqCst) != 0 {
                self.ring_for_room();
            }
        }
        if has_slept {
            store.control.getters.pass_on(|| !store.is_empty());
        }
        let left = before.place.segment;
        if left != after.place.segment && store.segments.is_large(left) {
            store.release(left);
        }
    }

    /// Waits until there is a message.
    fn wait_for_message(&self, deadline: Option<Deadline>) -> Result<(), Refusal> {
        let Some(deadline) = deadline else {
            let is_over = self.has_hung_up() && self.store.is_empty();
            return Err(if is_over { Refusal::Disconnected } else { Refusal::TimedOut });
        };
        let getters = &self.store.control.getters;
        let is_there = || !self.store.is_empty();
        let (is_time, mut has_rested) = (self.pace.is_time(), false);
        let rest_and_look = || {
            if is_time && !has_rested {
                Pace::rest();
                has_rested = true;
            }
            is_there()
        };
        let is_ready = getters.spin(deadline, rest_and_look);
        if has_rested {
            self.pace.learn(self.store.len());
        }
        if is_ready {
            return Ok(());
        }
        let is_gone = || {
            if self.store.control.polled.is_clogged.load(SeqCst) != 0 {
                self.unclog();
            }
            self.has_hung_up()
        };
        super::waited(getters.wait(deadline, is_there, is_gone))
    }
}

/// Makes one parcel of what was in the frame and what was posted.
#[cold]
fn assemble(framed: Parcel, posted: Parcel) -> Parcel {
    if framed.bytes().is_empty() {
        return posted;
    }
    Parcel::from_parts(framed.into_parts().0, posted.into_parts().1)
}
