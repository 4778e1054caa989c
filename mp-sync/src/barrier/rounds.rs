//! The rounds of a barrier: who has come, and how each round ended. The word that says where a
//! barrier stands is in `words`.
//!
//! # How a round ended
//!
//! The exchange that ends a round decides it. Who sees the next round's number sees it in the
//! phase: `BROKEN` or not. Who wakes up later finds it in a bit of `passed`, one for each of the
//! last rounds:
//!
//! 1. The bit of a round is set before the exchange that ends it well. That may fail.
//! 2. It is right before the state is two rounds further: only a reset goes on from `BROKEN`, and
//!    that clears the bit of the round that was broken.
//! 3. It is not used for another round until the state is `REMEMBERED` rounds further.
//!
//! Who sleeps for longer than that, while more than the parties take turns, knows that its round
//! ended well if no reset came after it. If one did, it may have been for that very round.
//!
//! # Who watches whom
//!
//! Each who waits looks at each slice whether the next who waits is alive; so at least one who
//! lives watches one who died, if any does. The rolls of this round and of the last are divided
//! among them, so that all together do no more work than one who looks at each name once.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use super::error::{BarrierError, BrokenBy};
use super::words::{ACTING, BROKEN, OPEN, PHASE, REMEMBERED, ROUND, Rolls, Words, age, bit, next};
use crate::outcome::Taken;
use crate::primitive::{AtomicU64, Deadline, Identity, LastCpu, Ordering, Robust};
use crate::primitive::{futex_wait, futex_wake, spin};

/// A barrier at work.
pub(super) struct Rounds<'a> {
    pub(super) words: &'a Words,
    pub(super) rolls: &'a Rolls,
    pub(super) lock: &'a Robust,
    /// How many have to come, at most `PARTIES_MAX`.
    pub(super) parties: u32,
}

/// What one finds at the barrier.
enum Arrival {
    /// Others have to come yet.
    Early { round: u32, index: u32 },
    /// All have come.
    Last,
    /// All have come, and the action is to be run.
    Leader { state: u32 },
    /// The action of the round before is running.
    Busy { round: u32 },
}

impl Rounds<'_> {
    /// Waits until all have come; returns how many came earlier. The last one runs its action.
    pub(super) fn wait<F: FnOnce()>(
        &self,
        deadline: Deadline,
        action: Option<F>,
    ) -> Result<u32, BarrierError> {
        loop {
            match self.arrive(deadline, action.is_some())? {
                Arrival::Early { round, index } => {
                    return self.outwait(round, index, deadline).map(|()| index);
                }
                Arrival::Last => break,
                Arrival::Leader { state } => {
                    self.act(state, action)?;
                    break;
                }
                // However that round ends, this one is not of it.
                Arrival::Busy { round } => match self.outwait(round, 0, deadline) {
                    Err(BarrierError::TimedOut) => return Err(BarrierError::TimedOut),
                    _ => continue,
                },
            }
        }
        futex_wake(&self.words.state, u32::MAX);
        Ok(self.parties - 1)
    }

    fn arrive(&self, deadline: Deadline, has_action: bool) -> Result<Arrival, BarrierError> {
        let arrived = self.locked(deadline, || self.sign(has_action))?;
        arrived.unwrap_or_else(|| {
            self.break_round(self.state() / ROUND, BrokenBy::Timeout);
            Err(BarrierError::TimedOut)
        })
    }

    /// Writes the caller on the roll; it has the lock.
    fn sign(&self, has_action: bool) -> Result<Arrival, BarrierError> {
        let state = self.state();
        let (round, index) = (state / ROUND, self.words.arrived.load(Ordering::Relaxed));
        if state & PHASE == ACTING {
            return Ok(Arrival::Busy { round });
        }
        if state & PHASE != OPEN || index >= self.parties {
            self.break_round(round, BrokenBy::Unknown);
            return Err(self.broken());
        }
        let me = Identity::current().to_bits();
        self.roll(round)[index as usize].store(me, Ordering::Relaxed);
        self.words.arrived.store(index + 1, Ordering::Release);
        if index + 1 < self.parties {
            return Ok(Arrival::Early { round, index });
        }
        if has_action {
            self.exchange(state, state | ACTING)?;
            return Ok(Arrival::Leader { state: state | ACTING });
        }
        self.complete(state)?;
        Ok(Arrival::Last)
    }

    /// Runs the action, while the others sleep.
    fn act<F: FnOnce()>(&self, state: u32, action: Option<F>) -> Result<(), BarrierError> {
        let run = || action.map(|action| action());
        if let Err(panic) = catch_unwind(AssertUnwindSafe(run)) {
            self.break_round(state / ROUND, BrokenBy::Panic);
            resume_unwind(panic);
        }
        self.locked_at_last(|| self.complete(state))?
    }

    /// Ends the round well; the caller has the lock, and wakes the others without it.
    fn complete(&self, state: u32) -> Result<(), BarrierError> {
        let passed = &self.words.passed;
        let round = state / ROUND;
        self.ender_cpu(round).record();
        passed.fetch_and(!bit(round + 1), Ordering::Relaxed);
        passed.fetch_or(bit(round), Ordering::Relaxed);
        self.words.forget_before(round);
        let completed = self.exchange(state, next(state) | OPEN);
        if completed.is_ok() {
            self.words.arrived.store(0, Ordering::Relaxed);
            self.words.members.store(self.parties, Ordering::Relaxed);
        }
        completed
    }

    /// Goes on to another state, unless the barrier has been broken.
    fn exchange(&self, from: u32, to: u32) -> Result<(), BarrierError> {
        let (success, failure) = (Ordering::AcqRel, Ordering::Acquire);
        let exchanged = self.words.state.compare_exchange(from, to, success, failure);
        exchanged.map(drop).map_err(|_| self.broken())
    }

    /// Waits until the round has ended.
    fn outwait(&self, round: u32, index: u32, deadline: Deadline) -> Result<(), BarrierError> {
        spin(self.ender_cpu(round), deadline, || self.state() / ROUND != round);
        loop {
            let seen = self.state();
            if seen / ROUND != round {
                return self.outcome(round, seen);
            }
            if deadline.is_expired() {
                if self.break_round(round, BrokenBy::Timeout) {
                    return Err(BarrierError::TimedOut);
                }
                return self.outcome(round, self.state());
            }
            futex_wait(&self.words.state, seen, deadline);
            if self.state() == seen {
                self.watch(round, index);
            }
        }
    }

    /// Tells how a round ended, of which `seen` is a later state.
    pub(super) fn outcome(&self, round: u32, seen: u32) -> Result<(), BarrierError> {
        let has_passed = match age(round, seen) {
            0 => false,
            1 => seen & PHASE < BROKEN,
            _ => {
                let passed = self.words.passed.load(Ordering::Acquire);
                let is_remembered = age(round, self.state()) <= REMEMBERED;
                if is_remembered { passed & bit(round) != 0 } else { self.words.is_unbroken(round) }
            }
        };
        if has_passed { Ok(()) } else { Err(self.broken()) }
    }

    /// Breaks the round if one of those is dead whom the `index`th to come has to watch, or one who
    /// was about to come, or to end the round, and had the lock for that.
    fn watch(&self, round: u32, index: u32) {
        if let Taken::OwnerDied(process) = self.lock.look() {
            self.break_round(round, BrokenBy::Death { process });
            return;
        }
        let Words { arrived, members, .. } = self.words;
        let arrived = arrived.load(Ordering::Acquire).min(self.parties);
        let members = members.load(Ordering::Acquire).min(self.parties);
        // The last to come runs the action, and watches nobody.
        let watchers = arrived.min(self.parties - 1).max(1);
        let share = |count: u32| (0..count).filter(move |i| i % watchers == (index + 1) % watchers);
        let now = share(arrived).map(|i| &self.roll(round)[i as usize]);
        let before = share(members).map(|i| &self.roll(round.wrapping_sub(1))[i as usize]);
        let watched =
            now.chain(before).map(|name| Identity::from_bits(name.load(Ordering::Relaxed)));
        if let Some(dead) = watched.into_iter().find(|identity| identity.is_dead()) {
            self.break_round(round, BrokenBy::Death { process: Some(dead.pid()) });
        }
    }

    /// Breaks the round, if it has not ended yet; tells whether it did.
    fn break_round(&self, round: u32, by: BrokenBy) -> bool {
        let broken = |seen: u32| {
            let is_on = seen / ROUND == round && seen & PHASE < BROKEN;
            is_on.then(|| next(seen) | BROKEN)
        };
        if broken(self.state()).is_none() {
            return false;
        }
        self.words.cause.store(by.to_bits(), Ordering::Relaxed);
        let state = &self.words.state;
        let broke = state.fetch_update(Ordering::AcqRel, Ordering::Acquire, broken).is_ok();
        if broke {
            futex_wake(state, u32::MAX);
        }
        broke
    }

    /// Breaks the barrier, if it is not broken.
    pub(super) fn abort(&self) {
        while !self.is_broken() && !self.break_round(self.state() / ROUND, BrokenBy::Abort) {}
    }

    /// Begins anew, without anybody.
    pub(super) fn reset(&self) -> Result<(), BarrierError> {
        self.locked_at_last(|| {
            self.break_round(self.state() / ROUND, BrokenBy::Reset);
            // It is broken now, and who could change that has to have the lock.
            let state = self.state();
            let broken = bit((state / ROUND).wrapping_sub(1)) | bit(state / ROUND);
            let fresh = bit(state / ROUND + 1);
            self.words.passed.fetch_and(!(broken | fresh), Ordering::Relaxed);
            self.words.arrived.store(0, Ordering::Relaxed);
            self.words.members.store(0, Ordering::Relaxed);
            self.words.unbroken_since.store(state / ROUND + 1, Ordering::Relaxed);
            self.words.state.store(next(state) | OPEN, Ordering::Release);
        })
    }

    pub(super) fn is_broken(&self) -> bool {
        self.state() & PHASE >= BROKEN
    }

    /// Counts those who have come and wait for others.
    pub(super) fn waiting(&self) -> u32 {
        let arrived = self.words.arrived.load(Ordering::Acquire).min(self.parties);
        if self.is_broken() { 0 } else { arrived }
    }

    fn locked_at_last<R>(&self, mut work: impl FnMut() -> R) -> Result<R, BarrierError> {
        loop {
            if let Some(result) = self.locked(Deadline::NEVER, &mut work)? {
                return Ok(result);
            }
        }
    }

    /// Does the work with the lock, if it is to be had before the deadline.
    fn locked<R>(
        &self,
        deadline: Deadline,
        work: impl FnOnce() -> R,
    ) -> Result<Option<R>, BarrierError> {
        let Some(taken) = self.lock.lock(deadline)? else { return Ok(None) };
        if let Taken::OwnerDied(process) = taken {
            self.break_round(self.state() / ROUND, BrokenBy::Death { process });
            self.lock.recover();
        }
        let result = work();
        self.lock.unlock();
        Ok(Some(result))
    }

    fn state(&self) -> u32 {
        self.words.state.load(Ordering::Acquire)
    }

    fn roll(&self, round: u32) -> &[AtomicU64] {
        &self.rolls[round as usize % 2]
    }

    fn ender_cpu(&self, round: u32) -> &LastCpu {
        &self.words.ender_cpus[round as usize % 2]
    }

    fn broken(&self) -> BarrierError {
        BarrierError::Broken(BrokenBy::from_bits(self.words.cause.load(Ordering::Relaxed)))
    }
}
