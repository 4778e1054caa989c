//! Every executor has the same calls, and gives the same results.

mod common;

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use common::Watchdog;
use mp_handle::{Kind, Region};
use mp_pool::{
    Calls, Executor, Inline, Pool, PoolError, Shutdown, TaskError, TaskErrorKind, ThreadPool,
    ThreadPoolExecutor, as_completed,
};

fn region() -> Region {
    Region::create(Kind::new(1000, "words"), 0, 64).unwrap()
}

/// Does `check` with each executor.
fn with_each(check: fn(&Arc<dyn Executor>)) {
    check(Pool::new(2).unwrap().executor());
    check(ThreadPool::new(2).unwrap().executor());
    check(Inline::new().unwrap().executor());
}

/// What became of a task, whichever it was.
fn kind<T>(result: Result<T, TaskError>) -> Result<T, TaskErrorKind> {
    result.map_err(|error| error.kind)
}

#[mp_process::test]
fn calls_give_the_same_wherever_they_run() {
    let _watchdog = Watchdog::new("calls_give_the_same_wherever_they_run");
    with_each(|executor| {
        let square = |n: u64| n * n;
        let squares: Vec<u64> = (0..1000).map(square).collect();
        assert_eq!(executor.map(square, 0..1000).unwrap(), squares);
        assert_eq!(executor.task(square).chunk_size(1).map(0..1000).unwrap(), squares);
        assert_eq!(executor.map_async(square, 0..1000).get().unwrap(), squares);
        let lazily: Result<Vec<_>, _> = executor.imap(square, 0..1000).collect();
        assert_eq!(lazily.unwrap(), squares);
        assert_eq!(executor.imap_unordered(square, 0..1000).count(), 1000);
        let join = |a: String, b: u8| format!("{a}{b}");
        assert_eq!(executor.starmap(join, [("x".into(), 1)]).unwrap(), ["x1"]);
        assert_eq!(executor.apply(join, ("y".into(), 2)).unwrap(), "y2");
        assert_eq!(executor.apply_async(join, ("z".into(), 3)).get().unwrap(), "z3");
        let futures: Vec<_> = (0..9).map(|n| executor.submit(square, (n,))).collect();
        let sum: u64 = as_completed(futures).map(|future| future.result().unwrap()).sum();
        assert_eq!(sum, 204);
    });
}

#[mp_process::test]
fn failures_are_the_same_wherever_they_happen() {
    let _watchdog = Watchdog::new("failures_are_the_same_wherever_they_happen");
    with_each(|executor| {
        let reciprocal = |n: u32| if n == 3 { panic!("three") } else { 12 / n };
        let each = executor.try_map(reciprocal, 1..=4);
        assert_eq!((&each[0], &each[3]), (&Ok(12), &Ok(3)));
        let error = each[2].as_ref().unwrap_err();
        let TaskErrorKind::Panicked(panic) = &error.kind else { panic!("{error}") };
        assert_eq!((panic.message.as_str(), error.index()), ("three", Some(2)));
        assert_eq!(executor.map(reciprocal, 3..9).unwrap_err().index(), Some(0));
        let fails = || Err::<(), _>("on purpose");
        let failed = executor.task(fails).fallible().submit(()).exception();
        assert_eq!(failed.unwrap().kind.to_string(), "on purpose");
    });
}

#[mp_process::test]
fn handles_travel_to_every_executor() {
    let _watchdog = Watchdog::new("handles_travel_to_every_executor");
    with_each(|executor| {
        let words = region();
        let add = |words: Region, n: u32| {
            words.atomic_u32(0).unwrap().fetch_add(n, Ordering::Relaxed);
            words
        };
        let back = executor.apply(add, (words.clone(), 3)).unwrap();
        executor.starmap(add, [(words, 4), (back.clone(), 5)]).unwrap();
        assert_eq!(back.atomic_u32(0).unwrap().load(Ordering::Relaxed), 12);
    });
}

#[mp_process::test]
fn a_closed_executor_takes_nothing() {
    let _watchdog = Watchdog::new("a_closed_executor_takes_nothing");
    with_each(|executor| {
        assert!(!executor.is_closed());
        executor.close();
        assert!(executor.is_closed());
        assert_eq!(kind(executor.apply(|| 1, ())), Err(TaskErrorKind::PoolClosed));
        assert_eq!(kind(executor.submit(|| 1, ()).result()), Err(TaskErrorKind::PoolClosed));
        assert_eq!(
            executor.imap(|n: u8| n, [1]).next().map(kind),
            Some(Err(TaskErrorKind::PoolClosed))
        );
    });
}

#[mp_process::test]
fn what_cannot_be_stopped_refuses_a_deadline() {
    let limit = Duration::from_secs(60);
    let refuses = |executor: &Arc<dyn Executor>| {
        let refused = kind(executor.task(|| 1).deadline(limit).apply(()));
        assert!(matches!(refused, Err(TaskErrorKind::Unsupported { .. })), "{refused:?}");
    };
    refuses(ThreadPool::new(1).unwrap().executor());
    refuses(Inline::new().unwrap().executor());
}

#[mp_process::test]
fn what_is_urgent_begins_first() {
    let _watchdog = Watchdog::new("what_is_urgent_begins_first");
    /// Waits at the gate, or notes its turn.
    fn note(words: Region, n: u32) -> u32 {
        let [gate, turn] = [0, 4].map(|at| words.atomic_u32(at).unwrap());
        while n == 0 && gate.load(Ordering::Acquire) == 0 {
            thread::sleep(Duration::from_millis(1));
        }
        turn.fetch_add(1, Ordering::AcqRel)
    }
    let check = |executor: &Arc<dyn Executor>| {
        let words = region();
        let holds = executor.submit(note, (words.clone(), 0));
        while !holds.running() {
            thread::yield_now();
        }
        let submit = |priority, n| {
            let words = words.clone();
            (0..n)
                .map(|_| executor.task(note).priority(priority).submit((words.clone(), 1)))
                .collect::<Vec<_>>()
        };
        let (low, normal, high) = (submit(-1, 2), submit(0, 3), submit(7, 2));
        words.atomic_u32(0).unwrap().store(1, Ordering::Release);
        let turns = |futures: Vec<mp_pool::Future<u32>>| -> Vec<u32> {
            futures.iter().map(|future| future.result().unwrap()).collect()
        };
        assert_eq!(turns(high), [1, 2]);
        assert_eq!(turns(normal), [3, 4, 5]);
        assert_eq!(turns(low), [6, 7]);
    };
    check(Pool::new(1).unwrap().executor());
    check(ThreadPool::new(1).unwrap().executor());
}

static BEGUN: AtomicU32 = AtomicU32::new(0);

#[mp_process::test]
fn an_executor_of_threads_does_what_it_was_given_when_it_is_dropped() {
    let _watchdog =
        Watchdog::new("an_executor_of_threads_does_what_it_was_given_when_it_is_dropped");
    let executor = ThreadPoolExecutor::from(ThreadPool::new(2).unwrap());
    let doubled = executor.map(|n: u32| 2 * n, 0..1_000);
    let future = executor.submit(|| 7, ());
    drop(executor);
    assert!((0..).zip(doubled).all(|(n, result)| result == Ok(2 * n)));
    assert_eq!(future.result(), Ok(7));
}

fn hang() {
    loop {
        thread::park();
    }
}

#[mp_process::test]
fn shutting_threads_down_returns_though_one_of_them_hangs() {
    let _watchdog = Watchdog::new("shutting_threads_down_returns_though_one_of_them_hangs");
    let executor = ThreadPoolExecutor::from(ThreadPool::new(1).unwrap());
    let hangs = executor.submit(hang, ());
    let queued = executor.submit(|| 7, ());
    assert!(!executor.shutdown(Shutdown::new().deadline(Duration::from_millis(10))));
    assert_eq!(queued.result().unwrap_err().kind, TaskErrorKind::Cancelled);
    assert!(executor.submit(|| 7, ()).result().is_err(), "it takes no more");
    drop(hangs);
}

#[mp_process::test]
fn each_thread_begins_with_the_initializer() {
    let _watchdog = Watchdog::new("each_thread_begins_with_the_initializer");
    let all_began = Arc::new(Barrier::new(3));
    let begins = Arc::clone(&all_began);
    let builder = ThreadPool::builder().threads(2).initializer(move || {
        BEGUN.fetch_add(1, Ordering::Relaxed);
        begins.wait();
    });
    let pool = builder.build().unwrap();
    all_began.wait();
    assert_eq!(pool.apply(|| BEGUN.load(Ordering::Relaxed), ()), Ok(2));
}

#[mp_process::test]
fn threads_that_cannot_begin_leave_nobody_waiting() {
    let _watchdog = Watchdog::new("threads_that_cannot_begin_leave_nobody_waiting");
    let pool = ThreadPool::builder().threads(2).initializer(|| panic!("no")).build().unwrap();
    let result = kind(pool.apply(|| 1, ()));
    assert!(matches!(result, Err(TaskErrorKind::PoolBroken { .. })), "{result:?}");
    pool.join().unwrap();
    assert!(matches!(ThreadPool::new(0), Err(PoolError::Zero { .. })));
}

#[mp_process::test]
fn a_pool_of_threads_ends_as_one_of_processes() {
    let _watchdog = Watchdog::new("a_pool_of_threads_ends_as_one_of_processes");
    let pool = ThreadPool::new(2).unwrap();
    assert!(matches!(pool.join(), Err(PoolError::StillRunning)));
    let results = pool.map_async(|n: u32| n, 0..100);
    pool.close();
    pool.join().unwrap();
    assert_eq!(results.try_get().unwrap().unwrap().len(), 100);

    let (pool, words) = (ThreadPool::new(1).unwrap(), region());
    let wait = |words: Region| {
        while words.atomic_u32(0).unwrap().load(Ordering::Acquire) == 0 {
            thread::sleep(Duration::from_millis(1));
        }
    };
    let [runs, queued] = [(); 2].map(|()| pool.submit(wait, (words.clone(),)));
    while !runs.running() {
        thread::yield_now();
    }
    pool.terminate();
    assert_eq!(kind(queued.result()), Err(TaskErrorKind::Cancelled));
    assert!(!pool.join_timeout(Duration::from_millis(10)).unwrap(), "one runs");
    words.atomic_u32(0).unwrap().store(1, Ordering::Release);
    pool.join().unwrap();
    assert_eq!(runs.result(), Ok(()));
}
