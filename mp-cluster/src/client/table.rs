//! What a client has handed over and has no result of yet.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use mp_pool::{Chunk, Job, TaskError, TaskErrorKind};

/// What a client has handed over and has no result of yet. It keeps all of that, so that it can
/// hand it over once more if the servers lose it.
#[derive(Debug, Default)]
pub(crate) struct Table {
    next: u64,
    unfinished: HashMap<u64, Unfinished>,
    /// The numbers of the chunks of each call, by the address of its job.
    of_call: HashMap<usize, BTreeSet<u64>>,
    /// Chunks that were given up before the server had said where they are.
    given_up: HashSet<u64>,
    /// Calls that are still handing in their chunks.
    pub(crate) arriving: usize,
    pub(crate) is_closed: bool,
    /// Why nothing is taken any more.
    pub(crate) refusal: Option<TaskError>,
    /// The thread has ended, and has cleared up.
    pub(crate) is_over: bool,
    /// Chunks that have ended so far.
    pub(crate) ended: u64,
    /// Figures of items.
    pub(crate) received: u64,
    pub(crate) finished: u64,
    pub(crate) lost: u64,
}

/// A chunk without a result.
#[derive(Debug)]
pub(crate) struct Unfinished {
    pub(crate) chunk: Chunk,
    /// Where in the stream it is, once the server has it.
    pub(crate) sequence: Option<u64>,
    /// An agent has said that it runs.
    pub(crate) has_begun: bool,
    /// How often it was begun, of what is known.
    pub(crate) attempts: u32,
    /// How often it was handed over anew.
    pub(crate) epoch: u32,
    /// Its result has come, and is being fetched from the store.
    pub(crate) is_fetched: bool,
}

impl Table {
    /// A number that no chunk has had.
    pub(crate) fn next_number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// Takes a chunk, under a number of its own.
    pub(crate) fn insert(&mut self, number: u64, chunk: Chunk) {
        self.received += chunk.places().len() as u64;
        self.of_call.entry(address(chunk.job())).or_default().insert(number);
        let unfinished = Unfinished {
            chunk,
            sequence: None,
            has_begun: false,
            attempts: 1,
            epoch: 0,
            is_fetched: false,
        };
        self.unfinished.insert(number, unfinished);
    }

    /// Takes a chunk out, since it has ended.
    pub(crate) fn remove(&mut self, number: u64) -> Option<Unfinished> {
        let unfinished = self.unfinished.remove(&number)?;
        let call = address(unfinished.chunk.job());
        if let Some(numbers) = self.of_call.get_mut(&call) {
            numbers.remove(&number);
            if numbers.is_empty() {
                self.of_call.remove(&call);
            }
        }
        self.ended += 1;
        Some(unfinished)
    }

    /// Takes a chunk out, since nobody wants it any more.
    pub(crate) fn give_up(&mut self, number: u64) -> Option<Unfinished> {
        let unfinished = self.remove(number)?;
        if unfinished.sequence.is_none() {
            self.given_up.insert(number);
        }
        Some(unfinished)
    }

    /// The server has taken a chunk; returns whether it is to forget it again.
    pub(crate) fn confirm(&mut self, number: u64, sequence: u64) -> bool {
        if let Some(unfinished) = self.unfinished.get_mut(&number) {
            unfinished.sequence = Some(sequence);
        }
        self.given_up.remove(&number)
    }

    /// The server never gets a chunk.
    pub(crate) fn forget(&mut self, number: u64) {
        self.given_up.remove(&number);
    }

    pub(crate) fn get(&self, number: u64) -> Option<&Unfinished> {
        self.unfinished.get(&number)
    }

    pub(crate) fn get_mut(&mut self, number: u64) -> Option<&mut Unfinished> {
        self.unfinished.get_mut(&number)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.unfinished.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (u64, &Unfinished)> {
        self.unfinished.iter().map(|(&number, unfinished)| (number, unfinished))
    }

    /// The chunks of a call that have no result.
    pub(crate) fn of(&self, job: &Arc<Job>) -> Vec<u64> {
        self.of_call.get(&address(job)).into_iter().flatten().copied().collect()
    }

    /// Whether nothing will come any more.
    pub(crate) fn is_done(&self) -> bool {
        let is_still = self.arriving == 0 || self.refusal.is_some();
        self.is_closed && is_still && self.unfinished.is_empty()
    }

    /// Takes all chunks out, and answers for them.
    pub(crate) fn fail_all(&mut self, error: &TaskError) {
        for (_, unfinished) in self.unfinished.drain() {
            self.ended += 1;
            self.lost += unfinished.chunk.places().len() as u64;
            unfinished.chunk.fail(error);
        }
        self.of_call.clear();
    }

    /// Why calls are not let in, if they are not.
    pub(crate) fn refuses(&self) -> Option<TaskError> {
        match &self.refusal {
            Some(error) if error.kind != TaskErrorKind::Cancelled => Some(error.clone()),
            _ if self.is_closed => Some(TaskErrorKind::PoolClosed.into()),
            _ => None,
        }
    }
}

/// A chunk keeps its job, so that no other one comes to the same address meanwhile.
fn address(job: &Arc<Job>) -> usize {
    Arc::as_ptr(job) as usize
}
