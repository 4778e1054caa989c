//! What a barrier is made of, and the word that says where it stands.
//!
//! One futex word holds the number of the round, and its phase:
//!
//! ```text
//!             the last arrives                  its action is done
//! (r, OPEN) --------------------> (r, ACTING) ----------------------> (r + 1, OPEN)
//!     |    \                          |                                    ^
//!     |     `---- without an action --|------------------------------------'
//!     v                               v               reset
//! (r + 1, BROKEN) <-------------------'    (r, BROKEN) -----> (r + 1, OPEN)
//! ```
//!
//! A round has ended when the number has changed; so those who wait sleep on the word. To break is
//! one exchange, which anybody can do at any time. All else is done with the lock: to arrive, which
//! is to write one's identity on the round's roll, to end a round well, and to reset. Whoever dies
//! with the lock has broken the barrier.

use mp_handle::Shared;

use crate::primitive::{AtomicU32, AtomicU64, LastCpu, Ordering};

/// The most parties of a barrier.
pub(super) const PARTIES_MAX: u32 = if cfg!(all(test, shuttle)) { 3 } else { 1000 };

pub(super) const OPEN: u32 = 0;
pub(super) const ACTING: u32 = 1;
/// And whatever is above.
pub(super) const BROKEN: u32 = 2;
pub(super) const PHASE: u32 = 3;
/// A round's unit, above the bits of the phase.
pub(super) const ROUND: u32 = 4;

/// How many rounds later its bit still says how a round ended.
pub(super) const REMEMBERED: u32 = 62;

/// How many rounds later nobody is told any more that a round ended well.
pub(super) const FORGOTTEN: u32 = 1 << 28;

/// The words in shared memory.
#[repr(C)]
#[derive(Default)]
pub(super) struct Words {
    /// How many have to come. It never changes.
    pub(super) parties: AtomicU32,
    pub(super) state: AtomicU32,
    /// How many have come, as long as the state is not `BROKEN`.
    pub(super) arrived: AtomicU32,
    /// How many took part in the last round: all, or none if there was none.
    pub(super) members: AtomicU32,
    /// A bit for each round, modulo 64.
    pub(super) passed: AtomicU64,
    /// The first round after the last reset, or a later one: none was broken and reset from here
    /// on.
    pub(super) unbroken_since: AtomicU32,
    reserved: AtomicU32,
    /// What broke it last.
    pub(super) cause: AtomicU64,
    /// Who ended the last even round, and the last odd one. Whoever comes last mostly comes first
    /// to the next round, so that two take turns.
    pub(super) ender_cpus: [LastCpu; 2],
}

/// Who came, in order: to the even rounds, and to the odd ones.
pub(super) type Rolls = [[AtomicU64; PARTIES_MAX as usize]; 2];

#[allow(unsafe_code)]
// SAFETY: atomics one behind the other without a gap, valid with any bits, repr(C).
unsafe impl Shared for Words {}

impl Words {
    /// Tells whether no reset has followed the round, which has ended.
    pub(super) fn is_unbroken(&self, round: u32) -> bool {
        age(self.unbroken_since.load(Ordering::Relaxed), round * ROUND) <= FORGOTTEN
    }

    /// Sees to it that the numbers of rounds, which wrap, never come round to `unbroken_since`;
    /// the caller has the lock, and is at `round`.
    pub(super) fn forget_before(&self, round: u32) {
        if !self.is_unbroken(round) {
            self.unbroken_since.store(round.wrapping_sub(FORGOTTEN / 2), Ordering::Relaxed);
        }
    }
}

/// Returns the beginning of the next round, without its phase.
pub(super) fn next(state: u32) -> u32 {
    (state & !PHASE).wrapping_add(ROUND)
}

/// Returns the bit in which the outcome of a round is kept.
pub(super) fn bit(round: u32) -> u64 {
    1 << (round % 64)
}

/// Tells how many rounds later the state is.
pub(super) fn age(round: u32, state: u32) -> u32 {
    (state / ROUND).wrapping_sub(round) & (u32::MAX / ROUND)
}
