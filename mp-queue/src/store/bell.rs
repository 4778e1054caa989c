//! Bells: packets that make an end of the socket readable, for those who poll instead of sleeping.
//!
//! Whoever polls says so in a word of the store (it arms); whoever changes something looks at the
//! word, takes it back and sends a packet. A packet wakes all who poll, and they look for themselves.
//!
//! | bell | word | rung by | readable becomes |
//! |---|---|---|---|
//! | there is a message | `is_polled` | producers | the consumers' end |
//! | there is room | `is_room_polled` | consumers | the producers' end |
//! | all is done | `is_done_polled` | who says that the last one is done | the producers' end |
//!
//! The other side's change and its look at the word are sequentially consistent, and so are the
//! word and the look that follows it here, so one of the two sees the other. A bell that was owed by
//! one who was killed never rings: nobody waits for one longer than a slice.

use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::Ordering::SeqCst;

use mp_handle::{Parcel, Post};

use super::End;
use crate::primitive::AtomicU32;

/// The tag of a bell; those of packets with something in them are greater.
const BELL: u64 = 0;

impl End {
    /// Makes the consumers' end readable, for one who polls it.
    #[cold]
    pub(crate) fn ring(&self) {
        ring(&self.store.control.polled.is_polled, self.outbox());
    }

    /// Makes the producers' end readable, for one who waits for room.
    #[cold]
    pub(super) fn ring_for_room(&self) {
        ring(&self.store.control.polled.is_room_polled, self.inbox());
    }

    /// Counts one message as done, as [`task_done`](super::Store::task_done), and tells those who
    /// poll if it was the last.
    pub(crate) fn task_done(&self) -> bool {
        let is_done = self.store.task_done();
        let word = &self.store.control.polled.is_done_polled;
        if is_done && word.load(SeqCst) != 0 && self.store.unfinished() == 0 {
            ring(word, self.inbox());
        }
        is_done
    }

    /// Sees to it that the consumers' end becomes readable when the next message is put; tells
    /// whether there is one already.
    pub(crate) fn arm(&self) -> bool {
        let polled = &self.store.control.polled;
        if polled.is_clogged.load(SeqCst) == 0 {
            self.purge();
        } else {
            self.unclog();
        }
        polled.is_polled.store(1, SeqCst);
        !self.store.is_empty()
    }
}

impl AsFd for End {
    /// Returns the descriptor that [`arm`](Self::arm) is for.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.inbox().as_fd()
    }
}

fn ring(word: &AtomicU32, from: &Post) {
    if word.swap(0, SeqCst) != 0 {
        // If there is no room in it, it is readable.
        let _ = from.send(BELL, &Parcel::from_parts(Vec::new(), Vec::new()));
    }
}
