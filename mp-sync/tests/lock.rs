//! `Lock`: one at a time, among threads and among processes.
#![allow(unsafe_code)]

mod common {
    pub(crate) mod fork;
    pub(crate) mod parcel;
    pub(crate) mod tally;
    pub(crate) mod watchdog;
}

use std::sync::Barrier;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use common::fork::fork;
use common::parcel::arrive;
use common::tally::{count, counted, tally};
use common::watchdog::watchdog;
use mp_handle::{Kind, Region};
use mp_process::spawn;
use mp_sync::{Event, Lock, LockError};

const TURNS: u32 = 20_000;

#[test]
fn smoke() {
    let lock = Lock::new().unwrap();
    let guard = lock.lock().unwrap();
    assert!(lock.is_locked() && lock.try_lock().unwrap().is_none());
    drop(guard);
    assert!(!lock.is_locked());
    drop(lock.try_lock().unwrap().unwrap());
    drop(lock.lock_timeout(Duration::ZERO).unwrap().unwrap());
    assert!(!lock.is_locked());
}

fn take_turns(lock: Lock, sum: Region) {
    for _ in 0..TURNS {
        let _guard = lock.lock().unwrap();
        count(&sum);
    }
}

#[test]
fn threads_take_turns() {
    let _watchdog = watchdog();
    let (lock, sum) = (Lock::new().unwrap(), tally());
    thread::scope(|scope| {
        for second_mapping in [false, true, false, true] {
            let lock = if second_mapping { arrive(&lock) } else { lock.clone() };
            scope.spawn(|| take_turns(lock, sum.clone()));
        }
    });
    assert_eq!(counted(&sum), 4 * TURNS);
}

#[mp_process::test]
fn processes_take_turns() {
    let _watchdog = watchdog();
    let (lock, sum) = (Lock::new().unwrap(), tally());
    let begin = || spawn(take_turns, (lock.clone(), sum.clone())).unwrap();
    let children = [begin(), begin()];
    take_turns(lock.clone(), sum.clone());
    for child in children {
        child.join().unwrap();
    }
    assert_eq!(counted(&sum), 3 * TURNS);
}

#[test]
fn a_holder_does_not_wait_for_itself() {
    let _watchdog = watchdog();
    let lock = Lock::new().unwrap();
    let again = arrive(&lock);
    let _guard = lock.lock().unwrap();
    for handle in [&lock, &lock.clone(), &again] {
        assert!(matches!(handle.lock(), Err(LockError::AlreadyHeld)));
        assert!(matches!(handle.lock_timeout(Duration::MAX), Err(LockError::AlreadyHeld)));
        assert!(handle.try_lock().unwrap().is_none());
    }
}

#[mp_process::test]
fn time_outs_are_never_early() {
    let _watchdog = watchdog();
    let lock = Lock::new().unwrap();
    let guard = lock.lock().unwrap();
    let look = |lock: Lock| {
        let millis = [0, 1, 49, 50, 51, 130].map(Duration::from_millis);
        for timeout in millis.into_iter().chain([Duration::from_nanos(1)]) {
            let start = Instant::now();
            assert!(lock.lock_timeout(timeout).unwrap().is_none());
            assert!(start.elapsed() >= timeout);
        }
    };
    thread::scope(|scope| {
        scope.spawn(|| look(lock.clone()));
    });
    spawn(look, (lock.clone(),)).unwrap().join().unwrap();
    drop(guard);
}

#[mp_process::test]
fn huge_time_outs_wait_for_the_lock() {
    let _watchdog = watchdog();
    let (lock, ready) = (Lock::new().unwrap(), Event::new().unwrap());
    let guard = lock.lock().unwrap();
    let wait = |lock: Lock, ready: Event, seconds: u64, nanos: u32| {
        ready.set();
        lock.lock_timeout(Duration::new(seconds, nanos)).unwrap().is_some()
    };
    let waiters = [(u64::MAX, 999_999_999), (u64::MAX, 0), (1 << 40, 0)].map(|(seconds, nanos)| {
        ready.clear();
        let waiter = spawn(wait, (lock.clone(), ready.clone(), seconds, nanos)).unwrap();
        ready.wait();
        waiter
    });
    drop(guard);
    for waiter in waiters {
        assert!(waiter.join().unwrap());
    }
}

static ALARMS: AtomicU32 = AtomicU32::new(0);

/// Lets a signal arrive a thousand times a second.
fn alarms() {
    extern "C" fn count(_signal: libc::c_int) {
        ALARMS.fetch_add(1, Ordering::Relaxed);
    }
    let period = libc::timeval { tv_sec: 0, tv_usec: 1000 };
    let timer = libc::itimerval { it_interval: period, it_value: period };
    // SAFETY: the handler only counts, and the timer is a local that the kernel reads.
    unsafe {
        libc::signal(libc::SIGALRM, count as *const () as libc::sighandler_t);
        libc::setitimer(libc::ITIMER_REAL, &raw const timer, std::ptr::null_mut());
    }
}

#[mp_process::test]
fn signals_neither_end_a_wait_nor_lengthen_it() {
    let _watchdog = watchdog();
    let (lock, waiting) = (Lock::new().unwrap(), Event::new().unwrap());
    let guard = lock.lock().unwrap();
    let wait = |lock: Lock, waiting: Event| {
        alarms();
        // A busy machine lets it run too seldom to hear all of them.
        while ALARMS.load(Ordering::Relaxed) < 10 {
            let (start, timeout) = (Instant::now(), Duration::from_millis(200));
            assert!(lock.lock_timeout(timeout).unwrap().is_none());
            assert!(start.elapsed() >= timeout);
        }
        waiting.set();
        drop(lock.lock().unwrap());
    };
    let waiter = spawn(wait, (lock.clone(), waiting.clone())).unwrap();
    waiting.wait();
    drop(guard);
    waiter.join().unwrap();
}

/// As many locks, in one region.
fn locks(count: usize) -> Vec<Lock> {
    let page = rustix::param::page_size();
    let region = Region::create(Kind::new(1000, "locks"), 0, count * page - 64).unwrap();
    let locks = (0..count).map(|number| Lock::in_region(&region, number * page).unwrap());
    locks.collect()
}

#[test]
fn a_thread_holds_a_thousand_locks_and_no_more() {
    let locks = locks(1001);
    let mut guards: Vec<_> = locks[1..].iter().map(|lock| lock.lock().unwrap()).collect();
    assert!(matches!(locks[0].lock(), Err(LockError::TooManyHeld)));
    assert!(matches!(locks[0].try_lock(), Err(LockError::TooManyHeld)));
    assert!(!locks[0].is_locked());
    // Another thread has its own thousand.
    thread::scope(|scope| {
        scope.spawn(|| drop(locks[0].lock().unwrap()));
    });
    drop(guards.swap_remove(500));
    drop(locks[0].lock().unwrap());
    drop(guards);
    for lock in &locks {
        drop(lock.lock().unwrap());
    }
}

#[test]
fn a_region_has_room_for_a_lock_or_refuses_it() {
    let page = rustix::param::page_size();
    let region = Region::create(Kind::new(1000, "locks"), 0, 2 * page - 64).unwrap();
    for offset in [1, page - 1, page + 64, 2 * page, usize::MAX, usize::MAX - page + 1] {
        assert!(Lock::in_region(&region, offset).is_err(), "{offset}");
    }
    let small = Region::create(Kind::new(1000, "small"), 0, page - 65).unwrap();
    assert!(Lock::in_region(&small, 0).is_err());
    assert!(Lock::in_region(&region, page).is_ok());
}

/// Forgets the guard of a lock, and drops all handles of it.
fn forget_one() {
    std::mem::forget(Lock::new().unwrap().lock().unwrap());
}

#[test]
fn a_forgotten_guard_does_not_disturb_other_locks() {
    let _watchdog = watchdog();
    thread::spawn(|| {
        let outer = Lock::new().unwrap();
        let guard = outer.lock().unwrap();
        forget_one();
        drop(guard);
        forget_one();
        drop(outer.lock().unwrap());
    })
    .join()
    .unwrap();
}

#[mp_process::test]
fn handles_travel() {
    let _watchdog = watchdog();
    let lock = Lock::new().unwrap();
    let both = |locks: Vec<Lock>| (locks[0].is_locked(), locks[1].clone());
    let other = Lock::new().unwrap();
    let guard = lock.lock().unwrap();
    let child = spawn(both, (vec![lock.clone(), other.clone()],)).unwrap();
    let (was_locked, back) = child.join().unwrap();
    drop(guard);
    assert!(was_locked);

    let _guard = other.lock().unwrap();
    assert!(back.is_locked() && !lock.is_locked());
    let made = spawn(|| Lock::new().unwrap(), ()).unwrap().join().unwrap();
    drop(made.lock().unwrap());
}

#[test]
fn handles_do_not_travel_as_text() {
    let error = serde_json::to_string(&Lock::new().unwrap()).unwrap_err();
    assert!(error.to_string().contains("Parcel"), "{error}");
    assert!(serde_json::from_str::<Lock>("0").is_err());
}

#[mp_process::test]
fn a_forked_child_does_not_give_back_its_parents_lock() {
    let _watchdog = watchdog();
    let parent = || {
        let lock = Lock::new().unwrap();
        let mut guard = Some(lock.lock().unwrap());
        // What the child takes out of its memory stays in that of its parent.
        let child = fork(|| {
            guard.take();
            u8::from(lock.is_locked() && lock.try_lock().unwrap().is_none())
        });
        assert_eq!(child.join(), Some(1));
        assert!(lock.is_locked());
        drop(guard);
        assert!(!lock.is_locked());
    };
    spawn(parent, ()).unwrap().join().unwrap();
}

#[mp_process::test]
fn a_forked_child_takes_the_lock_as_itself() {
    let _watchdog = watchdog();
    let parent = || {
        let lock = Lock::new().unwrap();
        let guard = lock.lock().unwrap();
        let child = fork(|| {
            std::mem::forget(lock.lock().unwrap());
            u8::from(matches!(lock.lock(), Err(LockError::AlreadyHeld)))
        });
        drop(guard);
        let pid = child.pid;
        assert_eq!(child.join(), Some(1));
        let Err(LockError::OwnerDied(died)) = lock.lock() else { panic!("nobody died") };
        assert_eq!(died.process(), Some(pid));
    };
    spawn(parent, ()).unwrap().join().unwrap();
}

#[test]
fn many_threads_wait_and_all_get_it() {
    let _watchdog = watchdog();
    let (lock, sum, start) = (Lock::new().unwrap(), tally(), Barrier::new(16));
    thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                start.wait();
                let _guard = lock.lock_timeout(Duration::MAX).unwrap().unwrap();
                thread::yield_now();
                count(&sum);
            });
        }
    });
    assert_eq!(counted(&sum), 16);
}
