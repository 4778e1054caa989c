//! The table of waiters under the model checker, with a count under a lock as what they wait for.

use std::sync::Arc;
use std::sync::atomic::AtomicU32;

use super::slots::Slots;
use crate::outcome::Taken;
use crate::primitive::model::{check, spawn, spawn_doomed};
use crate::primitive::{Deadline, Ordering, Robust};

/// A count of things to take.
#[derive(Clone, Default)]
struct Store {
    lock: Robust,
    /// Changed only with the lock.
    things: Arc<AtomicU32>,
    slots: Arc<Slots>,
}

impl Store {
    fn lock(&self) {
        let taken = self.lock.lock(Deadline::NEVER).expect("a lock of another");
        if let Some(Taken::OwnerDied(_)) = taken {
            // It may have been notified, and not have done what it was notified for.
            self.slots.notify_all();
            self.lock.recover();
        }
    }

    /// Takes a thing, waiting for it up to the deadline; tells whether it did.
    fn take(&self, deadline: Deadline) -> bool {
        self.lock();
        let mut in_time = true;
        while in_time && self.things.load(Ordering::Relaxed) == 0 {
            let waiter = self.slots.enter().expect("a free slot");
            self.lock.unlock();
            in_time = waiter.wait(deadline);
            self.lock();
            waiter.leave();
        }
        if in_time {
            self.things.fetch_sub(1, Ordering::Relaxed);
        }
        self.lock.unlock();
        in_time
    }

    fn put(&self, things: u32, notify: impl FnOnce(&Slots)) {
        self.lock();
        self.things.fetch_add(things, Ordering::Relaxed);
        self.lock.unlock();
        notify(&self.slots);
    }

    fn taker(&self) -> impl FnOnce() -> bool + Send + 'static {
        let store = self.clone();
        move || store.take(Deadline::NEVER)
    }
}

#[test]
fn each_notification_reaches_one() {
    check(|| {
        let store = Store::default();
        let takers = [spawn(store.taker()), spawn(store.taker())];
        store.put(1, |slots| slots.notify(1));
        store.put(1, |slots| slots.notify(1));
        assert!(takers.into_iter().all(|taker| taker.join() == Some(true)));
    });
}

#[test]
fn all_are_notified() {
    check(|| {
        let store = Store::default();
        let takers = [spawn(store.taker()), spawn(store.taker())];
        store.put(2, Slots::notify_all);
        assert!(takers.into_iter().all(|taker| taker.join() == Some(true)));
        assert_eq!(store.slots.waiting(), 0);
    });
}

#[test]
fn who_gives_up_takes_no_notification_along() {
    check(|| {
        let store = Store::default();
        let taker = spawn(store.taker());
        let impatient = store.clone();
        let impatient =
            spawn(move || impatient.take(Deadline::after(std::time::Duration::from_secs(1))));
        store.put(1, |slots| slots.notify(1));
        if impatient.join() == Some(true) {
            store.put(1, |slots| slots.notify(1));
        }
        assert_eq!(taker.join(), Some(true));
    });
}

#[test]
fn a_killed_waiter_takes_no_notification_along() {
    check(|| {
        let store = Store::default();
        let doomed = spawn_doomed(store.taker());
        let taker = spawn(store.taker());
        store.put(1, |slots| slots.notify(1));
        doomed.join();
        // The thing may be gone; if not, nobody is told again, unless the lock's owner died.
        let missing = u32::from(store.things.load(Ordering::Relaxed) == 0);
        store.put(missing, |slots| slots.notify(missing as usize));
        assert_eq!(taker.join(), Some(true));
    });
}

#[test]
fn two_killed_waiters_leave_their_notification_to_the_third() {
    check(|| {
        let store = Store::default();
        let doomed = [spawn_doomed(store.taker()), spawn_doomed(store.taker())];
        let taker = spawn(store.taker());
        // Enough for all: one notification each.
        store.put(3, |slots| slots.notify(3));
        for doomed in doomed {
            doomed.join();
        }
        store.put(0, |_| ());
        assert_eq!(taker.join(), Some(true));
    });
}

#[test]
fn a_killed_notifier_disturbs_nobody() {
    check(|| {
        let store = Store::default();
        let taker = spawn(store.taker());
        let notifier = store.clone();
        let doomed = spawn_doomed(move || notifier.put(1, |slots| slots.notify(1)));
        if doomed.join().is_none() {
            store.put(1, |slots| slots.notify(1));
        }
        assert_eq!(taker.join(), Some(true));
    });
}
