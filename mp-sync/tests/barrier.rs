//! What a barrier does for its parties, between threads and between processes.

mod common {
    pub(crate) mod garbage;
    pub(crate) mod random;
    pub(crate) mod watchdog;
}

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use common::garbage::scribble;
use common::random::Random;
use common::watchdog::watchdog;
use mp_handle::{Kind, Region};
use mp_process::spawn;
use mp_sync::{Barrier, BarrierCreateError, BarrierError, BrokenBy, RegionError};

/// Waits until so many have come.
fn come(barrier: &Barrier, count: u32) {
    while barrier.n_waiting() < count {
        thread::yield_now();
    }
}

fn broken_by<T>(waited: Result<T, BarrierError>) -> BrokenBy {
    match waited {
        Err(BarrierError::Broken(by)) => by,
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("not broken"),
    }
}

#[mp_process::test]
fn processes_go_on_together() {
    let _watchdog = watchdog();
    const ROUNDS: u32 = 100;
    let barrier = Barrier::new(3).unwrap();
    let counter = Region::create(Kind::new(1000, "counter"), 0, 4).unwrap();
    fn count(barrier: Barrier, counter: Region) {
        let counter = counter.atomic_u32(0).unwrap();
        for round in 0..ROUNDS {
            counter.fetch_add(1, Ordering::Relaxed);
            barrier.wait().unwrap();
            assert_eq!(counter.load(Ordering::Relaxed), 3 * (round + 1));
            barrier.wait().unwrap();
        }
    }
    let arguments = || (barrier.clone(), counter.clone());
    let others = [spawn(count, arguments()).unwrap(), spawn(count, arguments()).unwrap()];
    count(barrier.clone(), counter.clone());
    others.into_iter().for_each(|other| other.join().unwrap());
}

#[test]
fn each_gets_another_number_and_one_is_the_leader() {
    let _watchdog = watchdog();
    let barrier = Barrier::new(4).unwrap();
    thread::scope(|scope| {
        let parties = [(); 4].map(|()| scope.spawn(|| barrier.wait().unwrap()));
        let results = parties.map(|party| party.join().unwrap());
        let mut indices = results.map(|result| result.index());
        indices.sort_unstable();
        assert_eq!(indices, [0, 1, 2, 3]);
        assert_eq!(results.iter().filter(|result| result.is_leader()).count(), 1);
    });
    assert_eq!((barrier.n_waiting(), barrier.is_broken()), (0, false));
}

#[test]
fn one_runs_the_action_before_any_goes_on() {
    let _watchdog = watchdog();
    let (barrier, acted) = (Barrier::new(3).unwrap(), AtomicU32::new(0));
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                for round in 1..=200 {
                    let action = || acted.store(round, Ordering::Relaxed);
                    barrier.wait_then(action).unwrap();
                    assert!(acted.load(Ordering::Relaxed) >= round);
                }
            });
        }
    });
}

#[test]
fn who_comes_during_the_action_belongs_to_the_next_round() {
    let _watchdog = watchdog();
    let barrier = Barrier::new(2).unwrap();
    thread::scope(|scope| {
        scope.spawn(|| barrier.wait().unwrap());
        come(&barrier, 1);
        let (more, rest) = std::sync::mpsc::channel();
        let result = barrier.wait_then(|| {
            let started = std::sync::Barrier::new(3);
            thread::scope(|inner| {
                for _ in 0..2 {
                    let (barrier, more) = (barrier.clone(), more.clone());
                    let started = &started;
                    inner.spawn(move || {
                        started.wait();
                        thread::spawn(move || more.send(barrier.wait().unwrap().index()));
                    });
                }
                started.wait();
            });
        });
        assert!(result.unwrap().is_leader());
        assert_eq!(rest.recv().unwrap() + rest.recv().unwrap(), 1);
    });
}

#[test]
fn an_action_that_panics_breaks_the_barrier_and_unwinds() {
    let _watchdog = watchdog();
    let barrier = Barrier::new(2).unwrap();
    thread::scope(|scope| {
        let other = scope.spawn(|| barrier.wait());
        come(&barrier, 1);
        let unwound = catch_unwind(AssertUnwindSafe(|| barrier.wait_then(|| panic!("in action"))));
        assert_eq!(unwound.unwrap_err().downcast_ref(), Some(&"in action"));
        assert_eq!(broken_by(other.join().unwrap()), BrokenBy::Panic);
    });
    assert!(barrier.is_broken());
}

#[test]
fn a_timeout_breaks_the_barrier_and_is_not_early() {
    let _watchdog = watchdog();
    let barrier = Barrier::new(3).unwrap();
    thread::scope(|scope| {
        let other = scope.spawn(|| barrier.wait());
        come(&barrier, 1);
        let (start, timeout) = (Instant::now(), Duration::from_millis(120));
        assert!(matches!(barrier.wait_timeout(timeout), Err(BarrierError::TimedOut)));
        assert!(start.elapsed() >= timeout);
        assert_eq!(broken_by(other.join().unwrap()), BrokenBy::Timeout);
    });
    assert_eq!(broken_by(barrier.wait_timeout(Duration::MAX)), BrokenBy::Timeout);
}

#[test]
fn the_last_to_come_needs_no_time() {
    let _watchdog = watchdog();
    let barrier = Barrier::new(2).unwrap();
    thread::scope(|scope| {
        let other = scope.spawn(|| barrier.wait_timeout(Duration::MAX).unwrap());
        come(&barrier, 1);
        assert!(barrier.wait_timeout(Duration::ZERO).unwrap().is_leader());
        assert!(!other.join().unwrap().is_leader());
    });
}

#[mp_process::test]
fn an_abort_reaches_other_processes_and_a_reset_mends() {
    let _watchdog = watchdog();
    let barrier = Barrier::new(2).unwrap();
    let wait = |barrier: Barrier| broken_by(barrier.wait()) == BrokenBy::Abort;
    let waiter = spawn(wait, (barrier.clone(),)).unwrap();
    come(&barrier, 1);
    barrier.abort();
    assert!(waiter.join().unwrap());
    assert_eq!(broken_by(barrier.wait()), BrokenBy::Abort);
    barrier.reset().unwrap();
    assert!(!barrier.is_broken());
    thread::scope(|scope| {
        scope.spawn(|| barrier.wait().unwrap());
        barrier.wait().unwrap();
    });
}

#[test]
fn a_reset_ends_the_waits_of_others() {
    let _watchdog = watchdog();
    let barrier = Barrier::new(2).unwrap();
    thread::scope(|scope| {
        let other = scope.spawn(|| barrier.wait());
        come(&barrier, 1);
        barrier.reset().unwrap();
        assert_eq!(broken_by(other.join().unwrap()), BrokenBy::Reset);
    });
    assert_eq!((barrier.n_waiting(), barrier.is_broken()), (0, false));
}

#[test]
fn a_barrier_is_for_one_to_a_thousand() {
    for parties in [0, 1001, u32::MAX] {
        let error = Barrier::new(parties).unwrap_err();
        assert!(matches!(error, BarrierCreateError::Parties { wanted } if wanted == parties));
    }
    assert_eq!(Barrier::new(1000).unwrap().parties(), 1000);
    let alone = Barrier::new(1).unwrap();
    assert!((0..100).all(|_| alone.wait().unwrap().is_leader()));
}

#[test]
fn a_name_leads_to_the_same_barrier() {
    let name = format!("barrier-name-{}", std::process::id());
    let (one, other) = (Barrier::create(&name, 2).unwrap(), Barrier::open(&name).unwrap());
    let third = Barrier::open_or_create(&name, 7).unwrap();
    assert_eq!((other.parties(), third.parties()), (2, 2));
    one.abort();
    assert!(other.is_broken() && third.is_broken());
    let taken = Barrier::create(&name, 2).unwrap_err();
    assert!(matches!(taken, BarrierCreateError::Region(RegionError::Exists { .. })));
    Barrier::unlink(&name).unwrap();
    assert!(matches!(Barrier::open(&name), Err(RegionError::NotFound { .. })));
}

#[test]
fn whatever_is_written_over_it_nothing_hangs() {
    let _watchdog = watchdog();
    let name = format!("barrier-garbage-{}", std::process::id());
    let barrier = Barrier::create(&name, 2).unwrap();
    let mut random = Random::new(5);
    for _ in 0..300 {
        scribble(&name, 12, &mut random);
        let _ = format!("{barrier:?}");
        let waited = barrier.wait_timeout(Duration::from_micros(100));
        assert!(!matches!(waited, Err(BarrierError::System(_))), "{waited:?}");
        if let Ok(opened) = Barrier::open(&name) {
            assert!((1..=1000).contains(&opened.parties()));
        }
        barrier.abort();
    }
    Barrier::unlink(&name).unwrap();
}
