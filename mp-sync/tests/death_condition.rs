//! Processes killed while they wait, notify, or hold the lock: those who live go on.

mod common {
    pub(crate) mod death;
    pub(crate) mod random;
    pub(crate) mod watchdog;
}

use std::sync::atomic::Ordering;
use std::sync::mpsc::{self, Receiver};
use std::thread;

use common::death::{a_moment, deaths, kill};
use common::random::Random;
use common::watchdog::watchdog;
use mp_handle::{Kind, Region};
use mp_process::spawn;
use mp_sync::{Condition, Lock, LockError, LockGuard};
use serde::{Deserialize, Serialize};

/// A number of things, which are put and taken.
#[derive(Clone, Serialize, Deserialize)]
struct Store {
    lock: Lock,
    condition: Condition,
    things: Region,
}

impl Store {
    fn new() -> Store {
        Store {
            lock: Lock::new().unwrap(),
            condition: Condition::new().unwrap(),
            things: Region::create(Kind::new(1000, "things"), 0, 4).unwrap(),
        }
    }

    /// Who died with the lock may have been notified, and not have done anything about it.
    fn settle<'a>(&self, taken: Result<LockGuard<'a>, LockError<LockGuard<'a>>>) -> LockGuard<'a> {
        taken.unwrap_or_else(|error| {
            self.condition.notify_all();
            error.recover().unwrap()
        })
    }

    fn lock(&self) -> LockGuard<'_> {
        self.settle(self.lock.lock())
    }

    fn things(&self) -> u32 {
        self.things.atomic_u32(0).unwrap().load(Ordering::Relaxed)
    }

    /// Adds or takes one; the caller has the lock.
    fn change(&self, change: impl FnOnce(u32) -> u32) {
        self.things.atomic_u32(0).unwrap().store(change(self.things()), Ordering::Relaxed);
    }

    fn put(&self) {
        let _guard = self.lock();
        self.change(|things| things + 1);
        self.condition.notify_one();
    }

    fn take(&self) {
        let mut guard = self.lock();
        while self.things() == 0 {
            guard = self.settle(self.condition.wait(guard));
        }
        self.change(|things| things - 1);
        drop(guard);
    }

    /// Starts a thread that takes what there is, and reports each.
    fn survivor(&self) -> Receiver<()> {
        let (store, (taken, report)) = (self.clone(), mpsc::channel());
        thread::spawn(move || {
            while taken.send(()).is_ok() {
                store.take();
            }
        });
        report
    }

    /// Puts one more, and waits until the survivor has taken all.
    fn expect_progress(&self, report: &Receiver<()>) {
        self.put();
        while self.things() > 0 {
            report.recv().unwrap();
        }
    }
}

fn take_for_ever(store: Store) {
    loop {
        store.take();
    }
}

fn put_for_ever(store: Store) {
    loop {
        store.put();
    }
}

#[mp_process::test]
fn killed_waiters_take_no_notification_along() {
    let _watchdog = watchdog();
    let (store, mut random) = (Store::new(), Random::new(1));
    let report = store.survivor();
    for _ in 0..deaths() {
        let victim = spawn(take_for_ever, (store.clone(),)).unwrap();
        (0..random.below(100)).for_each(|_| store.put());
        a_moment(&mut random);
        kill(victim);
        store.expect_progress(&report);
    }
}

#[mp_process::test]
fn killed_waiters_that_nobody_notified_hold_nobody_up() {
    let _watchdog = watchdog();
    let (store, mut random) = (Store::new(), Random::new(2));
    let report = store.survivor();
    for _ in 0..deaths() {
        let victims = [(); 3].map(|()| spawn(take_for_ever, (store.clone(),)).unwrap());
        a_moment(&mut random);
        victims.into_iter().for_each(kill);
        // The survivor has waited longest, the next time it has not.
        store.expect_progress(&report);
        store.expect_progress(&report);
    }
}

#[mp_process::test]
fn killed_notifiers_hold_nobody_up() {
    let _watchdog = watchdog();
    let (store, mut random) = (Store::new(), Random::new(3));
    let report = store.survivor();
    for _ in 0..deaths() {
        let victim = spawn(put_for_ever, (store.clone(),)).unwrap();
        (0..random.below(100)).for_each(|_| store.put());
        a_moment(&mut random);
        kill(victim);
        store.expect_progress(&report);
    }
}
