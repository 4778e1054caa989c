//! The semaphore under the model checker.

use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use super::Semaphore;
use crate::primitive::model::{Process, check, spawn, spawn_doomed};

const SOON: Duration = Duration::from_secs(1);

/// Few permits, and room for one more.
fn semaphore(permits: u32) -> Semaphore {
    Semaphore::with_limit(permits, permits + 1).expect("memory")
}

fn process<R: Send + 'static>(semaphore: &Semaphore, work: fn(&Semaphore) -> R) -> Process<R> {
    let semaphore = semaphore.clone();
    spawn(move || work(&semaphore))
}

fn doomed(semaphore: &Semaphore, work: fn(&Semaphore)) -> Process<()> {
    let semaphore = semaphore.clone();
    spawn_doomed(move || work(&semaphore))
}

fn use_one(semaphore: &Semaphore) {
    drop(semaphore.acquire());
}

fn take_one(semaphore: &Semaphore) {
    semaphore.acquire().forget();
}

/// Takes all permits that there are, those of the dead too.
fn drain(semaphore: &Semaphore) -> usize {
    let permits: Vec<_> = std::iter::from_fn(|| semaphore.try_acquire()).collect();
    permits.len()
}

#[test]
fn there_are_never_more_than_the_permits() {
    check(|| {
        let semaphore = semaphore(2);
        let inside = std::sync::Arc::new(AtomicU32::new(0));
        let users = [(); 3].map(|()| {
            let (semaphore, inside) = (semaphore.clone(), inside.clone());
            spawn(move || {
                let permit = semaphore.acquire();
                assert!(inside.fetch_add(1, SeqCst) < 2);
                shuttle::thread::yield_now();
                inside.fetch_sub(1, SeqCst);
                drop(permit);
            })
        });
        users.into_iter().for_each(|user| assert!(user.join().is_some()));
        assert_eq!(semaphore.available(), 2);
    });
}

#[test]
fn two_releases_wake_two_sleepers() {
    check(|| {
        let semaphore = Semaphore::with_limit(0, 2).expect("memory");
        let sleepers = [process(&semaphore, take_one), process(&semaphore, take_one)];
        semaphore.release().expect("room");
        semaphore.release().expect("room");
        sleepers.into_iter().for_each(|sleeper| assert!(sleeper.join().is_some()));
        assert_eq!(semaphore.available(), 0);
    });
}

#[test]
fn releases_by_several_wake_as_many() {
    check(|| {
        let semaphore = Semaphore::with_limit(0, 2).expect("memory");
        let sleepers = [process(&semaphore, take_one), process(&semaphore, take_one)];
        let release = |semaphore: &Semaphore| semaphore.release().expect("room");
        let releasers = [process(&semaphore, release), process(&semaphore, release)];
        releasers.into_iter().for_each(|releaser| assert!(releaser.join().is_some()));
        sleepers.into_iter().for_each(|sleeper| assert!(sleeper.join().is_some()));
    });
}

#[test]
fn who_gives_up_takes_nobodys_wake() {
    check(|| {
        let semaphore = semaphore(0);
        let patient = process(&semaphore, use_one);
        let impatient = process(&semaphore, |semaphore| drop(semaphore.acquire_timeout(SOON)));
        let passer_by = process(&semaphore, |semaphore| drop(semaphore.try_acquire()));
        semaphore.release().expect("room");
        for process in [patient, impatient, passer_by] {
            assert!(process.join().is_some());
        }
        assert_eq!(semaphore.available(), 1);
    });
}

#[test]
fn permits_of_the_killed_come_back() {
    check(|| {
        let semaphore = semaphore(1);
        let doomed = doomed(&semaphore, use_one);
        let survivors = [process(&semaphore, use_one), process(&semaphore, use_one)];
        survivors.into_iter().for_each(|survivor| assert!(survivor.join().is_some()));
        doomed.join();
        assert_eq!(drain(&semaphore), 1);
    });
}

#[test]
fn a_killed_waiter_keeps_no_permit_from_others() {
    check(|| {
        let semaphore = semaphore(0);
        let doomed = doomed(&semaphore, use_one);
        let survivor = process(&semaphore, use_one);
        semaphore.release().expect("room");
        assert!(survivor.join().is_some());
        doomed.join();
        assert_eq!(drain(&semaphore), 1);
    });
}

#[test]
fn a_killed_releaser_has_added_one_permit_or_none() {
    check(|| {
        let semaphore = Semaphore::with_limit(0, 2).expect("memory");
        let doomed = doomed(&semaphore, |semaphore| semaphore.release().expect("room"));
        let survivor = process(&semaphore, take_one);
        let was_killed = doomed.join().is_none();
        semaphore.release().expect("room");
        assert!(survivor.join().is_some());
        let left = drain(&semaphore);
        assert!(left == 1 || was_killed && left == 0, "{left}");
    });
}

#[test]
fn what_a_killed_releaser_has_added_is_found() {
    check(|| {
        let semaphore = Semaphore::with_limit(1, 2).expect("memory");
        let permit = semaphore.acquire();
        let doomed = doomed(&semaphore, |semaphore| semaphore.release().expect("room"));
        let survivor = process(&semaphore, use_one);
        doomed.join();
        // If there is no room, the killed one has added it.
        let _ = semaphore.release();
        assert!(survivor.join().is_some());
        drop(permit);
        assert_eq!(drain(&semaphore), 2);
    });
}
