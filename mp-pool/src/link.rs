//! The way from a worker to its parent.

use mp_handle::{Bell, Deadline, Parcel, Post, Producer, PushError};

use crate::copies;
use crate::frames::{RESULT_HEADER, ResultFrame, Status};
use crate::insight::Reporter;
use crate::protocol::{Item, Words};
use crate::run::describe;

/// The way to the parent.
pub(crate) struct Link {
    pub(crate) words: Words,
    pub(crate) bell: Bell,
    pub(crate) results: Producer,
    pub(crate) post: Post,
    pub(crate) reporter: Option<Reporter>,
}

impl Link {
    /// Whether the parent wants to know of each item how long it took.
    pub(crate) fn is_timed(&self) -> bool {
        self.reporter.is_some()
    }

    /// Wakes the parent for what was told so far, unless somebody there takes it at once: a caller
    /// who waits looks for a moment by itself.
    #[inline]
    pub(crate) fn ring(&self) {
        self.bell.ring_unless(|| self.results.is_taken_soon());
    }

    /// Tells the parent what became of an item; waits for room if there is none.
    #[inline]
    pub(crate) fn push(&mut self, item: Item, status: Status, parcel: &Parcel) {
        copies::end_if_copy();
        if let Some(reporter) = &mut self.reporter {
            // The next item begins now.
            self.words.set_started(reporter.end(status != Status::Returned));
        }
        self.answer(item, status, parcel);
    }

    #[inline]
    fn answer(&mut self, item: Item, status: Status, parcel: &Parcel) {
        let bytes = parcel.bytes();
        let header = ResultFrame::header(item, status, false);
        let is_plain = parcel.descriptors().is_empty();
        if !(is_plain && self.results.try_push(&[&header, bytes]).is_ok()) {
            self.push_slow(item, status, parcel);
        }
    }

    /// There is no room, or the parcel has to go over the socket.
    #[cold]
    fn push_slow(&mut self, item: Item, status: Status, parcel: &Parcel) {
        let large = parcel.bytes().len() > self.results.max_frame() - RESULT_HEADER;
        let spilled = large || !parcel.descriptors().is_empty();
        if spilled && let Err(reason) = self.send(item.tag(), parcel) {
            let mut answer = Parcel::new();
            let status = describe(&mut answer, Status::NotEncoded, &reason);
            return self.answer(item, status, &answer);
        }
        let bytes = if spilled { &[][..] } else { parcel.bytes() };
        self.push_frame(&[&ResultFrame::header(item, status, spilled), bytes]);
    }

    /// Pushes a frame; waits for room if there is none.
    pub(crate) fn push_frame(&mut self, parts: &[&[u8]]) {
        copies::end_if_copy();
        while let Err(error) = self.results.try_push(parts) {
            match error {
                PushError::Full => {
                    self.bell.ring();
                    let len = parts.iter().map(|part| part.len()).sum();
                    // Without the parent there is no worker either.
                    let _ = self.results.wait_space(len, Deadline::NEVER, || true);
                }
                error => panic!("the parent has spoilt the result ring: {error}"),
            }
        }
    }

    /// Sends what the finalizer has returned, or why that cannot be sent.
    pub(crate) fn farewell(&self, status: Status, parcel: &Parcel) {
        copies::end_if_copy();
        if let Err(reason) = self.send(status.farewell_tag(), parcel) {
            let mut answer = Parcel::new();
            let status = describe(&mut answer, Status::NotEncoded, &reason);
            // Nobody is there to hear if this cannot be sent either.
            let _ = self.send(status.farewell_tag(), &answer);
        }
    }

    fn send(&self, tag: u64, parcel: &Parcel) -> Result<(), String> {
        while let Err(error) = self.post.send(tag, parcel) {
            if error.kind() != std::io::ErrorKind::WouldBlock {
                return Err(format!("the result cannot be sent: {error}"));
            }
            self.bell.ring();
            wait_writable(&self.post);
        }
        Ok(())
    }
}

fn wait_writable(post: &Post) {
    use rustix::event::{PollFd, PollFlags, Timespec};
    let slice = Timespec { tv_sec: 0, tv_nsec: mp_handle::SLICE.subsec_nanos().into() };
    // Whatever it says, the caller looks again.
    let _ = rustix::event::poll(&mut [PollFd::new(post, PollFlags::OUT)], Some(&slice));
}
