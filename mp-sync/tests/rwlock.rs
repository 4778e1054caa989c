//! What a read-write lock does for readers and writers, between threads and between processes.

mod common {
    pub(crate) mod garbage;
    pub(crate) mod random;
    pub(crate) mod watchdog;
}

use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use common::garbage::scribble;
use common::random::Random;
use common::watchdog::watchdog;
use mp_handle::{Kind, Region};
use mp_process::spawn;
use mp_sync::{Event, LockError, ReadGuard, RwLock, WriteGuard};

#[test]
fn many_read_or_one_writes() {
    let lock = RwLock::new().unwrap();
    let readers = (lock.read().unwrap(), lock.try_read().unwrap().unwrap());
    assert!(lock.try_write().unwrap().is_none());
    drop(readers.0);
    assert!(lock.try_write().unwrap().is_none());
    drop(readers.1);
    let writer = lock.try_write().unwrap().unwrap();
    assert!(lock.is_locked());
    assert!(lock.try_read().unwrap().is_none() && lock.try_write().unwrap().is_none());
    drop(writer);
    assert!(!lock.is_locked());
    assert!(lock.try_read().unwrap().is_some());
}

/// Processes that add to two numbers, and that see both added to.
#[mp_process::test]
fn writers_of_processes_keep_readers_out_and_each_other() {
    let _watchdog = watchdog();
    const TIMES: u32 = 2000;
    fn numbers(region: &Region) -> [u32; 2] {
        [0, 4].map(|offset| region.atomic_u32(offset).unwrap().load(Ordering::Relaxed))
    }
    fn work(lock: RwLock, region: Region) {
        for _ in 0..TIMES {
            let guard = lock.write().unwrap();
            let [first, second] = numbers(&region);
            region.atomic_u32(0).unwrap().store(first + 1, Ordering::Relaxed);
            region.atomic_u32(4).unwrap().store(second + 1, Ordering::Relaxed);
            drop(guard);
            let _guard = lock.read().unwrap();
            let [first, second] = numbers(&region);
            assert_eq!(first, second);
        }
    }
    let region = Region::create(Kind::new(1000, "numbers"), 0, 8).unwrap();
    let lock = RwLock::new().unwrap();
    let arguments = || (lock.clone(), region.clone());
    let others = [spawn(work, arguments()).unwrap(), spawn(work, arguments()).unwrap()];
    work(lock.clone(), region.clone());
    others.into_iter().for_each(|other| other.join().unwrap());
    assert_eq!(numbers(&region), [3 * TIMES; 2]);
}

#[test]
fn a_writer_that_waits_keeps_new_readers_out() {
    let _watchdog = watchdog();
    let lock = RwLock::new().unwrap();
    let reader = lock.read().unwrap();
    thread::scope(|scope| {
        let writer = scope.spawn(|| drop(lock.write().unwrap()));
        while !lock.is_locked() {
            thread::yield_now();
        }
        assert!(lock.try_read().unwrap().is_none());
        drop(reader);
        writer.join().unwrap();
    });
    drop(lock.read().unwrap());
}

#[mp_process::test]
fn a_reader_waits_for_the_writer_of_another_process() {
    let _watchdog = watchdog();
    let (lock, held, done) = (RwLock::new().unwrap(), Event::new().unwrap(), Event::new().unwrap());
    let write = |lock: RwLock, held: Event, done: Event| {
        let _guard = lock.write().unwrap();
        held.set();
        done.wait();
    };
    let writer = spawn(write, (lock.clone(), held.clone(), done.clone())).unwrap();
    held.wait();
    assert!(lock.try_read().unwrap().is_none());
    thread::scope(|scope| {
        let reader = scope.spawn(|| drop(lock.read().unwrap()));
        done.set();
        reader.join().unwrap();
    });
    writer.join().unwrap();
}

#[test]
fn a_wait_ends_at_its_deadline_and_not_before() {
    let _watchdog = watchdog();
    let lock = &RwLock::new().unwrap();
    let timeout = Duration::from_millis(120);
    let late = move |got: bool, start: Instant| assert!(!got && start.elapsed() >= timeout);
    thread::scope(|scope| {
        let writer = lock.write_timeout(Duration::MAX).unwrap().unwrap();
        let start = Instant::now();
        let waits = move || late(lock.read_timeout(timeout).unwrap().is_some(), start);
        scope.spawn(waits).join().unwrap();
        drop(writer);
        let reader = lock.read_timeout(Duration::MAX).unwrap().unwrap();
        let start = Instant::now();
        let waits = move || late(lock.write_timeout(timeout).unwrap().is_some(), start);
        scope.spawn(waits).join().unwrap();
        drop(reader);
    });
    assert!(lock.read_timeout(Duration::ZERO).unwrap().is_some());
    assert!(lock.write_timeout(Duration::ZERO).unwrap().is_some());
}

#[test]
fn who_writes_and_waits_for_itself_is_told() {
    let lock = RwLock::new().unwrap();
    let _writer = lock.write().unwrap();
    assert!(matches!(lock.read(), Err(LockError::AlreadyHeld)));
    assert!(matches!(lock.write(), Err(LockError::AlreadyHeld)));
    assert!(lock.try_read().unwrap().is_none() && lock.try_write().unwrap().is_none());
}

#[test]
fn four_hundred_can_read_and_no_more() {
    let lock = RwLock::new().unwrap();
    let mut guards: Vec<ReadGuard<'_>> = (0..400).map(|_| lock.read().unwrap()).collect();
    assert!(matches!(lock.read(), Err(LockError::TooManyUsers)));
    assert!(matches!(lock.try_read(), Err(LockError::TooManyUsers)));
    drop(guards.swap_remove(123));
    guards.push(lock.read().unwrap());
    drop(guards);
    drop(lock.write().unwrap());
}

#[mp_process::test]
fn all_are_told_of_a_dead_writer_until_one_recovers() {
    let _watchdog = watchdog();
    let lock = RwLock::new().unwrap();
    fn die(lock: RwLock) {
        let _guard = lock.write().unwrap();
        std::process::abort();
    }
    let writer = spawn(die, (lock.clone(),)).unwrap();
    let pid = writer.pid();
    writer.join().unwrap_err();
    for _ in 0..2 {
        let Err(LockError::OwnerDied(died)) = lock.read() else { panic!("a reader was not told") };
        assert_eq!(died.process(), Some(pid));
        drop(died.into_inner());
        let Err(LockError::OwnerDied(died)) = lock.write() else { panic!("nor a writer") };
        assert_eq!(died.process(), Some(pid));
    }
    drop(lock.write().or_else(LockError::<WriteGuard<'_>>::recover).unwrap());
    assert!(lock.read().is_ok());
    assert!(lock.write().is_ok());
}

#[test]
fn whatever_is_written_over_it_nothing_hangs() {
    let _watchdog = watchdog();
    let name = format!("rwlock-garbage-{}", std::process::id());
    let lock = RwLock::create(&name).unwrap();
    let mut random = Random::new(3);
    let timeout = Duration::from_micros(100);
    for _ in 0..300 {
        scribble(&name, 802, &mut random);
        drop(lock.read_timeout(timeout));
        drop(lock.write_timeout(timeout));
        drop(lock.try_read());
        drop(lock.try_write());
    }
    RwLock::unlink(&name).unwrap();
}
