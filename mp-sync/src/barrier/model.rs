//! The rounds of a barrier under the model checker.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use super::error::{BarrierError, BrokenBy};
use super::rounds::Rounds;
use super::words::{Rolls, Words};
use crate::primitive::model::{check, spawn, spawn_doomed};
use crate::primitive::{AtomicU64, Deadline, Identity, Robust};

const ROUNDS: u32 = 3;

#[derive(Clone)]
struct Model {
    words: Arc<Words>,
    rolls: Arc<Rolls>,
    lock: Robust,
    parties: u32,
}

type Waited = Result<u32, BarrierError>;

impl Model {
    fn new(parties: u32) -> Model {
        let (words, rolls, lock) = Default::default();
        Model { words, rolls, lock, parties }
    }

    fn rounds(&self) -> Rounds<'_> {
        let Model { words, rolls, lock, parties } = self;
        Rounds { words, rolls, lock, parties: *parties }
    }

    fn wait(&self) -> Waited {
        self.rounds().wait(Deadline::NEVER, None::<fn()>)
    }

    fn waiter(&self) -> impl FnOnce() -> Waited + Send + 'static {
        let model = self.clone();
        move || model.wait()
    }
}

#[test]
fn all_go_on_together_with_different_numbers() {
    check(|| {
        let model = Model::new(3);
        let others = [spawn(model.waiter()), spawn(model.waiter())];
        let mut indices = vec![model.wait().unwrap()];
        indices.extend(others.map(|other| other.join().unwrap().unwrap()));
        indices.sort_unstable();
        assert_eq!(indices, [0, 1, 2]);
        assert_eq!(model.rounds().waiting(), 0);
    });
}

#[test]
fn rounds_follow_each_other() {
    check(|| {
        let model = Model::new(2);
        let other = model.clone();
        let other = spawn(move || (0..3).all(|_| other.wait().is_ok()));
        assert!((0..3).all(|_| model.wait().is_ok()));
        assert_eq!(other.join(), Some(true));
    });
}

#[test]
fn the_action_comes_before_all_go_on() {
    check(|| {
        let model = Model::new(2);
        let acted = Arc::new(AtomicU32::new(0));
        let run = |model: Model, acted: Arc<AtomicU32>| {
            let action = || acted.store(acted.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
            model.rounds().wait(Deadline::NEVER, Some(action)).unwrap();
            acted.load(Ordering::Relaxed)
        };
        let theirs = (model.clone(), acted.clone());
        let other = spawn(move || run(theirs.0, theirs.1));
        assert_eq!(run(model, acted), 1);
        assert_eq!(other.join(), Some(1));
    });
}

#[test]
fn an_abort_ends_all_waits_or_comes_too_late() {
    check(|| {
        let model = Model::new(2);
        let waiters = [spawn(model.waiter()), spawn(model.waiter())];
        model.rounds().abort();
        let ended = waiters.map(|waiter| waiter.join().unwrap());
        assert_eq!(ended[0].is_ok(), ended[1].is_ok(), "a round ends in one way for all");
        assert!(model.rounds().is_broken());
    });
}

#[test]
fn a_round_aborted_before_a_reset_ends_in_one_way_for_all() {
    check(|| {
        let model = Model::new(2);
        let waiters = [spawn(model.waiter()), spawn(model.waiter())];
        model.rounds().abort();
        model.rounds().reset().unwrap();
        // One of them may have come after the reset, and wait alone.
        model.rounds().abort();
        let ended = waiters.map(|waiter| waiter.join().unwrap());
        assert_eq!(ended[0].is_ok(), ended[1].is_ok());
    });
}

#[test]
fn a_reset_ends_a_round_in_one_way_for_all() {
    check(|| {
        let model = Model::new(2);
        let waiters = [spawn(model.waiter()), spawn(model.waiter())];
        model.rounds().reset().unwrap();
        // One of them may have come after the reset, and wait alone.
        model.rounds().abort();
        let ended = waiters.map(|waiter| waiter.join().unwrap());
        assert_eq!(ended[0].is_ok(), ended[1].is_ok());
        model.rounds().reset().unwrap();
        assert!(!model.rounds().is_broken());
    });
}

#[test]
fn a_timeout_breaks_the_round_for_all_or_comes_too_late() {
    check(|| {
        let model = Model::new(2);
        let waiter = spawn(model.waiter());
        let soon = Deadline::after(Duration::from_secs(1));
        match model.rounds().wait(soon, None::<fn()>) {
            Ok(_) => assert!(waiter.join().unwrap().is_ok()),
            Err(BarrierError::TimedOut) => {
                let by = waiter.join().unwrap().unwrap_err();
                assert!(matches!(by, BarrierError::Broken(BrokenBy::Timeout)), "{by}");
            }
            Err(error) => panic!("{error}"),
        }
    });
}

/// Lets some wait round after round with one who is killed: all of them pass the same rounds.
///
/// Who is killed before it was ever on a roll is known to nobody, so then the others are told.
fn with_a_doomed<const OTHERS: usize>(wait: fn(&Model) -> Waited) {
    check(move || {
        let model = Model::new(OTHERS as u32 + 1);
        let party = || {
            let model = model.clone();
            move || (0..ROUNDS).take_while(|_| wait(&model).is_ok()).count()
        };
        let doomed = spawn_doomed(party());
        let others: [_; OTHERS] = std::array::from_fn(|_| spawn(party()));
        let survived = doomed.join();
        let is_dead = |name: &AtomicU64| Identity::from_bits(name.load(Ordering::SeqCst)).is_dead();
        let is_known = model.rolls.iter().flatten().any(is_dead);
        if survived.is_none() && !is_known {
            model.rounds().abort();
        }
        let counts = others.map(|other| other.join());
        assert!(counts.iter().all(|count| *count == counts[0]), "{counts:?}");
        assert!(survived.is_none() || counts[0] == survived);
    });
}

#[test]
fn a_killed_party_breaks_the_barrier_for_one() {
    with_a_doomed::<1>(Model::wait);
}

#[test]
fn a_killed_party_breaks_the_barrier_for_two() {
    with_a_doomed::<2>(Model::wait);
}

#[test]
fn a_party_killed_around_its_action_breaks_the_barrier() {
    with_a_doomed::<2>(|model| model.rounds().wait(Deadline::NEVER, Some(|| ())));
}
