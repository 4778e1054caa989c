//! Who holds a lock, or waits for an event, is killed.

mod ours;
mod raw_sync;

use super::{case, python, row};
use crate::row::Row;

pub(super) fn rows() -> Vec<Row> {
    let holder = vec![
        case::system("ours, Lock", |ready| ours::lock(ready).expect("a lock")),
        case::system("ours, Semaphore", |ready| ours::semaphore(ready).expect("a semaphore")),
        case::system("raw_sync", |ready| raw_sync::lock(ready).expect("a lock")),
        python("CPython Lock", "death.lock"),
        python("CPython Semaphore", "death.semaphore"),
        python("CPython Manager().Lock", "death.manager_lock"),
    ];
    let waiter = vec![
        case::system("ours, Event", |ready| ours::event(ready).expect("an event")),
        case::system("ours, Condition", |ready| ours::condition(ready).expect("a condition")),
        case::system("raw_sync", |ready| raw_sync::event(ready).expect("an event")),
        python("CPython Event", "death.event"),
        python("CPython Condition", "death.condition"),
    ];
    vec![
        row("lock-holder", "the holder of a lock is killed; another one locks it", holder),
        row("event-waiter", "who waits for an event is killed; it is set for another", waiter),
    ]
}
