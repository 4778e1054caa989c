//! Results that workers tell side by side, because all have the same size: none is lost with a
//! neighbour, and none waits for one.

mod common;
#[path = "common/gate.rs"]
mod gate;

use std::fmt::Debug;
use std::sync::{Mutex, mpsc};
use std::thread;
use std::time::Duration;

use common::Watchdog;
use gate::Gate;
use mp_pool::{Calls, Inline, Pool, TaskErrorKind, ThreadPool};
use mp_process::{Function, active_children};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Doubles a number. The last of a hundred waits until the gate is open.
fn double(gate: &Gate, n: u32) -> u32 {
    if n == 99 {
        gate.step();
        gate.wait(2);
    }
    2 * n
}

/// A task has begun with the last item of a hundred.
fn begin(pool: &Pool, gate: &Gate) -> (mp_pool::AsyncResult<Vec<u32>>, mpsc::Receiver<usize>) {
    let (sender, shown) = mpsc::channel();
    let sender = Mutex::new(sender);
    let task = pool.task(double).with(gate).chunk_size(100);
    let task = task.on_item(move |place, _| {
        let _ = sender.lock().unwrap().send(place);
    });
    let result = task.map_async(0..100);
    gate.wait(1);
    (result, shown)
}

#[mp_process::test]
fn values_before_a_long_task_are_there_while_it_runs() {
    let _watchdog = Watchdog::new("values_before_a_long_task_are_there_while_it_runs");
    let pool = Pool::new(1).unwrap();
    let gate = Gate::new();
    let (result, shown) = begin(&pool, &gate);
    for place in 0..99 {
        assert_eq!(shown.recv().unwrap(), place);
    }
    assert!(!result.ready() && pool.dump().to_string().contains("99"), "{}", pool.dump());
    gate.step();
    assert_eq!(result.get().unwrap(), (0..100).map(|n| 2 * n).collect::<Vec<_>>());
    assert_eq!(shown.recv().unwrap(), 99, "each is shown once");
    assert!(shown.recv_timeout(Duration::from_millis(1)).is_err());
}

#[mp_process::test]
fn a_worker_that_is_killed_has_told_all_values_before() {
    let _watchdog = Watchdog::new("a_worker_that_is_killed_has_told_all_values_before");
    let pool = Pool::new(1).unwrap();
    for _ in 0..20 {
        let gate = Gate::new();
        let (result, shown) = begin(&pool, &gate);
        let pid = pool.worker_pids()[0];
        active_children().iter().find(|child| child.pid() == pid).unwrap().kill().unwrap();
        let error = result.get().unwrap_err();
        assert_eq!(error.index(), Some(99), "{error}");
        assert!(matches!(error.kind, TaskErrorKind::WorkerLost { .. }), "{error}");
        let shown: Vec<_> = (0..100).map(|_| shown.recv().unwrap()).collect();
        assert_eq!(shown, (0..100).collect::<Vec<_>>());
    }
}

#[mp_process::test]
fn a_pool_that_is_terminated_keeps_all_values_before() {
    let _watchdog = Watchdog::new("a_pool_that_is_terminated_keeps_all_values_before");
    let pool = Pool::new(1).unwrap();
    let gate = Gate::new();
    let (sender, ended) = mpsc::channel();
    let each = thread::scope(|scope| {
        let each = scope.spawn(|| {
            let each = pool.task(double).with(&gate).chunk_size(100).try_map(0..100);
            sender.send(()).unwrap();
            each
        });
        gate.wait(1);
        pool.terminate();
        ended.recv().unwrap();
        each.join().unwrap()
    });
    assert!(each[..99].iter().all(Result::is_ok));
    assert_eq!(each[99].as_ref().unwrap_err().kind, TaskErrorKind::Cancelled);
}

/// Sends values there and back, in chunks of all sizes.
fn same<T>(calls: &impl Calls, identity: impl Function<(T,), Output = T>, values: &[T])
where
    T: Serialize + DeserializeOwned + Clone + PartialEq + Debug,
{
    for chunk_size in [1, 2, 100, 4096] {
        let back = calls.task(identity).chunk_size(chunk_size).map(values.iter().cloned());
        assert_eq!(back.unwrap(), values);
    }
}

/// Values of several types, enough of them to fill a ring.
fn all_types(calls: &impl Calls) {
    let numbers: Vec<u64> = (0..9_000).map(|n| n << 40 | n).collect();
    same(calls, |n: u64| n, &numbers);
    same(calls, |n: i128| n, &numbers.iter().map(|&n| -i128::from(n)).collect::<Vec<_>>());
    same(calls, |n: bool| n, &numbers.iter().map(|&n| n % 3 == 0).collect::<Vec<_>>());
    same(calls, |n: f32| n, &numbers.iter().map(|&n| n as f32).collect::<Vec<_>>());
    same(calls, |n: (u8, u8)| n, &numbers.iter().map(|&n| (n as u8, 1)).collect::<Vec<_>>());
    same(calls, |n: ()| n, &[(); 1000]);
    same(
        calls,
        |n: Option<u8>| n,
        &numbers[..500].iter().map(|&n| (n % 2 == 0).then_some(7)).collect::<Vec<_>>(),
    );
    let pairs = calls.starmap(|a: u64, b: u64| a + b, numbers.iter().map(|&n| (n, 1)));
    assert!(pairs.unwrap().iter().zip(&numbers).all(|(sum, n)| *sum == n + 1));
}

#[mp_process::test]
fn values_of_all_types_come_back_as_they_went() {
    let _watchdog = Watchdog::new("values_of_all_types_come_back_as_they_went");
    all_types(&Pool::new(2).unwrap());
    all_types(&Pool::builder().workers(2).insights(true).build().unwrap());
    all_types(&ThreadPool::new(2).unwrap());
    all_types(&Inline::new().unwrap());
}

#[mp_process::test]
fn panics_and_failures_between_values_are_those_of_their_tasks() {
    let _watchdog = Watchdog::new("panics_and_failures_between_values_are_those_of_their_tasks");
    let checked = |n: u32| match n % 10 {
        3 => panic!("no {n}"),
        6 => Err(format!("not {n}")),
        _ => Ok(n),
    };
    let pool = Pool::new(2).unwrap();
    let results = pool.task(checked).fallible().chunk_size(500).try_map(0..2_000);
    for (n, result) in (0..).zip(results) {
        match (n % 10, result.map_err(|error| error.kind)) {
            (3, Err(TaskErrorKind::Panicked(panic))) => {
                assert_eq!(panic.message, format!("no {n}"))
            }
            (6, Err(TaskErrorKind::Failed(error))) => assert_eq!(error.message, format!("not {n}")),
            (_, result) => assert_eq!(result.unwrap(), n),
        }
    }
}
