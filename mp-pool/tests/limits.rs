//! Limits of tasks and workers: soft deadlines, and memory.

mod common;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use std::{process, thread};

use common::Watchdog;
use mp_pool::{Cause, Pool, TaskErrorKind};

const SHORT: Duration = Duration::from_millis(50);
const LONG: Duration = Duration::from_secs(1000);
const MIB: u64 = 1 << 20;

/// Works until its time is over; returns how long it has worked, and what it was told.
fn until_the_limit(_: u32) -> (Duration, Option<Duration>) {
    let begun = Instant::now();
    let left = mp_pool::time_left();
    while !mp_pool::is_over_soft_limit() {
        thread::yield_now();
    }
    assert_eq!(mp_pool::time_left(), Some(Duration::ZERO));
    assert!(mp_pool::deadline().unwrap() <= Instant::now());
    (begun.elapsed(), left)
}

#[mp_process::test]
fn a_task_can_ask_for_its_soft_deadline() {
    let _watchdog = Watchdog::new("a_task_can_ask_for_its_soft_deadline");
    let pool = Pool::new(1).unwrap();
    let task = pool.task(until_the_limit).soft_deadline(SHORT).deadline(LONG).chunk_size(2);
    for (ran, left) in task.map(0..4).unwrap() {
        assert!(left.unwrap() <= SHORT, "each item has its own: {left:?}");
        assert!(ran <= SHORT || ran >= left.unwrap());
    }
}

#[mp_process::test]
fn tasks_without_limits_have_no_deadline() {
    let _watchdog = Watchdog::new("tasks_without_limits_have_no_deadline");
    let ask = || {
        let limit = mp_pool::deadline().is_some();
        (limit, mp_pool::time_left(), mp_pool::is_over_soft_limit())
    };
    let pool = Pool::new(1).unwrap();
    pool.task(until_the_limit).soft_deadline(SHORT).apply((0,)).unwrap();
    assert_eq!(pool.apply(ask, ()), Ok((false, None, false)), "not that of the task before");
    let (limit, left, over) = pool.task(ask).deadline(LONG).apply(()).unwrap();
    assert!(limit && !over && left.is_some_and(|left| left > LONG / 2));
    assert_eq!(ask(), (false, None, false), "nor is there one outside of workers");
}

static SIGNALLED: AtomicBool = AtomicBool::new(false);

extern "C" fn note(_: i32) {
    SIGNALLED.store(true, Ordering::Relaxed);
}

#[mp_process::test]
fn a_task_can_be_signalled_at_its_soft_deadline() {
    let _watchdog = Watchdog::new("a_task_can_be_signalled_at_its_soft_deadline");
    fn set_handler() {
        let handler = note as extern "C" fn(i32);
        // SAFETY: the handler does nothing but store to an atomic.
        unsafe { libc::signal(libc::SIGUSR1, handler as libc::sighandler_t) };
    }
    fn until_the_signal(_: u32) -> bool {
        while !SIGNALLED.swap(false, Ordering::Relaxed) {
            thread::yield_now();
        }
        mp_pool::is_over_soft_limit()
    }
    let pool = Pool::builder().workers(1).initializer(set_handler, ()).build().unwrap();
    let task = pool.task(until_the_signal).soft_signal(SHORT, libc::SIGUSR1);
    assert_eq!(task.map(0..3).unwrap(), [true; 3], "once for each item");
}

fn park() {
    loop {
        thread::park();
    }
}

#[mp_process::test]
fn who_does_not_heed_the_soft_deadline_meets_the_hard_one() {
    let _watchdog = Watchdog::new("who_does_not_heed_the_soft_deadline_meets_the_hard_one");
    let pool = Pool::new(1).unwrap();
    let task = pool.task(park).soft_deadline(SHORT).deadline(2 * SHORT);
    let error = task.apply(()).unwrap_err();
    assert_eq!(error.kind.to_string(), "it ran for more than 100ms and was killed");
}

#[mp_process::test]
fn row_35_an_allocation_beyond_the_limit_costs_one_task_and_says_why() {
    let _watchdog = Watchdog::new("an_allocation_beyond_the_limit_costs_one_task");
    fn allocate(mib: u64) -> usize {
        std::hint::black_box(vec![1_u8; (mib * MIB) as usize]).len()
    }
    let pool = Pool::builder().workers(2).memory_limit(200 * MIB).build().unwrap();
    let results = pool.task(allocate).chunk_size(1).try_map([1, 1000, 50]);
    assert_eq!((&results[0], &results[2]), (&Ok(MIB as usize), &Ok(50 * MIB as usize)));
    let error = results[1].as_ref().unwrap_err();
    let TaskErrorKind::WorkerLost { cause, .. } = error.kind else { panic!("{error}") };
    assert_eq!(cause, Some(Cause::MemoryLimit(200 * MIB)));
    assert!(error.to_string().contains("an allocation failed at its limit"), "{error}");
}

#[mp_process::test]
fn row_35_memory_that_is_no_allocation_counts_too() {
    let _watchdog = Watchdog::new("row_35_memory_that_is_no_allocation_counts_too");
    /// Fills shared memory, which the limit of allocations does not see.
    fn share() {
        let region = mp_handle::Region::create(mp_handle::Kind::new(1000, "large"), 0, 80 << 20);
        let region = region.unwrap();
        (0..80).for_each(|n| region.write(n << 20, &[1; 1 << 20]).unwrap());
        park();
    }
    let pool = Pool::builder().workers(1).memory_limit(60 * MIB).build().unwrap();
    let error = pool.apply(share, ()).unwrap_err();
    let TaskErrorKind::OutOfMemory { used, limit, .. } = error.kind else { panic!("{error}") };
    assert!(used > limit && limit == 60 * MIB);
    assert_eq!(pool.apply(|| 7, ()), Ok(7));
}

#[mp_process::test]
fn row_35_a_worker_that_has_grown_is_replaced_after_its_task() {
    let _watchdog = Watchdog::new("row_35_a_worker_that_has_grown_is_replaced_after_its_task");
    fn leak(mib: usize) -> u32 {
        std::mem::forget(vec![1_u8; mib << 20]);
        process::id()
    }
    let pool = Pool::builder().workers(1).max_memory_per_child(50 * MIB).build().unwrap();
    let pids: Vec<u32> = [1, 1, 80, 1, 80].map(|mib| pool.apply(leak, (mib,)).unwrap()).into();
    assert_eq!((pids[0], pids[1]), (pids[1], pids[2]));
    assert_ne!(pids[2], pids[3]);
    assert_eq!(pids[3], pids[4]);
    let results = pool.task(leak).chunk_size(3).map([30; 30]).unwrap();
    assert!(results.chunks(3).all(|chunk| chunk[0] == chunk[2]), "it does the rest of its chunk");
}
