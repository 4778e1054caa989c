//! What a condition does for those who wait, between threads and between processes.

mod common {
    pub(crate) mod garbage;
    pub(crate) mod random;
    pub(crate) mod watchdog;
}

use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use common::garbage::scribble;
use common::random::Random;
use common::watchdog::watchdog;
use mp_process::spawn;
use mp_sync::{Condition, Event, Lock, LockError, LockGuard, RLock};

fn new() -> (Lock, Condition) {
    (Lock::new().unwrap(), Condition::new().unwrap())
}

#[mp_process::test]
fn a_process_waits_for_another() {
    let _watchdog = watchdog();
    let ((lock, condition), event) = (new(), Event::new().unwrap());
    let notify = |lock: Lock, condition: Condition, event: Event| {
        let _guard = lock.lock().unwrap();
        event.set();
        condition.notify_one();
    };
    let guard = lock.lock().unwrap();
    let notifier = spawn(notify, (lock.clone(), condition.clone(), event.clone())).unwrap();
    let guard = condition.wait_while(guard, |_| !event.is_set()).unwrap();
    assert!(lock.try_lock().unwrap().is_none(), "the waiter has the lock again");
    drop(guard);
    notifier.join().unwrap();
}

/// Starts `count` threads that wait, each after the one before; they report when they go on.
fn waiters(lock: &Lock, condition: &Condition, count: usize) -> mpsc::Receiver<usize> {
    let (woken, report) = mpsc::channel();
    let (waiting, waits) = mpsc::channel();
    for number in 0..count {
        let (theirs, condition) = (lock.clone(), condition.clone());
        let (waiting, woken) = (waiting.clone(), woken.clone());
        thread::spawn(move || {
            let guard = theirs.lock().unwrap();
            waiting.send(()).unwrap();
            let guard = condition.wait(guard).unwrap();
            woken.send(number).unwrap();
            drop(guard);
        });
        waits.recv().unwrap();
        // Who gets the lock now finds it waiting.
        drop(lock.lock().unwrap());
    }
    report
}

#[test]
fn who_has_waited_longest_is_notified_first() {
    let _watchdog = watchdog();
    let (lock, condition) = new();
    let report = waiters(&lock, &condition, 4);
    condition.notify_one();
    assert_eq!(report.recv(), Ok(0));
    condition.notify_n(2);
    let mut next = [report.recv().unwrap(), report.recv().unwrap()];
    next.sort_unstable();
    assert_eq!(next, [1, 2]);
    assert_eq!(report.try_recv(), Err(mpsc::TryRecvError::Empty));
    condition.notify_n(usize::MAX);
    assert_eq!(report.recv(), Ok(3));
}

#[test]
fn all_are_notified() {
    let _watchdog = watchdog();
    let (lock, condition) = new();
    let report = waiters(&lock, &condition, 10);
    condition.notify_all();
    assert_eq!(report.iter().take(10).sum::<usize>(), 45);
    assert_eq!(format!("{condition:?}"), "Condition { waiting: 0 }");
}

#[test]
fn a_notification_is_not_kept_for_later() {
    let _watchdog = watchdog();
    let (lock, condition) = new();
    condition.notify_one();
    condition.notify_all();
    let guard = lock.lock().unwrap();
    let (guard, notified) = condition.wait_timeout(guard, Duration::ZERO).unwrap();
    assert!(!notified);
    drop(guard);
}

#[test]
fn a_wait_ends_at_its_deadline_and_not_before() {
    let _watchdog = watchdog();
    let (lock, condition) = new();
    let (start, timeout) = (Instant::now(), Duration::from_millis(120));
    let guard = lock.lock().unwrap();
    let (guard, notified) = condition.wait_timeout(guard, timeout).unwrap();
    assert!(!notified && start.elapsed() >= timeout);
    let (guard, ended) = condition.wait_while_timeout(guard, timeout, |_| true).unwrap();
    assert!(!ended && start.elapsed() >= 2 * timeout);
    let (guard, ended) = condition.wait_while_timeout(guard, Duration::ZERO, |_| false).unwrap();
    assert!(ended);
    assert!(lock.try_lock().unwrap().is_none());
    drop(guard);
}

#[test]
fn a_notification_ends_a_wait_with_a_deadline_far_away() {
    let _watchdog = watchdog();
    let (lock, condition) = new();
    let guard = lock.lock().unwrap();
    let notifier = {
        let (lock, condition) = (lock.clone(), condition.clone());
        thread::spawn(move || {
            drop(lock.lock().unwrap());
            condition.notify_one();
        })
    };
    let (guard, notified) = condition.wait_timeout(guard, Duration::MAX).unwrap();
    assert!(notified);
    drop(guard);
    notifier.join().unwrap();
}

#[test]
fn a_recursive_lock_is_given_away_whole_and_got_back_as_deep() {
    let _watchdog = watchdog();
    let (lock, condition) = (RLock::new().unwrap(), Condition::new().unwrap());
    let (outer, inner) = (lock.lock().unwrap(), lock.lock().unwrap());
    let notifier = {
        let (lock, condition) = (lock.clone(), condition.clone());
        thread::spawn(move || {
            let _twice = (lock.lock().unwrap(), lock.lock().unwrap());
            condition.notify_one();
        })
    };
    let inner = condition.wait(inner).unwrap();
    notifier.join().unwrap();
    drop(inner);
    assert!(lock.is_locked(), "the outer guard is left");
    drop(outer);
    assert!(!lock.is_locked());
}

#[mp_process::test]
fn who_waits_learns_that_an_owner_died_meanwhile() {
    let _watchdog = watchdog();
    let (lock, condition) = new();
    fn die(lock: Lock, condition: Condition) {
        let _guard = lock.lock().unwrap();
        condition.notify_one();
        std::process::exit(0);
    }
    let guard = lock.lock().unwrap();
    let victim = spawn(die, (lock.clone(), condition.clone())).unwrap();
    let Err(LockError::OwnerDied(died)) = condition.wait(guard) else { panic!("nobody died") };
    assert_eq!(died.process(), Some(victim.pid()));
    let guard: LockGuard<'_> = died.recover();
    let (guard, _) = condition.wait_timeout(guard, Duration::ZERO).unwrap();
    drop(guard);
    let _ = victim.join();
}

#[test]
fn a_thousand_can_wait_and_no_more() {
    let _watchdog = watchdog();
    let (lock, condition) = new();
    let report = waiters(&lock, &condition, 1000);
    let refused = condition.wait(lock.lock().unwrap());
    assert!(matches!(refused, Err(LockError::TooManyUsers)));
    condition.notify_all();
    assert_eq!(report.iter().take(1000).count(), 1000);
    drop(lock.lock().unwrap());
}

#[test]
fn whatever_is_written_over_it_nothing_hangs() {
    let _watchdog = watchdog();
    let name = format!("condition-garbage-{}", std::process::id());
    let (lock, condition) = (Lock::new().unwrap(), Condition::create(&name).unwrap());
    let mut random = Random::new(7);
    for _ in 0..300 {
        scribble(&name, 3000, &mut random);
        condition.notify_one();
        condition.notify_n(3);
        let guard = lock.lock().unwrap();
        let waited = condition.wait_timeout(guard, Duration::from_micros(100));
        assert!(matches!(waited, Ok(_) | Err(LockError::TooManyUsers)), "{waited:?}");
        drop(waited);
        condition.notify_all();
    }
    Condition::unlink(&name).unwrap();
}
