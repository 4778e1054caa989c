//! Whoever dies with a lock, or waiting for it, or giving it back: the others go on.

mod common {
    pub(crate) mod parcel;
    pub(crate) mod random;
    pub(crate) mod watchdog;
}

use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use common::parcel::arrive;
use common::random::Random;
use common::watchdog::watchdog;
use mp_handle::{Kind, Region};
use mp_process::{Process, spawn};
use mp_sync::{Event, Lock, LockError, RLock};

/// How many processes a test kills: `MP_DEATHS`, or a few.
fn deaths() -> u32 {
    std::env::var("MP_DEATHS").ok().and_then(|deaths| deaths.parse().ok()).unwrap_or(30)
}

/// Lets some time pass, up to three milliseconds, without sleeping.
fn a_moment(random: &mut Random) {
    let (start, end) = (Instant::now(), Duration::from_micros(random.below(3000).into()));
    while start.elapsed() < end {
        std::hint::spin_loop();
    }
}

fn kill(victim: Process<()>) -> u32 {
    let pid = victim.pid();
    victim.kill().unwrap();
    victim.join().unwrap_err();
    pid
}

/// Takes the lock, and tells who died with it.
fn post_mortem(lock: &Lock) -> Option<u32> {
    match lock.lock() {
        Err(LockError::OwnerDied(died)) => {
            let process = died.process();
            drop(died.recover());
            process
        }
        taken => panic!("nobody died: {taken:?}"),
    }
}

fn hold(lock: Lock, held: Event) {
    let _guard = lock.lock().unwrap();
    held.set();
    loop {
        thread::park();
    }
}

/// Starts a process that holds the lock.
fn holder(lock: &Lock) -> Process<()> {
    let held = Event::new().unwrap();
    let holder = spawn(hold, (lock.clone(), held.clone())).unwrap();
    held.wait();
    holder
}

#[mp_process::test]
fn the_next_one_learns_who_died() {
    let _watchdog = watchdog();
    let lock = Lock::new().unwrap();
    for _ in 0..3 {
        let pid = kill(holder(&lock));
        assert!(!lock.is_locked());
        assert_eq!(post_mortem(&lock), Some(pid));
        drop(lock.lock().unwrap());
    }
}

#[mp_process::test]
fn a_waiter_learns_who_died() {
    let _watchdog = watchdog();
    let lock = Lock::new().unwrap();
    let holder = holder(&lock);
    let waiting = Event::new().unwrap();
    let wait = |lock: Lock, waiting: Event| {
        waiting.set();
        post_mortem(&lock)
    };
    let waiter = spawn(wait, (lock.clone(), waiting.clone())).unwrap();
    waiting.wait();
    let pid = kill(holder);
    assert_eq!(waiter.join().unwrap(), Some(pid));
    drop(lock.lock().unwrap());
}

#[mp_process::test]
fn a_death_stays_told_until_somebody_recovers() {
    let _watchdog = watchdog();
    let lock = Lock::new().unwrap();
    let pid = kill(holder(&lock));
    for _ in 0..3 {
        let Err(LockError::OwnerDied(died)) = lock.lock() else { panic!("nobody died") };
        assert_eq!(died.process(), Some(pid));
        let text = died.to_string();
        assert!(text.contains(&format!("process {pid} died")), "{text}");
    }
    let Err(error) = lock.lock_timeout(Duration::ZERO) else { panic!("nobody died") };
    drop(error.recover().unwrap());
    drop(lock.lock().unwrap());
}

fn recover_nothing_and_stay(lock: Lock, held: Event) {
    let Err(LockError::OwnerDied(died)) = lock.lock() else { panic!("nobody died") };
    let _guard = died.into_inner();
    held.set();
    loop {
        thread::park();
    }
}

#[mp_process::test]
fn of_two_who_died_the_last_is_told() {
    let _watchdog = watchdog();
    let lock = Lock::new().unwrap();
    kill(holder(&lock));
    let held = Event::new().unwrap();
    let second = spawn(recover_nothing_and_stay, (lock.clone(), held.clone())).unwrap();
    held.wait();
    let pid = kill(second);
    assert_eq!(post_mortem(&lock), Some(pid));
}

#[test]
fn a_thread_that_ends_with_the_lock_counts_as_dead() {
    let _watchdog = watchdog();
    let lock = Lock::new().unwrap();
    let again = arrive(&lock);
    for number in 0..200 {
        let handle = if number % 2 == 0 { &lock } else { &again };
        let (held, is_held) = mpsc::channel();
        thread::scope(|scope| {
            scope.spawn(move || {
                std::mem::forget(handle.lock().unwrap());
                held.send(()).unwrap();
            });
            is_held.recv().unwrap();
            while lock.is_locked() {}
            // At once, while the thread is not yet gone altogether, and without waiting.
            let Err(LockError::OwnerDied(died)) = lock.try_lock() else { panic!("nobody died") };
            assert_eq!(died.process(), Some(std::process::id()));
            drop(died.recover());
        });
    }
    drop(lock.lock().unwrap());
}

fn forget_both(lock: &Lock, recursive: &RLock) -> u32 {
    std::mem::forget((lock.lock().unwrap(), recursive.lock().unwrap()));
    rustix::thread::gettid().as_raw_nonzero().get().unsigned_abs()
}

/// Takes both from a dead thread, if this one got its number.
fn take_both(lock: &Lock, recursive: &RLock, dead: u32) -> bool {
    if rustix::thread::gettid().as_raw_nonzero().get().unsigned_abs() != dead {
        return false;
    }
    let Err(LockError::OwnerDied(died)) = lock.lock() else { panic!("nobody died") };
    drop(died.recover());
    let Err(LockError::OwnerDied(died)) = recursive.lock() else { panic!("nobody died") };
    drop(died.recover());
    assert!(!lock.is_locked() && !recursive.is_locked());
    true
}

/// Needs to say which number the kernel gives next, which only root may.
#[test]
fn a_thread_with_the_number_of_a_dead_one_does_not_hold_its_locks() {
    let _watchdog = watchdog();
    let (lock, recursive) = (Lock::new().unwrap(), RLock::new().unwrap());
    let forget = || forget_both(&lock, &recursive);
    let dead = thread::scope(|scope| scope.spawn(forget).join().unwrap());
    // The next tick of the clock with which the kernel dates a thread.
    thread::sleep(Duration::from_millis(20));
    for _ in 0..1000 {
        let last = (dead - 1).to_string();
        if std::fs::write("/proc/sys/kernel/ns_last_pid", last).is_err() {
            return;
        }
        let take = || take_both(&lock, &recursive, dead);
        if thread::scope(|scope| scope.spawn(take).join().unwrap()) {
            return;
        }
    }
}

/// Another thread than the first takes the lock, and makes the process another program.
fn become_another(lock: Lock, held: Event) {
    let run = move || {
        std::mem::forget(lock.lock().unwrap());
        held.set();
        panic!("{}", Command::new("sleep").arg("30").exec());
    };
    let _ = thread::spawn(run).join();
}

#[mp_process::test]
fn a_program_that_becomes_another_does_not_keep_the_lock() {
    let _watchdog = watchdog();
    let (lock, held) = (Lock::new().unwrap(), Event::new().unwrap());
    let child = spawn(become_another, (lock.clone(), held.clone())).unwrap();
    held.wait();
    // Not even from those who never wait.
    let died = loop {
        match lock.try_lock() {
            Ok(None) => thread::yield_now(),
            Err(LockError::OwnerDied(died)) => break died,
            taken => panic!("nobody died: {taken:?}"),
        }
    };
    assert_eq!(died.process(), Some(child.pid()));
    kill(child);
}

/// Two words that only a holder makes differ.
fn pair() -> Region {
    Region::create(Kind::new(1000, "pair"), 0, 64).unwrap()
}

/// Takes the lock again and again, mends what the dead have left, and counts its turns.
fn toil(lock: Lock, pair: Region, turns: u64) {
    let (left, right) = (pair.atomic_u64(0).unwrap(), pair.atomic_u64(8).unwrap());
    for _ in 0..turns {
        let guard = match lock.lock() {
            Ok(guard) => {
                assert_eq!(left.load(Relaxed), right.load(Relaxed), "two held the lock");
                guard
            }
            Err(LockError::OwnerDied(died)) => {
                right.store(left.load(Relaxed), Relaxed);
                died.recover()
            }
            Err(error) => panic!("{error}"),
        };
        left.store(left.load(Relaxed) + 1, Relaxed);
        right.store(right.load(Relaxed) + 1, Relaxed);
        drop(guard);
    }
}

#[mp_process::test]
fn holders_and_releasers_killed_at_random_moments_stop_nobody() {
    let (lock, pair) = (Lock::new().unwrap(), pair());
    let mut random = Random::new(1);
    for _ in 0..deaths() {
        let _watchdog = watchdog();
        let begin = || spawn(toil, (lock.clone(), pair.clone(), u64::MAX)).unwrap();
        let (victim, survivor) = (begin(), begin());
        a_moment(&mut random);
        kill(victim);
        toil(lock.clone(), pair.clone(), 100);
        kill(survivor);
        toil(lock.clone(), pair.clone(), 100);
    }
}

#[mp_process::test]
fn waiters_killed_at_random_moments_stop_nobody() {
    let (lock, pair) = (Lock::new().unwrap(), pair());
    let mut random = Random::new(2);
    for _ in 0..deaths() {
        let _watchdog = watchdog();
        let guard = lock.lock().or_else(LockError::recover).unwrap();
        let begin = |turns| spawn(toil, (lock.clone(), pair.clone(), turns)).unwrap();
        let (victim, survivor) = (begin(u64::MAX), begin(10));
        a_moment(&mut random);
        if random.below(2) == 0 {
            kill(victim);
            drop(guard);
        } else {
            drop(guard);
            kill(victim);
        }
        survivor.join().unwrap();
    }
}
