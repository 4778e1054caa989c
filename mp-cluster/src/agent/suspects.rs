//! Chunks that come once more, since whoever had them was lost: one of them may be why.
//!
//! The client counts how often a chunk was begun, and gives it up in the end. So that others which
//! were there when an agent died do not count as guilty, none is announced before it begins, few of
//! them run at a time, and who has seen two agents die runs apart from all others of this kind.

use std::collections::VecDeque;

use super::{Agent, News};
use crate::message::{Returned, encode_results};

/// A chunk that was delivered so often runs apart.
const DUBIOUS: u64 = 3;

/// Those that wait, and what runs of them.
#[derive(Debug, Default)]
pub(super) struct Suspects {
    waiting: VecDeque<u64>,
    running: usize,
    /// The one that runs is to be the only one.
    is_apart: bool,
}

impl Suspects {
    pub(super) fn add(&mut self, key: u64) {
        self.waiting.push_back(key);
    }

    /// One of those that run is over.
    pub(super) fn end(&mut self) {
        self.running -= 1;
        self.is_apart = false;
    }

    /// Whether one that was delivered so often may run now.
    fn admits(&self, deliveries: u64, workers: usize) -> bool {
        let most = if deliveries >= DUBIOUS { 1 } else { workers };
        !self.is_apart && self.running < most
    }
}

impl Agent {
    /// Begins those that may begin.
    pub(super) fn try_suspects(&mut self) {
        while let Some(&key) = self.suspects.waiting.front() {
            let Some(held) = self.held.get_mut(&key) else {
                // It was dropped while it waited.
                self.suspects.waiting.pop_front();
                continue;
            };
            if !self.suspects.admits(held.deliveries, self.workers) {
                return;
            }
            held.is_suspect = true;
            self.suspects.waiting.pop_front();
            self.suspects.running += 1;
            self.suspects.is_apart = held.deliveries >= DUBIOUS;
            self.announce(key);
        }
    }

    /// Tells the client that a chunk is about to begin once more.
    fn announce(&self, key: u64) {
        let Some(held) = self.held.get(&key) else { return };
        let again: [(u64, Returned<&[u8]>); 1] = [(held.number, Returned::Again)];
        let message = encode_results(held.client, &self.host, &again);
        let delivery = self.deliver(held.client, message);
        let news = self.news.clone();
        tokio::spawn(async move {
            delivery.await;
            let _ = news.send(News::Announced(key));
        });
    }
}

#[cfg(test)]
mod tests {
    use super::Suspects;

    #[test]
    fn who_has_seen_two_agents_die_runs_apart() {
        let mut suspects = Suspects::default();
        assert!(suspects.admits(2, 4) && suspects.admits(3, 4));
        suspects.running = 1;
        assert!(suspects.admits(2, 4) && !suspects.admits(3, 4));
        suspects.is_apart = true;
        assert!(!suspects.admits(2, 4));
        suspects.end();
        assert!(suspects.admits(3, 4));
    }
}
