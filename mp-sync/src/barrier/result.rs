//! What one learns at a barrier.

/// What [`Barrier::wait`](super::Barrier::wait) returns when all have come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BarrierWaitResult {
    index: u32,
    parties: u32,
}

impl BarrierWaitResult {
    pub(super) fn new(index: u32, parties: u32) -> Self {
        BarrierWaitResult { index, parties }
    }

    /// Returns how many of this round came earlier: another number for each of them.
    #[must_use]
    pub fn index(&self) -> u32 {
        self.index
    }

    /// Tells whether this is the leader, the last who came, of which each round has one.
    #[must_use]
    pub fn is_leader(&self) -> bool {
        self.index + 1 == self.parties
    }
}
