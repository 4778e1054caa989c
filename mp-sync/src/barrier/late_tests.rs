//! Those who wake up many rounds after their own, as they may where more than the parties take
//! turns.

use super::Barrier;
use super::words::{FORGOTTEN, REMEMBERED, ROUND};
use crate::primitive::Ordering;

fn pass(barrier: &Barrier, rounds: u32) {
    for _ in 0..rounds {
        barrier.wait().unwrap();
    }
}

fn round(barrier: &Barrier) -> u32 {
    barrier.inner.words.state.load(Ordering::Relaxed) / ROUND
}

/// Whether who slept from `round` until now is told that it has passed.
fn has_passed(barrier: &Barrier, round: u32) -> bool {
    let now = barrier.inner.words.state.load(Ordering::Relaxed);
    barrier.rounds().outcome(round, now).is_ok()
}

#[test]
fn a_round_that_ended_well_long_ago_has_passed() {
    let barrier = Barrier::new(1).unwrap();
    pass(&barrier, 3 * REMEMBERED);
    assert!((0..3 * REMEMBERED).all(|round| has_passed(&barrier, round)));
}

#[test]
fn a_round_that_broke_long_ago_has_not_passed() {
    let barrier = Barrier::new(1).unwrap();
    pass(&barrier, 10);
    let broken = round(&barrier);
    barrier.abort();
    barrier.reset().unwrap();
    let first = round(&barrier);
    pass(&barrier, 3 * REMEMBERED);
    assert!(!has_passed(&barrier, broken));
    assert!((first..round(&barrier)).all(|round| has_passed(&barrier, round)));
}

#[test]
fn it_holds_where_the_numbers_wrap() {
    let barrier = Barrier::new(1).unwrap();
    let step = FORGOTTEN / 4;
    for turn in 1..=40_u32 {
        let begin = turn.wrapping_mul(step).wrapping_mul(ROUND);
        barrier.inner.words.state.store(begin, Ordering::Relaxed);
        let first = round(&barrier);
        pass(&barrier, 2 * REMEMBERED);
        assert!((0..2 * REMEMBERED).all(|late| has_passed(&barrier, first + late)), "{turn}");
    }
}
