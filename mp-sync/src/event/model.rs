//! The event under the model checker.

use std::sync::Arc;
use std::time::Duration;

use shuttle::thread::yield_now;

use super::{SLEEPERS, Words};
use crate::primitive::model::{check, spawn, spawn_doomed};
use crate::primitive::{Deadline, Ordering};

fn waits_for_ever(words: &Arc<Words>) -> impl FnOnce() -> bool + Send + 'static {
    let words = words.clone();
    move || words.wait(Deadline::NEVER)
}

#[test]
fn all_who_wait_go_on() {
    check(|| {
        let words = Arc::new(Words::default());
        let waiters = [spawn(waits_for_ever(&words)), spawn(waits_for_ever(&words))];
        words.set();
        assert!(waiters.into_iter().all(|waiter| waiter.join() == Some(true)));
    });
}

#[test]
fn who_slept_goes_on_though_it_is_cleared_at_once() {
    check(|| {
        let words = Arc::new(Words::default());
        let waiter = spawn(waits_for_ever(&words));
        while words.state.load(Ordering::SeqCst) & SLEEPERS == 0 {
            yield_now();
        }
        words.set();
        words.clear();
        assert_eq!(waiter.join(), Some(true));
        assert!(!words.is_set());
    });
}

#[test]
fn two_setters_and_one_who_clears_lose_nobody() {
    check(|| {
        let words = Arc::new(Words::default());
        let waiters = [spawn(waits_for_ever(&words)), spawn(waits_for_ever(&words))];
        let changes = [Words::set, Words::clear].map(|change| {
            let words = words.clone();
            spawn(move || change(&words))
        });
        changes.into_iter().for_each(|change| assert!(change.join().is_some()));
        words.set();
        assert!(waiters.into_iter().all(|waiter| waiter.join() == Some(true)));
    });
}

#[test]
fn a_wait_with_a_deadline_takes_nobodys_wake() {
    check(|| {
        let words = Arc::new(Words::default());
        let waiter = spawn(waits_for_ever(&words));
        let patient = words.clone();
        let impatient = spawn(move || patient.wait(Deadline::after(Duration::from_secs(1))));
        words.set();
        assert_eq!(waiter.join(), Some(true));
        assert!(impatient.join().is_some());
    });
}

#[test]
fn a_killed_setter_disturbs_nobody() {
    check(|| {
        let words = Arc::new(Words::default());
        let waiter = spawn(waits_for_ever(&words));
        let setter = words.clone();
        let setter = spawn_doomed(move || setter.set());
        let was_killed = setter.join().is_none();
        if was_killed {
            words.set();
        }
        assert_eq!(waiter.join(), Some(true));
    });
}

#[test]
fn a_killed_waiter_disturbs_nobody() {
    check(|| {
        let words = Arc::new(Words::default());
        let doomed = spawn_doomed(waits_for_ever(&words));
        let waiter = spawn(waits_for_ever(&words));
        words.set();
        assert_eq!(waiter.join(), Some(true));
        assert_ne!(doomed.join(), Some(false));
    });
}
