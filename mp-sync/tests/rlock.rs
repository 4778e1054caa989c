//! `RLock`: its holder may take it again, and nobody else.

mod common {
    pub(crate) mod fork;
    pub(crate) mod parcel;
    pub(crate) mod tally;
    pub(crate) mod watchdog;
}

use std::thread;
use std::time::{Duration, Instant};

use common::fork::fork;
use common::parcel::arrive;
use common::tally::{count, counted, tally};
use common::watchdog::watchdog;
use mp_handle::Region;
use mp_process::spawn;
use mp_sync::{Event, LockError, RLock};

const TURNS: u32 = 10_000;

/// Tells whether another thread can have the lock.
fn is_free(lock: &RLock) -> bool {
    thread::scope(|scope| scope.spawn(|| lock.try_lock().unwrap().is_some()).join().unwrap())
}

#[test]
fn smoke() {
    let lock = RLock::new().unwrap();
    assert!(!lock.is_locked() && is_free(&lock));
    let guards = [lock.lock(), lock.lock_timeout(Duration::ZERO).map(Option::unwrap)];
    let third = lock.try_lock().unwrap().unwrap();
    for guard in guards {
        drop(guard.unwrap());
        assert!(lock.is_locked() && !is_free(&lock));
    }
    drop(third);
    assert!(!lock.is_locked() && is_free(&lock));
}

fn take_turns(lock: RLock, sum: Region) {
    for _ in 0..TURNS {
        let _outer = lock.lock().unwrap();
        let _inner = lock.lock().unwrap();
        count(&sum);
    }
}

#[test]
fn threads_take_turns() {
    let _watchdog = watchdog();
    let (lock, sum) = (RLock::new().unwrap(), tally());
    thread::scope(|scope| {
        for second_arrival in [false, true, true] {
            let lock = if second_arrival { arrive(&lock) } else { lock.clone() };
            scope.spawn(|| take_turns(lock, sum.clone()));
        }
    });
    assert_eq!(counted(&sum), 3 * TURNS);
}

#[mp_process::test]
fn processes_take_turns() {
    let _watchdog = watchdog();
    let (lock, sum) = (RLock::new().unwrap(), tally());
    let begin = || spawn(take_turns, (lock.clone(), sum.clone())).unwrap();
    let children = [begin(), begin()];
    take_turns(lock.clone(), sum.clone());
    for child in children {
        child.join().unwrap();
    }
    assert_eq!(counted(&sum), 3 * TURNS);
}

#[test]
fn all_handles_in_a_process_count_together() {
    let lock = RLock::new().unwrap();
    let arrived = arrive(&lock);
    let outer = lock.lock().unwrap();
    let inner = arrived.lock().unwrap();
    drop(outer);
    assert!(lock.is_locked() && !is_free(&arrived));
    drop(inner);
    assert!(is_free(&lock) && is_free(&arrived));

    // Also when the first handle is gone, and another comes.
    let guard = arrived.lock().unwrap();
    drop(lock);
    let again = arrive(&arrived);
    let inner = again.lock().unwrap();
    drop(guard);
    assert!(!is_free(&again));
    drop(inner);
    assert!(is_free(&again));
}

#[mp_process::test]
fn handles_travel() {
    let _watchdog = watchdog();
    let lock = RLock::new().unwrap();
    let _guards = (lock.lock().unwrap(), lock.lock().unwrap());
    let look = |lock: RLock| (lock.clone().try_lock().unwrap().is_some(), lock);
    let (free, back) = spawn(look, (lock.clone(),)).unwrap().join().unwrap();
    assert!(!free);
    drop(back.lock().unwrap());
    assert!(lock.is_locked());
    assert!(serde_json::to_string(&lock).is_err());
}

#[mp_process::test]
fn time_outs_are_never_early() {
    let _watchdog = watchdog();
    let lock = RLock::new().unwrap();
    let guard = lock.lock().unwrap();
    let look = |lock: RLock| {
        for timeout in [0, 1, 51].map(Duration::from_millis) {
            let start = Instant::now();
            assert!(lock.lock_timeout(timeout).unwrap().is_none());
            assert!(start.elapsed() >= timeout);
        }
        assert!(lock.try_lock().unwrap().is_none());
    };
    spawn(look, (lock.clone(),)).unwrap().join().unwrap();
    drop(guard);
    drop(lock.lock_timeout(Duration::MAX).unwrap().unwrap());
}

fn die_at_depth(lock: RLock, depth: u32) {
    for _ in 0..depth {
        std::mem::forget(lock.lock().or_else(LockError::recover).unwrap());
    }
    rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL)
        .unwrap();
}

#[mp_process::test]
fn a_death_at_any_depth_is_told_once() {
    let _watchdog = watchdog();
    let lock = RLock::new().unwrap();
    for depth in [1, 2, 100] {
        let child = spawn(die_at_depth, (lock.clone(), depth)).unwrap();
        let pid = child.pid();
        child.join().unwrap_err();
        let Err(LockError::OwnerDied(died)) = lock.lock() else { panic!("nobody died") };
        assert_eq!(died.process(), Some(pid));
        // Who holds it needs no second telling, and the count begins anew.
        let inner = lock.lock().unwrap();
        drop(died.recover());
        assert!(!is_free(&lock));
        drop(inner);
        assert!(!lock.is_locked() && is_free(&lock));
    }
}

#[test]
fn a_thread_that_ends_at_any_depth_is_told() {
    let _watchdog = watchdog();
    let lock = RLock::new().unwrap();
    for depth in [1, 2, 100] {
        let hold = || (0..depth).for_each(|_| std::mem::forget(lock.lock().unwrap()));
        thread::scope(|scope| scope.spawn(hold).join().unwrap());
        let Err(LockError::OwnerDied(died)) = lock.try_lock() else { panic!("nobody died") };
        assert_eq!(died.process(), Some(std::process::id()));
        drop(died.recover());
        drop(lock.lock().unwrap());
        assert!(!lock.is_locked());
    }
}

#[mp_process::test]
fn a_forked_child_gives_nothing_back_and_counts_for_itself() {
    let _watchdog = watchdog();
    let parent = || {
        let lock = RLock::new().unwrap();
        let mut guards = vec![lock.lock().unwrap(), lock.lock().unwrap()];
        let dropped = Event::new().unwrap();
        let child = fork(|| {
            guards.clear();
            let was_held = lock.is_locked() && lock.try_lock().unwrap().is_none();
            dropped.set();
            let outer = lock.lock().unwrap();
            drop(lock.lock().unwrap());
            let is_held = lock.is_locked();
            drop(outer);
            u8::from(was_held && is_held)
        });
        dropped.wait();
        guards.pop();
        assert!(lock.is_locked());
        guards.pop();
        assert_eq!(child.join(), Some(1));
        assert!(is_free(&lock));
    };
    spawn(parent, ()).unwrap().join().unwrap();
}
