//! Deadlines of tasks: who has run for too long is stopped, and nobody else.

mod common;

use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use common::Watchdog;
use mp_handle::{Kind, Region};
use mp_pool::{Pool, TaskErrorKind};

#[mp_process::test]
fn a_task_that_takes_too_long_is_killed_and_no_other() {
    let _watchdog = Watchdog::new("a_task_that_takes_too_long_is_killed_and_no_other");
    fn maybe_hang(n: u32) -> u32 {
        if n % 10 == 7 {
            loop {
                thread::park();
            }
        }
        n
    }
    // On a busy machine a short item may take a while, too.
    let limit = Duration::from_secs(3);
    let pool = Pool::new(3).unwrap();
    for chunk_size in [1, 15] {
        let results = pool.task(maybe_hang).deadline(limit).chunk_size(chunk_size).try_map(0..30);
        for (n, result) in (0..).zip(results) {
            match result {
                Ok(value) => assert!(value == n && n % 10 != 7),
                Err(error) => {
                    assert!(n % 10 == 7, "{n}: {error}");
                    let TaskErrorKind::TimedOut { limit: of, .. } = error.kind else {
                        panic!("{error}")
                    };
                    assert_eq!((of, error.index()), (limit, Some(n as usize)));
                }
            }
        }
    }
}

#[mp_process::test]
fn deadlines_that_are_nearly_met_lose_and_repeat_nothing() {
    let _watchdog = Watchdog::new("deadlines_that_are_nearly_met_lose_and_repeat_nothing");
    fn nearly(region: Region, n: u32) -> u32 {
        region.atomic_u32(4 * n as usize).unwrap().fetch_add(1, Ordering::Relaxed);
        thread::sleep(Duration::from_micros(1500 + u64::from(n % 10) * 200));
        n
    }
    let region = Region::create(Kind::new(1000, "counters"), 0, 4 * 300).unwrap();
    let pool = Pool::builder().workers(2).deadline(Duration::from_micros(2800)).build().unwrap();
    let calls = |n: u32| region.atomic_u32(4 * n as usize).unwrap().load(Ordering::Relaxed);
    let results = pool.task(nearly).try_starmap((0..300).map(|n| (region.clone(), n)));
    for (n, result) in (0..).zip(results) {
        match result {
            Ok(value) => assert_eq!((value, calls(n)), (n, 1)),
            Err(error) => {
                assert!(matches!(error.kind, TaskErrorKind::TimedOut { .. }), "{n}: {error}");
                // On a busy machine the time may be over before the function is called.
                assert!(calls(n) <= 1, "task {n} was begun twice");
            }
        }
    }
}
