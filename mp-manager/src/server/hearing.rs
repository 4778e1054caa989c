//! What was told before counts for what is asked.
//!
//! Who drops a guard or a proxy tells the server so, and goes on: it may say elsewhere that the
//! lock is free, or end. Whoever hears of that and asks the server could be served first. So a
//! question about what others give back, and a wait that has no time, are answered when everybody
//! was heard once more: after a look at the sockets, and one more pass over all clients.

use super::line::Frame;
use super::state::State;
use crate::objects::ClientId;

/// A question that waits until everybody was heard.
pub(super) struct Question {
    /// In which pass it came.
    pass: u64,
    client: ClientId,
    frame: Vec<u8>,
}

impl State {
    /// Everybody is heard, from now on.
    pub(super) fn begin_pass(&mut self) {
        self.pass += 1;
    }

    /// Everybody was heard: answers what was asked before that.
    pub(super) fn end_pass(&mut self) {
        self.expire();
        let count = self.questions.partition_point(|question| question.pass < self.pass);
        for Question { client, frame, .. } in self.questions.drain(..count).collect::<Vec<_>>() {
            self.has_heard = true;
            let errand = self.serve(client, &Frame { bytes: frame, descriptors: Vec::new() });
            self.has_heard = false;
            debug_assert!(errand.is_none(), "no question runs a function");
        }
    }

    /// Whether somebody is to be answered when everybody was heard.
    pub(super) fn is_asked(&self) -> bool {
        !self.questions.is_empty() || self.next_deadline().is_expired()
    }

    /// Serves a question later.
    pub(super) fn ask_later(&mut self, client: ClientId, frame: &[u8]) {
        self.questions.push(Question { pass: self.pass, client, frame: frame.to_vec() });
    }
}
