//! A producer's turn: to become the one producer, and to wait while there is no room.

use std::hint;
use std::sync::atomic::Ordering::SeqCst;

use mp_handle::Deadline;

use super::End;
use super::error::Refusal;
use super::frame::frame_size;
use super::place::Mark;
use super::produce::Producing;
use super::room;

/// A producer that waits for consumers at work waits for room for so many messages, or for a part
/// of what there could be: to follow at their heels would cost both sides a look at the other's
/// memory for each message.
const BATCH: u32 = 64;
const PART: u32 = 4;

/// As often it pauses between two looks, each of which takes the line of the head away from the
/// consumer.
const PAUSES: u32 = 32;

/// What was done in a turn.
pub(super) struct Turn<'a, R> {
    pub(super) producing: Producing<'a>,
    pub(super) result: R,
    pub(super) has_slept: bool,
}

impl End {
    /// Lets `work` put something, for the first of which there must be room for `len` bytes;
    /// waits for that up to the deadline. `None` does not wait.
    ///
    /// The work says of no room by the head that must move on before there is some.
    #[inline(always)]
    pub(super) fn turn<'s, R>(
        &'s self,
        len: usize,
        deadline: Option<Deadline>,
        mut work: impl FnMut(&mut Producing<'s>) -> Result<Result<R, Mark>, Refusal>,
    ) -> Result<Turn<'s, R>, Refusal> {
        self.check_receivers()?;
        let mut has_slept = false;
        let mut is_reluctant = deadline.is_some();
        loop {
            let mut producing = self.store.produce(deadline)?;
            producing.is_reluctant = is_reluctant;
            let head = match work(&mut producing)? {
                Ok(result) => return Ok(Turn { producing, result, has_slept }),
                Err(head) => head,
            };
            let tail = producing.tail;
            drop(producing);
            if is_reluctant && !self.store.is_full() {
                self.linger(tail, len, deadline);
                is_reluctant = false;
            } else {
                self.wait_for_room(head, deadline)?;
                has_slept = true;
            }
        }
    }

    /// Waits a moment for room in the tail's segment, if consumers are at work: what is there
    /// already is faster than what would have to be taken anew.
    #[cold]
    fn linger(&self, tail: Mark, len: usize, deadline: Option<Deadline>) {
        let store = &self.store;
        let Some(&end) = store.segments.lens().get(tail.place.segment) else { return };
        let size = frame_size(len);
        let batch = size.saturating_mul(BATCH as usize).min(end / PART as usize).max(size);
        let has_room = || {
            let head = Mark::from_bits(store.control.head.load(SeqCst)).place;
            room::beside(tail.place, head, batch, end).is_some()
        };
        store
            .control
            .putters
            .spin(deadline.unwrap_or(Deadline::NEVER), rarely(batch > size, has_room));
    }

    /// Waits until the head has moved on.
    #[cold]
    fn wait_for_room(&self, head: Mark, deadline: Option<Deadline>) -> Result<(), Refusal> {
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
        let batch = (self.store.limits.messages / PART).clamp(1, BATCH);
        let has_moved_on = || {
            let now = Mark::from_bits(control.head.load(SeqCst));
            now.since(head) >= batch
        };
        if control.putters.spin(deadline, rarely(batch > 1, has_moved_on)) {
            return Ok(());
        }
        let is_gone = || self.has_hung_up();
        super::waited(control.putters.wait(deadline, has_moved, is_gone))
    }
}

/// Pauses after each look that is in vain, if much is waited for.
fn rarely(is_much: bool, mut look: impl FnMut() -> bool) -> impl FnMut() -> bool {
    let pauses = if is_much { PAUSES } else { 0 };
    move || {
        let is_ready = look();
        if !is_ready {
            (0..pauses).for_each(|_| hint::spin_loop());
        }
        is_ready
    }
}
