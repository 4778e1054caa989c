//! What an agent has at the moment, and what it had.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use async_nats::{Message, Subject};
use mp_pool::Job;

use crate::message::ClientId;
use crate::names::Lane;

/// A chunk that an agent has.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) client: ClientId,
    /// The client's number for it.
    pub(super) number: u64,
    pub(super) lane: Lane,
    /// Where its lease is extended, and ended.
    pub(super) lease: Subject,
    /// How often it was delivered, to whomever.
    pub(super) deliveries: u64,
    /// What came, until it runs.
    pub(super) message: Option<Message>,
    /// When it came to the workers.
    pub(super) began: Instant,
    /// Once it is with the workers.
    pub(super) job: Option<Arc<Job>>,
    /// The client was told that it runs.
    pub(super) is_told: bool,
    /// The client does not want it any more.
    pub(super) is_dropped: bool,
    /// It runs as one of those that were lost before.
    pub(super) is_suspect: bool,
}

/// How many chunks an agent remembers.
const MEMORY: usize = 1 << 14;

/// The chunks that were delivered last, or are not wanted: if one comes, since its acknowledgment
/// got lost or nobody could stop it, it need not be run.
#[derive(Debug, Default)]
pub(super) struct Recent {
    known: HashSet<(ClientId, u64)>,
    order: VecDeque<(ClientId, u64)>,
}

impl Recent {
    pub(super) fn add(&mut self, client: ClientId, number: u64) {
        if !self.known.insert((client, number)) {
            return;
        }
        self.order.push_back((client, number));
        if self.order.len() > MEMORY
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
    }

    pub(super) fn contains(&self, client: ClientId, number: u64) -> bool {
        self.known.contains(&(client, number))
    }
}
