//! Parties of a barrier killed at random moments: the others are told, and can begin anew.

mod common {
    pub(crate) mod death;
    pub(crate) mod random;
    pub(crate) mod watchdog;
}

use std::sync::mpsc;
use std::thread;

use common::death::{a_moment, deaths, kill};
use common::random::Random;
use common::watchdog::watchdog;
use mp_process::{Process, spawn};
use mp_sync::{Barrier, BarrierError, BarrierWaitResult, BrokenBy};

type Wait = fn(&Barrier) -> Result<BarrierWaitResult, BarrierError>;

fn act(barrier: &Barrier) -> Result<BarrierWaitResult, BarrierError> {
    barrier.wait_then(|| (0..1000).for_each(|_| std::hint::spin_loop()))
}

/// Lets two threads wait round after round with a process, and kills that once it is a party.
fn two_survive_a_third(seed: u64, start: fn(Barrier) -> Process<()>, ours: Wait) {
    let (barrier, mut random) = (Barrier::new(3).unwrap(), Random::new(seed));
    for _ in 0..deaths() {
        let victim = start(barrier.clone());
        let (pid, (passed, first)) = (victim.pid(), mpsc::channel());
        thread::scope(|scope| {
            let survivors = [(); 2].map(|()| {
                let (barrier, passed) = (&barrier, passed.clone());
                scope.spawn(move || {
                    loop {
                        match ours(barrier) {
                            Ok(_) => drop(passed.send(())),
                            Err(error) => return error,
                        }
                    }
                })
            });
            first.recv().unwrap();
            a_moment(&mut random);
            kill(victim);
            for error in survivors.map(|survivor| survivor.join().unwrap()) {
                let BarrierError::Broken(BrokenBy::Death { process }) = error else {
                    panic!("{error}")
                };
                assert!(process.is_none_or(|process| process == pid));
            }
        });
        barrier.reset().unwrap();
    }
}

#[mp_process::test]
fn killed_parties_break_the_barrier() {
    let _watchdog = watchdog();
    fn wait(barrier: Barrier) {
        while barrier.wait().is_ok() {}
    }
    two_survive_a_third(1, |barrier| spawn(wait, (barrier,)).unwrap(), Barrier::wait);
}

#[mp_process::test]
fn parties_killed_around_their_action_break_the_barrier() {
    let _watchdog = watchdog();
    fn wait(barrier: Barrier) {
        while act(&barrier).is_ok() {}
    }
    two_survive_a_third(2, |barrier| spawn(wait, (barrier,)).unwrap(), act);
}

#[mp_process::test]
fn a_party_that_ends_in_peace_breaks_the_barrier_too() {
    let _watchdog = watchdog();
    let barrier = Barrier::new(2).unwrap();
    let once = |barrier: Barrier| barrier.wait().is_ok();
    let member = spawn(once, (barrier.clone(),)).unwrap();
    barrier.wait().unwrap();
    assert!(member.join().unwrap());
    let broken = barrier.wait();
    assert!(matches!(broken, Err(BarrierError::Broken(BrokenBy::Death { .. }))), "{broken:?}");
    barrier.reset().unwrap();
    let next = spawn(once, (barrier.clone(),)).unwrap();
    barrier.wait().unwrap();
    assert!(next.join().unwrap());
}
