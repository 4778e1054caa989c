//! Waiting for several futures.

mod common;

use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use common::Watchdog;
use mp_handle::{Kind, Region};
use mp_pool::{
    Future, Pool, ReturnWhen, TaskError, TaskErrorKind, as_completed, as_completed_timeout, wait,
};

/// Ends in the turn of `n`.
fn in_turn(turn: Region, n: u32) -> u32 {
    let turn = turn.atomic_u32(0).unwrap();
    while turn.load(Ordering::Acquire) != n {
        thread::sleep(Duration::from_millis(1));
    }
    n
}

fn turn() -> Region {
    Region::create(Kind::new(1000, "turn"), 0, 64).unwrap()
}

fn next(turn: &Region, n: u32) {
    turn.atomic_u32(0).unwrap().store(n, Ordering::Release);
}

fn three(pool: &Pool, turn: &Region) -> Vec<Future<u32>> {
    (1..=3).map(|n| pool.submit(in_turn, (turn.clone(), n))).collect()
}

/// What became of a task, whichever it was.
fn kind<T>(result: Result<T, TaskError>) -> Result<T, TaskErrorKind> {
    result.map_err(|error| error.kind)
}

#[mp_process::test]
fn futures_come_as_they_end_and_each_once() {
    let _watchdog = Watchdog::new("futures_come_as_they_end_and_each_once");
    let (pool, turn) = (Pool::new(3).unwrap(), turn());
    let mut futures = three(&pool, &turn);
    futures.extend_from_within(..);
    let mut ended = as_completed(futures);
    for n in [2, 3, 1] {
        next(&turn, n);
        assert_eq!(ended.next().unwrap().result(), Ok(n));
    }
    assert!(ended.next().is_none() && ended.next().is_none());
    assert_eq!(as_completed(Vec::<Future<()>>::new()).count(), 0);
}

#[mp_process::test]
fn futures_of_several_pools_can_be_waited_for() {
    let _watchdog = Watchdog::new("futures_of_several_pools_can_be_waited_for");
    let pools = [Pool::new(1).unwrap(), Pool::new(1).unwrap()];
    let turn = turn();
    let futures: Vec<_> =
        (1..).zip(&pools).map(|(n, pool)| pool.submit(in_turn, (turn.clone(), n))).collect();
    let mut ended = as_completed(futures);
    for n in [2, 1] {
        next(&turn, n);
        assert_eq!(ended.next().unwrap().result(), Ok(n));
    }
}

#[mp_process::test]
fn a_time_limit_tells_how_many_are_left() {
    let _watchdog = Watchdog::new("a_time_limit_tells_how_many_are_left");
    let (pool, turn) = (Pool::new(3).unwrap(), turn());
    next(&turn, 2);
    let futures = three(&pool, &turn);
    futures[1].result().unwrap();
    let ended = as_completed_timeout(futures.clone(), Duration::from_millis(20));
    let ended: Vec<_> = ended.map(|ended| ended.map(|future| future.result())).collect();
    let [Ok(second), Err(error)] = &ended[..] else { panic!("{ended:?}") };
    assert_eq!((second, error.left, error.of), (&Ok(2), 2, 3));
    assert!(!futures[0].done(), "it goes on");
}

#[mp_process::test]
fn wait_returns_when_it_is_told_to() {
    let _watchdog = Watchdog::new("wait_returns_when_it_is_told_to");
    let (pool, turn) = (Pool::new(3).unwrap(), turn());
    let futures = three(&pool, &turn);
    let seen = wait(futures.clone(), ReturnWhen::AllCompleted, Some(Duration::from_millis(10)));
    assert_eq!((seen.done.len(), seen.not_done.len()), (0, 3));

    next(&turn, 2);
    let seen = wait(futures.clone(), ReturnWhen::FirstCompleted, None);
    assert_eq!((seen.done.len(), seen.not_done.len()), (1, 2));
    assert_eq!(seen.done[0].result(), Ok(2));

    assert!(futures[2].cancel_running());
    let seen = wait(futures.clone(), ReturnWhen::FirstException, None);
    assert_eq!((seen.done.len(), seen.not_done.len()), (2, 1), "a failure is enough");

    next(&turn, 1);
    let seen = wait(futures, ReturnWhen::AllCompleted, None);
    assert_eq!((seen.done.len(), seen.not_done.len()), (3, 0));
    let failed =
        seen.done.iter().filter(|it| kind(it.result()) == Err(TaskErrorKind::Cancelled)).count();
    assert_eq!(failed, 1);
}

#[mp_process::test]
fn many_futures_are_no_burden() {
    let _watchdog = Watchdog::new("many_futures_are_no_burden");
    let pool = Pool::new(2).unwrap();
    let futures: Vec<_> = (0..20_000).map(|n| pool.submit(|n: u64| n, (n,))).collect();
    let sum: u64 = as_completed(futures).map(|future| future.result().unwrap()).sum();
    assert_eq!(sum, 199_990_000);
}
