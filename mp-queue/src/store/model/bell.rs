//! Those who poll: if nobody is killed, the bell rings for whoever has armed it.
#![cfg(feature = "async")]

use std::os::fd::{AsFd, BorrowedFd};

use mp_handle::wait_readable;
use mp_sync::model::{check, spawn, yield_now};

use super::*;

/// Waits for a bell, and for nothing else: if it does not ring, the model sees no end of this.
fn poll(fd: BorrowedFd<'_>) {
    while !wait_readable(fd, Deadline::now()) {
        yield_now();
    }
}

fn poll_next(end: &End) -> Name {
    loop {
        match get(end, None) {
            Err(Refusal::TimedOut) if !end.arm() => poll(end.as_fd()),
            Err(Refusal::TimedOut) => yield_now(),
            name => return name.expect("a message"),
        }
    }
}

fn poll_put(end: &End, name: Name) {
    let put = || end.put_raw(&[name.0, name.1], None);
    while put().is_err() {
        end.arm_for_room();
        if put().is_ok() {
            return;
        }
        poll(end.producers_fd());
    }
}

#[test]
fn a_bell_rings_for_whoever_polls() {
    check(|| {
        let end = store(bounded(1));
        let producer = {
            let end = Arc::clone(&end);
            spawn(move || (0..3).for_each(|number| poll_put(&end, (0, number))))
        };
        let consumer = {
            let end = Arc::clone(&end);
            spawn(move || (0..3).map(|_| poll_next(&end)).collect::<Vec<_>>())
        };
        producer.join().expect("not killed");
        let names = consumer.join().expect("not killed");
        assert_eq!(of(0, &names), count(0..3));
    });
}

#[test]
fn who_polls_and_who_sleeps_are_both_woken() {
    check(|| {
        let end = store(Settings::default());
        let poller = {
            let end = Arc::clone(&end);
            spawn(move || poll_next(&end))
        };
        let sleeper = {
            let end = Arc::clone(&end);
            spawn(move || get_next(&end))
        };
        (0..2).for_each(|number| put(&end, (0, number), SMALL).expect("room"));
        let mut names = [poller.join(), sleeper.join()].map(|name| name.expect("not killed"));
        names.sort_unstable();
        assert_eq!(names, [(0, 0), (0, 1)]);
    });
}

#[test]
fn a_bell_rings_when_all_is_done() {
    check(|| {
        let end = store(Settings { has_tasks: true, ..Settings::default() });
        put(&end, (0, 0), SMALL).expect("room");
        let worker = {
            let end = Arc::clone(&end);
            spawn(move || {
                get_next(&end);
                assert!(end.task_done());
            })
        };
        while end.store.unfinished() != 0 {
            end.arm_for_done();
            if end.store.unfinished() != 0 {
                poll(end.producers_fd());
            }
        }
        worker.join().expect("not killed");
    });
}
