//! The pool in the manner of `concurrent.futures`.

mod common;

use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use common::Watchdog;
use mp_handle::{Kind, Region};
use mp_pool::{
    Calls, NotReady, Pool, ProcessPoolExecutor, Shutdown, TaskErrorKind, ThreadPoolExecutor,
};

fn region() -> Region {
    Region::create(Kind::new(1000, "gate"), 0, 64).unwrap()
}

/// Counts itself, and returns when the gate is open.
fn pass((gate, n): (Region, u32)) -> u32 {
    gate.atomic_u32(4).unwrap().fetch_add(1, Ordering::AcqRel);
    while gate.atomic_u32(0).unwrap().load(Ordering::Acquire) == 0 {
        thread::sleep(Duration::from_millis(1));
    }
    n
}

fn open(gate: &Region) {
    gate.atomic_u32(0).unwrap().store(1, Ordering::Release);
}

fn wait_for_one(gate: &Region) {
    while gate.atomic_u32(4).unwrap().load(Ordering::Acquire) == 0 {
        thread::sleep(Duration::from_millis(1));
    }
}

fn executor(workers: usize) -> ProcessPoolExecutor {
    Pool::new(workers).unwrap().into()
}

#[mp_process::test]
fn dropping_it_neither_blocks_nor_loses_what_it_was_given() {
    let _watchdog = Watchdog::new("dropping_it_neither_blocks_nor_loses_what_it_was_given");
    let (executor, gate) = (executor(2), region());
    let mut results = executor.map(pass, (0..10).map(|n| (gate.clone(), n)));
    let future = executor.submit(pass, ((gate.clone(), 10),));
    drop(executor);
    assert_eq!(results.try_next(), Err(NotReady));
    assert_eq!(results.next_timeout(Duration::from_millis(10)), Err(NotReady));
    open(&gate);
    assert_eq!(results.map(Result::unwrap).collect::<Vec<_>>(), (0..10).collect::<Vec<_>>());
    assert_eq!(future.result(), Ok(10));
}

#[mp_process::test]
fn a_failure_stands_in_its_place() {
    let _watchdog = Watchdog::new("a_failure_stands_in_its_place");
    let reciprocal = |n: u32| 12_u32.checked_div(n).expect("not zero");
    for chunk in [1, 2, 100] {
        let results = executor(2).task(reciprocal).chunk_size(chunk).results([1, 0, 3]);
        let results: Vec<_> = results.collect();
        assert_eq!((&results[0], &results[2]), (&Ok(12), &Ok(4)));
        let error = results[1].as_ref().unwrap_err();
        assert!(matches!(error.kind, TaskErrorKind::Panicked(_)));
        assert_eq!(error.index(), Some(1));
    }
}

#[mp_process::test]
fn shutdown_cancels_what_has_not_begun_if_asked() {
    let _watchdog = Watchdog::new("shutdown_cancels_what_has_not_begun_if_asked");
    let (executor, gate) = (executor(1), region());
    let results = executor.map(pass, (0..10).map(|n| (gate.clone(), n)));
    wait_for_one(&gate);
    assert!(!executor.shutdown(Shutdown::new().cancel_pending(true).wait(false)));
    open(&gate);
    assert!(executor.shutdown(Shutdown::new()));
    let ended: Vec<_> = results.filter_map(Result::ok).collect();
    assert_eq!(ended, [0]);
    let late = executor.submit(pass, ((gate, 0),)).result().unwrap_err();
    assert_eq!(late.kind, TaskErrorKind::PoolClosed);
}

#[mp_process::test]
fn its_workers_can_be_ended_at_once() {
    let _watchdog = Watchdog::new("its_workers_can_be_ended_at_once");
    let ways: [fn(&ProcessPoolExecutor); 2] =
        [ProcessPoolExecutor::kill_workers, ProcessPoolExecutor::terminate_workers];
    for end in ways {
        let (executor, gate) = (executor(1), region());
        let results = executor.map(pass, (0..3).map(|n| (gate.clone(), n)));
        wait_for_one(&gate);
        end(&executor);
        assert_eq!(results.filter(Result::is_err).count(), 3);
        assert!(executor.shutdown(Shutdown::new()));
    }
}

#[mp_process::test]
fn it_has_a_worker_for_each_processor_by_default() {
    let _watchdog = Watchdog::new("it_has_a_worker_for_each_processor_by_default");
    let executor = ProcessPoolExecutor::new().unwrap();
    assert_eq!(executor.executor().parallelism(), mp_process::cpu_count());
    let threads = ThreadPoolExecutor::new().unwrap();
    assert_eq!(threads.executor().parallelism(), mp_process::cpu_count());
}
