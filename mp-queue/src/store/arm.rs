//! The bells for those who wait for room, or until all is done; see [`bell`](super::bell).

use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::fence;

use super::End;
use crate::primitive::AtomicU32;

/// More bells than any socket holds.
const BELLS: u32 = 1 << 16;

impl End {
    /// Sees to it that the producers' end becomes readable when the next message is taken.
    pub(crate) fn arm_for_room(&self) {
        self.arm_outbox(&self.store.control.polled.is_room_polled);
    }

    /// Sees to it that the producers' end becomes readable when all messages are done.
    pub(crate) fn arm_for_done(&self) {
        self.arm_outbox(&self.store.control.polled.is_done_polled);
    }

    /// Nothing but bells comes to that end, so those that have rung are thrown away first.
    fn arm_outbox(&self, word: &AtomicU32) {
        for _ in 0..BELLS {
            if !self.outbox().peek().is_ok_and(|packet| packet.is_some()) {
                break;
            }
            if self.outbox().discard().is_err() {
                break;
            }
        }
        word.store(1, SeqCst);
        fence(SeqCst);
    }

    /// Returns the descriptor that becomes readable with what [`arm_for_room`](Self::arm_for_room)
    /// and [`arm_for_done`](Self::arm_for_done) are for.
    pub(crate) fn producers_fd(&self) -> BorrowedFd<'_> {
        self.outbox().as_fd()
    }
}
