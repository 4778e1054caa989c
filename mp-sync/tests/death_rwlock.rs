//! Readers and writers killed at random moments: the others go on, and nobody reads halves
//! without being told.

mod common {
    pub(crate) mod death;
    pub(crate) mod random;
    pub(crate) mod watchdog;
}

use std::sync::atomic::Ordering;

use common::death::{a_moment, deaths, kill};
use common::random::Random;
use common::watchdog::watchdog;
use mp_handle::{Kind, Region};
use mp_process::{Process, spawn};
use mp_sync::{LockError, RwLock, WriteGuard};
use serde::{Deserialize, Serialize};

/// Two numbers that are equal while nobody writes.
#[derive(Clone, Serialize, Deserialize)]
struct Twins {
    lock: RwLock,
    numbers: Region,
}

impl Twins {
    fn new() -> Twins {
        let numbers = Region::create(Kind::new(1000, "twins"), 0, 8).unwrap();
        Twins { lock: RwLock::new().unwrap(), numbers }
    }

    fn get(&self, which: usize) -> u32 {
        self.numbers.atomic_u32(4 * which).unwrap().load(Ordering::Relaxed)
    }

    fn set(&self, which: usize, value: u32) {
        self.numbers.atomic_u32(4 * which).unwrap().store(value, Ordering::Relaxed);
    }

    fn read(&self) {
        match self.lock.read() {
            Ok(_guard) => assert_eq!(self.get(0), self.get(1)),
            Err(LockError::OwnerDied(_)) => {}
            Err(error) => panic!("{error}"),
        }
    }

    fn write(&self) {
        let recover = LockError::<WriteGuard<'_>>::recover;
        let _guard = self.lock.write().or_else(recover).unwrap();
        let number = self.get(0).wrapping_add(1);
        self.set(0, number);
        self.set(1, number);
    }

    /// All that a survivor can do.
    fn expect_progress(&self) {
        self.read();
        self.write();
        let _guard = self.lock.read().expect("a writer has recovered it");
        assert_eq!(self.get(0), self.get(1));
    }
}

fn reader(twins: &Twins) -> Process<()> {
    fn read_for_ever(twins: Twins) {
        loop {
            twins.read();
        }
    }
    spawn(read_for_ever, (twins.clone(),)).unwrap()
}

fn writer(twins: &Twins) -> Process<()> {
    fn write_for_ever(twins: Twins) {
        loop {
            twins.write();
        }
    }
    spawn(write_for_ever, (twins.clone(),)).unwrap()
}

/// Kills such processes, beside others that read and write: four at a time, one after the other.
fn survive(seed: u64, victim: fn(&Twins) -> Process<()>) {
    let (twins, mut random) = (Twins::new(), Random::new(seed));
    for _ in 0..deaths().div_ceil(4) {
        for victim in [victim, victim, reader, writer].map(|start| start(&twins)) {
            (0..random.below(20)).for_each(|_| twins.read());
            a_moment(&mut random);
            kill(victim);
            twins.read();
            twins.write();
        }
        twins.expect_progress();
    }
}

#[mp_process::test]
fn killed_readers_keep_nobody_out() {
    let _watchdog = watchdog();
    survive(1, reader);
}

#[mp_process::test]
fn killed_writers_keep_nobody_out() {
    let _watchdog = watchdog();
    survive(2, writer);
}

/// A lock that a process read as often as can be, when it died.
fn read_by_the_dead() -> RwLock {
    fn hold_all(lock: RwLock) {
        let guards: Vec<_> = (0..400).map(|_| lock.read().unwrap()).collect();
        assert!(matches!(lock.read(), Err(LockError::TooManyUsers)));
        std::mem::forget(guards);
        std::process::abort();
    }
    let lock = RwLock::new().unwrap();
    spawn(hold_all, (lock.clone(),)).unwrap().join().unwrap_err();
    lock
}

#[mp_process::test]
fn killed_readers_make_room_for_others() {
    let _watchdog = watchdog();
    let lock = read_by_the_dead();
    drop(lock.read().unwrap());
    assert!(lock.try_write().unwrap().is_some());
}

/// Counts how often this thread has gone to sleep.
fn sleeps() -> u32 {
    let status = std::fs::read_to_string("/proc/thread-self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
    line.unwrap().trim().parse().unwrap()
}

#[mp_process::test]
fn a_writer_does_not_wait_for_each_of_the_dead() {
    let _watchdog = watchdog();
    let lock = read_by_the_dead();
    let before = sleeps();
    drop(lock.write().unwrap());
    assert!(sleeps() - before < 100, "{} sleeps for 400 dead readers", sleeps() - before);
}
