//! How many workers there are: they leave when idle, come back, and can be more or fewer.

mod common;
#[path = "common/gate.rs"]
mod gate;

use std::collections::BTreeSet;
use std::time::Duration;
use std::{process, thread};

use common::Watchdog;
use gate::Gate;
use mp_pool::{Pool, PoolError};

const SOON: Duration = Duration::from_millis(20);

/// Waits until there are so many workers.
fn wait_for_workers(pool: &Pool, count: usize) {
    while pool.worker_pids().len() != count {
        thread::sleep(Duration::from_millis(1));
    }
}

/// Ends when so many have begun, which takes as many workers; says which one this is.
fn meet(begun: Gate, count: u32) -> (usize, u32) {
    begun.step();
    begun.wait(count);
    (mp_pool::worker_id().unwrap(), process::id())
}

/// The numbers of so many workers, which work at once.
fn meeting(pool: &Pool, count: u32) -> BTreeSet<usize> {
    let begun = Gate::new();
    let items = (0..count).map(|_| (begun.clone(), count));
    pool.task(meet).chunk_size(1).starmap(items).unwrap().into_iter().map(|(id, _)| id).collect()
}

#[mp_process::test]
fn idle_workers_leave_and_come_back_on_demand() {
    let _watchdog = Watchdog::new("idle_workers_leave_and_come_back_on_demand");
    let pool = Pool::builder().workers(3).idle_timeout(SOON).build().unwrap();
    for _ in 0..3 {
        wait_for_workers(&pool, 0);
        assert_eq!(pool.apply(|| 7, ()), Ok(7));
        assert_eq!(meeting(&pool, 3), [0, 1, 2].into());
    }
    assert_eq!(pool.workers(), 3);
    pool.close();
    pool.join().unwrap();
}

#[mp_process::test]
fn a_task_behind_a_long_one_calls_a_worker_back() {
    let _watchdog = Watchdog::new("a_task_behind_a_long_one_calls_a_worker_back");
    let pool = Pool::builder().workers(2).idle_timeout(SOON).build().unwrap();
    for _ in 0..5 {
        wait_for_workers(&pool, 0);
        let begun = Gate::new();
        let long = pool.apply_async(meet, (begun.clone(), 2));
        begun.wait(1);
        wait_for_workers(&pool, 1);
        // The only worker has this one ahead.
        pool.apply(meet, (begun, 2)).unwrap();
        long.get().unwrap();
    }
}

#[mp_process::test]
fn the_least_number_of_workers_stays() {
    let _watchdog = Watchdog::new("the_least_number_of_workers_stays");
    let builder = Pool::builder().workers(3).idle_timeout(SOON).min_workers(1);
    let pool = builder.build().unwrap();
    wait_for_workers(&pool, 1);
    let pid = pool.worker_pids()[0];
    thread::sleep(5 * SOON);
    assert_eq!(pool.worker_pids(), [pid]);
    assert_eq!(pool.apply(mp_pool::worker_id, ()), Ok(Some(0)), "the lowest number stays");
}

#[mp_process::test]
fn workers_that_have_something_to_do_stay() {
    let _watchdog = Watchdog::new("workers_that_have_something_to_do_stay");
    let pool = Pool::builder().workers(2).idle_timeout(SOON).build().unwrap();
    let begun = Gate::new();
    let busy = pool.apply_async(meet, (begun.clone(), 2));
    begun.wait(1);
    wait_for_workers(&pool, 1);
    begun.step();
    let (_, pid) = busy.get().unwrap();
    assert!(pid > 0);
}

#[mp_process::test]
fn a_pool_without_a_worker_closes_with_all_done() {
    let _watchdog = Watchdog::new("a_pool_without_a_worker_closes_with_all_done");
    let pool = Pool::builder().workers(2).idle_timeout(Duration::ZERO).build().unwrap();
    for _ in 0..10 {
        wait_for_workers(&pool, 0);
        let squares = pool.map(|n: u32| n * n, 0..10).unwrap();
        assert_eq!(squares[9], 81);
    }
    wait_for_workers(&pool, 0);
    let last = pool.apply_async(|| 7, ());
    pool.close();
    pool.join().unwrap();
    assert_eq!(last.get(), Ok(7));
}

#[mp_process::test]
fn more_workers_begin_at_once() {
    let _watchdog = Watchdog::new("more_workers_begin_at_once");
    let pool = Pool::new(1).unwrap();
    let begun = Gate::new();
    let items = (0..3).map(|_| (begun.clone(), 3));
    let result = pool.task(meet).chunk_size(1).starmap_async(items);
    begun.wait(1);
    pool.resize(3).unwrap();
    let ids: BTreeSet<usize> = result.get().unwrap().into_iter().map(|(id, _)| id).collect();
    assert_eq!((ids, pool.workers()), ([0, 1, 2].into(), 3));
}

#[mp_process::test]
fn fewer_workers_lose_nothing() {
    let _watchdog = Watchdog::new("fewer_workers_lose_nothing");
    let pool = Pool::new(4).unwrap();
    let slowly = |n: u32| {
        thread::sleep(Duration::from_micros(300));
        n
    };
    let result = pool.task(slowly).chunk_size(1).map_async(0..1000);
    for workers in [2, 3, 1, 4, 1] {
        pool.resize(workers).unwrap();
        thread::sleep(SOON);
    }
    assert_eq!(result.get().unwrap(), (0..1000).collect::<Vec<_>>());
    wait_for_workers(&pool, 1);
    assert_eq!(pool.apply(mp_pool::worker_id, ()), Ok(Some(0)));
    assert!(matches!(pool.resize(0), Err(PoolError::Zero { .. })));
}

#[mp_process::test]
fn a_resized_pool_replaces_its_dead_up_to_the_new_number() {
    let _watchdog = Watchdog::new("a_resized_pool_replaces_its_dead_up_to_the_new_number");
    fn die() {
        process::abort();
    }
    let pool = Pool::new(3).unwrap();
    pool.resize(2).unwrap();
    wait_for_workers(&pool, 2);
    for _ in 0..4 {
        pool.apply(die, ()).unwrap_err();
    }
    assert_eq!(meeting(&pool, 2), [0, 1].into());
    wait_for_workers(&pool, 2);
}

#[mp_process::test]
fn workers_are_replaced_after_so_many_tasks() {
    let _watchdog = Watchdog::new("workers_are_replaced_after_so_many_tasks");
    let pool = Pool::builder().workers(2).max_tasks_per_child(3).build().unwrap();
    let pids = pool.task(|_: u32| process::id()).chunk_size(2).map(0..60).unwrap();
    for pid in &pids {
        assert!(pids.iter().filter(|&other| other == pid).count() <= 3);
    }
    pool.close();
    pool.join().unwrap();
}

#[mp_process::test]
fn a_worker_that_does_not_get_away_is_replaced_all_the_same() {
    let _watchdog = Watchdog::new("a_worker_that_does_not_get_away_is_replaced_all_the_same");
    fn leave_a_child() -> u32 {
        // It is not a daemon: the worker's end waits for it, for ever.
        drop(mp_process::spawn(thread::park, ()).unwrap());
        process::id()
    }
    let pool = Pool::builder().workers(1).max_tasks_per_child(1).build().unwrap();
    let first = pool.apply(leave_a_child, ()).unwrap();
    let second = pool.apply(process::id, ()).unwrap();
    assert_ne!(first, second);
}
