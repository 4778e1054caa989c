//! Whoever dies with a permit, or waiting for one, or releasing one: the others go on, and no
//! permit is lost or made.

mod common {
    pub(crate) mod death;
    pub(crate) mod random;
    pub(crate) mod watchdog;
}

use common::death::{a_moment, deaths, kill};
use common::random::Random;
use common::watchdog::watchdog;
use mp_process::spawn;
use mp_sync::{Event, Semaphore};

const PERMITS: u32 = 2;

/// Takes permits and gives them back; the first is there when `begun` is set.
fn toil(semaphore: Semaphore, begun: Event, turns: u64) {
    drop(semaphore.acquire());
    begun.set();
    for _ in 1..turns {
        drop(semaphore.acquire());
    }
}

/// Counts the permits, those of the dead too.
fn count(semaphore: &Semaphore) -> usize {
    let permits: Vec<_> = std::iter::from_fn(|| semaphore.try_acquire()).collect();
    permits.len()
}

fn die_with_all(semaphore: Semaphore) {
    let _permits = [(); PERMITS as usize].map(|()| semaphore.acquire());
    std::process::abort();
}

#[mp_process::test]
fn permits_of_a_dead_process_come_back_to_who_waits() {
    let _watchdog = watchdog();
    let semaphore = Semaphore::new(PERMITS).unwrap();
    for _ in 0..10 {
        spawn(die_with_all, (semaphore.clone(),)).unwrap().join().unwrap_err();
        let permits = [(); PERMITS as usize].map(|()| semaphore.acquire());
        assert!(semaphore.try_acquire().is_none());
        drop(permits);
    }
}

fn end_with_a_permit(semaphore: Semaphore) {
    std::mem::forget(semaphore.acquire());
}

#[mp_process::test]
fn a_process_that_ends_well_leaves_its_permits_too() {
    let _watchdog = watchdog();
    let semaphore = Semaphore::new(1).unwrap();
    spawn(end_with_a_permit, (semaphore.clone(),)).unwrap().join().unwrap();
    drop(semaphore.acquire());
}

#[mp_process::test]
fn holders_killed_at_random_moments_lose_no_permit() {
    let semaphore = Semaphore::new(PERMITS).unwrap();
    let mut random = Random::new(11);
    for _ in 0..deaths() {
        let _watchdog = watchdog();
        let begin = || {
            let begun = Event::new().unwrap();
            (spawn(toil, (semaphore.clone(), begun.clone(), u64::MAX)).unwrap(), begun)
        };
        let [(victim, begun), (survivor, _), (third, _)] = [begin(), begin(), begin()];
        begun.wait();
        a_moment(&mut random);
        kill(victim);
        toil(semaphore.clone(), Event::new().unwrap(), 100);
        kill(survivor);
        kill(third);
        assert_eq!(count(&semaphore), PERMITS as usize);
    }
}

#[mp_process::test]
fn waiters_killed_at_random_moments_keep_no_permit() {
    let mut random = Random::new(12);
    for _ in 0..deaths() {
        let _watchdog = watchdog();
        let semaphore = Semaphore::new(1).unwrap();
        let permit = semaphore.acquire();
        let begin = |turns| spawn(toil, (semaphore.clone(), Event::new().unwrap(), turns)).unwrap();
        let (victim, survivor) = (begin(u64::MAX), begin(10));
        a_moment(&mut random);
        drop(permit);
        kill(victim);
        survivor.join().unwrap();
        assert_eq!(count(&semaphore), 1);
    }
}

fn release_again_and_again(semaphore: Semaphore, begun: Event) {
    begun.set();
    while semaphore.release().is_ok() || semaphore.available() > 0 {}
}

#[mp_process::test]
fn releasers_killed_at_random_moments_stop_nobody() {
    let mut random = Random::new(13);
    for _ in 0..deaths() {
        let _watchdog = watchdog();
        let semaphore = Semaphore::with_limit(0, 100).unwrap();
        let begun = Event::new().unwrap();
        let victim = spawn(release_again_and_again, (semaphore.clone(), begun.clone())).unwrap();
        begun.wait();
        semaphore.acquire().forget();
        a_moment(&mut random);
        kill(victim);
        let left = semaphore.available();
        (0..left).for_each(|_| semaphore.acquire().forget());
        semaphore.release().unwrap();
        semaphore.acquire().forget();
        assert_eq!(semaphore.available(), 0);
    }
}
