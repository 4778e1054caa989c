//! What calls give: every result, in order, once.

mod common;

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::time::Duration;

use common::Watchdog;
use mp_handle::{Descriptor, Kind, Region};
use mp_pool::{Pool, PoolError, TaskError, TaskErrorKind};
use serde::{Deserialize, Serialize};

fn square(n: u64) -> u64 {
    n * n
}

fn squares(count: u64) -> Vec<u64> {
    (0..count).map(square).collect()
}

#[mp_process::test]
fn map_keeps_the_order_whatever_the_chunk_size() {
    let _watchdog = Watchdog::new("map_keeps_the_order_whatever_the_chunk_size");
    let pool = Pool::new(3).unwrap();
    for count in [0, 1, 2, 3, 13, 1000] {
        assert_eq!(pool.map(square, 0..count).unwrap(), squares(count));
        for size in [0, 1, 7, 1_000_000] {
            let results = pool.task(square).chunk_size(size).map(0..count).unwrap();
            assert_eq!(results, squares(count), "{count} items in chunks of {size}");
        }
    }
}

#[mp_process::test]
fn results_keep_the_order_when_later_items_end_first() {
    let _watchdog = Watchdog::new("results_keep_the_order_when_later_items_end_first");
    /// The first item ends when all others have begun.
    fn slow_first(begun: Region, n: u64) -> u64 {
        let begun = begun.atomic_u32(0).unwrap();
        if n > 0 {
            begun.fetch_add(1, Ordering::Relaxed);
        }
        while n == 0 && begun.load(Ordering::Relaxed) < 9 {
            std::thread::yield_now();
        }
        n
    }
    let pool = Pool::new(2).unwrap();
    let begun = Region::create(Kind::new(1000, "begun"), 0, 64).unwrap();
    let items = (0..10).map(|n| (begun.clone(), n));
    let results = pool.task(slow_first).chunk_size(1).starmap(items).unwrap();
    assert_eq!(results, (0..10).collect::<Vec<_>>());
}

#[mp_process::test]
fn a_hundred_thousand_tasks_one_by_one() {
    let _watchdog = Watchdog::new("a_hundred_thousand_tasks_one_by_one");
    let pool = Pool::new(2).unwrap();
    let results = pool.task(square).chunk_size(1).map(0..100_000).unwrap();
    assert_eq!(results, squares(100_000));
}

#[mp_process::test]
fn starmap_spreads_tuples() {
    let pool = Pool::new(2).unwrap();
    let join = |a: String, b: u8, c: Option<char>| format!("{a}{b}{c:?}");
    let results = pool.starmap(join, [("x".into(), 1, None), ("y".into(), 2, Some('z'))]).unwrap();
    assert_eq!(results, ["x1None", "y2Some('z')"]);
    assert_eq!(pool.starmap_async(|a: u8, b: u8| a + b, [(1, 2)]).get().unwrap(), [3]);
}

#[mp_process::test]
fn work_is_spread_over_all_workers() {
    let _watchdog = Watchdog::new("work_is_spread_over_all_workers");
    /// Ends when three have begun, which takes three workers.
    fn meet(begun: Region) -> u32 {
        let begun = begun.atomic_u32(0).unwrap();
        begun.fetch_add(1, Ordering::Relaxed);
        while begun.load(Ordering::Relaxed) < 3 {
            std::thread::yield_now();
        }
        std::process::id()
    }
    let pool = Pool::new(3).unwrap();
    let begun = Region::create(Kind::new(1000, "begun"), 0, 64).unwrap();
    let pids = pool.map(meet, std::iter::repeat_n(begun, 3)).unwrap();
    let seen: BTreeSet<u32> = pids.into_iter().collect();
    assert_eq!(seen, pool.worker_pids().into_iter().collect());
    assert!(!seen.contains(&std::process::id()));
}

#[mp_process::test]
fn tasks_behind_a_long_one_go_to_an_idle_worker() {
    let _watchdog = Watchdog::new("tasks_behind_a_long_one_go_to_an_idle_worker");
    // The first item waits until all others have ended, so none may be stuck behind it.
    fn wait_for_others(gate: Region, n: u32) -> u32 {
        let ended = gate.atomic_u32(0).unwrap();
        if n == 0 {
            while ended.load(std::sync::atomic::Ordering::Acquire) < 19 {
                std::thread::yield_now();
            }
        } else {
            ended.fetch_add(1, std::sync::atomic::Ordering::AcqRel);
        }
        n
    }
    let gate = Region::create(Kind::new(1000, "gate"), 0, 64).unwrap();
    let pool = Pool::new(2).unwrap();
    let items = (0..20).map(|n| (gate.clone(), n));
    let results = pool.task(wait_for_others).chunk_size(1).starmap(items).unwrap();
    assert_eq!(results, (0..20).collect::<Vec<_>>());
}

#[mp_process::test]
fn large_arguments_and_results_travel() {
    let _watchdog = Watchdog::new("large_arguments_and_results_travel");
    let pool = Pool::new(2).unwrap();
    let reverse = |mut bytes: Vec<u8>| {
        bytes.reverse();
        bytes
    };
    let items: Vec<Vec<u8>> = (0..40).map(|n| [vec![n; 1 << 20], vec![0]].concat()).collect();
    let results = pool.map(reverse, items.clone()).unwrap();
    for (item, result) in items.into_iter().zip(results) {
        assert!(item.into_iter().rev().eq(result));
    }
}

#[mp_process::test]
fn handles_travel_in_arguments_and_results() {
    let _watchdog = Watchdog::new("handles_travel_in_arguments_and_results");
    fn fill(region: Region, n: u8) -> (Region, Descriptor) {
        region.write(usize::from(n), &[n]).unwrap();
        let descriptor = region.descriptor().clone();
        (region, descriptor)
    }
    let pool = Pool::new(2).unwrap();
    let region = Region::create(Kind::new(1000, "bytes"), 0, 200).unwrap();
    let items = (0..200).map(|n| (region.clone(), n));
    let back = pool.starmap(fill, items).unwrap();
    let mut bytes = [0; 200];
    back[199].0.read(0, &mut bytes).unwrap();
    assert!((0..200).eq(bytes));
}

#[mp_process::test]
fn errors_of_tasks_are_described() {
    let pool = Pool::new(2).unwrap();
    let with_anyhow = |text: String| -> anyhow::Result<u32> {
        use anyhow::Context;
        text.parse::<u32>().context("reading the number")
    };
    let results = pool.task(with_anyhow).fallible().try_map(["1".into(), "x".into()]);
    assert_eq!(results[0], Ok(1));
    let error = results[1].as_ref().unwrap_err();
    let TaskErrorKind::Failed(failure) = &error.kind else { panic!("{results:?}") };
    assert_eq!(failure.message, "reading the number");
    assert_eq!(failure.chain, ["invalid digit found in string"]);
    let pid = error.pid().unwrap();
    let text = "reading the number: invalid digit found in string";
    assert_eq!(error.to_string(), format!("task 1 in worker {pid}: {text}"));

    let boxed = || -> Result<(), Box<dyn std::error::Error + Send + Sync>> { Err("no".into()) };
    let error = pool.task(boxed).fallible().apply(()).unwrap_err();
    assert_eq!(error.kind.to_string(), "no");
    let text = || -> Result<(), String> { Err("not so".into()) };
    assert_eq!(pool.task(text).fallible().apply(()).unwrap_err().kind.to_string(), "not so");

    // Without `fallible` a result is a value, typed.
    let typed = |text: String| text.parse::<u8>().map_err(|error| error.to_string().len());
    assert_eq!(
        pool.map(typed, ["1".into(), "x".into()]).unwrap(),
        [Ok(1), Err("invalid digit found in string".len())]
    );
}

#[mp_process::test]
fn a_panic_costs_one_result() {
    let _watchdog = Watchdog::new("a_panic_costs_one_result");
    fn odd(n: u32) -> u32 {
        assert!(n % 2 == 1, "{n} is even");
        n
    }
    let pool = Pool::new(2).unwrap();
    let pids = pool.worker_pids();
    let results = pool.try_map(odd, 0..100);
    for (n, result) in (0..).zip(&results) {
        match result {
            Ok(value) => assert!(*value == n && n % 2 == 1),
            Err(TaskError { kind: TaskErrorKind::Panicked(panic), .. }) => {
                assert_eq!(panic.message, format!("{n} is even"));
                assert!(panic.location.as_ref().unwrap().contains("results.rs:"));
            }
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(pool.worker_pids(), pids, "a panic is caught, the worker lives on");
}

#[mp_process::test]
fn map_gives_the_first_failure_and_gives_up_the_rest() {
    let _watchdog = Watchdog::new("map_gives_the_first_failure_and_gives_up_the_rest");
    fn count(region: Region, n: u32) {
        assert_ne!(n, 3, "three");
        region.atomic_u32(0).unwrap().fetch_add(1, Ordering::Relaxed);
        std::thread::sleep(Duration::from_millis(1));
    }
    let region = Region::create(Kind::new(1000, "count"), 0, 64).unwrap();
    let pool = Pool::new(2).unwrap();
    let items = (0..10_000).map(|n| (region.clone(), n));
    let error = pool.task(count).chunk_size(1).starmap(items).unwrap_err();
    assert_eq!(error.index(), Some(3));
    assert!(
        matches!(error.kind, TaskErrorKind::Panicked(panic) if panic.message.contains("three"))
    );
    pool.close();
    pool.join().unwrap();
    let begun = region.atomic_u32(0).unwrap().load(Ordering::Relaxed);
    assert!(begun < 9_000, "{begun} of 10,000 were run");
}

struct Stubborn;

impl Serialize for Stubborn {
    fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("I stay"))
    }
}

impl<'de> Deserialize<'de> for Stubborn {
    fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Err(serde::de::Error::custom("I do not come"))
    }
}

#[mp_process::test]
fn what_cannot_travel_is_an_error_of_its_item() {
    let _watchdog = Watchdog::new("what_cannot_travel_is_an_error_of_its_item");
    let pool = Pool::new(2).unwrap();
    let look = |item: Option<Stubborn>| item.is_none();
    let results = pool.try_map(look, [None, Some(Stubborn), None]);
    assert_eq!((&results[0], &results[2]), (&Ok(true), &Ok(true)));
    let text = results[1].as_ref().unwrap_err().to_string();
    assert!(text.contains("arguments cannot be encoded") && text.contains("I stay"), "{text}");

    let results = pool.try_map(|odd: bool| odd.then_some(Stubborn), [false, true]);
    assert!(matches!(results[0], Ok(None)));
    let text = results[1].as_ref().err().unwrap().to_string();
    assert!(text.contains("cannot encode the result") && text.contains("I stay"), "{text}");
}

#[mp_process::test]
fn a_closed_pool_ends_what_it_has_and_takes_no_more() {
    let _watchdog = Watchdog::new("a_closed_pool_ends_what_it_has_and_takes_no_more");
    let pool = Pool::new(2).unwrap();
    assert!(matches!(pool.join(), Err(PoolError::StillRunning)));
    let results = pool.task(square).chunk_size(1).map_async(0..5000);
    pool.close();
    let refused = pool.apply(square, (1,)).unwrap_err();
    assert_eq!((refused.pid(), refused.kind), (None, TaskErrorKind::PoolClosed));
    for (n, refused) in pool.try_map(square, 0..2).into_iter().enumerate() {
        let refused = refused.unwrap_err();
        assert_eq!((refused.index(), refused.kind), (Some(n), TaskErrorKind::PoolClosed));
    }
    pool.join().unwrap();
    assert!(pool.try_join().unwrap());
    assert!(results.ready());
    assert_eq!(results.get().unwrap(), squares(5000));
    assert!(pool.worker_pids().is_empty());
}

#[mp_process::test]
fn termination_cancels_what_is_not_done() {
    let _watchdog = Watchdog::new("termination_cancels_what_is_not_done");
    let pool = Pool::new(1).unwrap();
    let parked = pool.apply_async(std::thread::park, ());
    let queued = pool.map_async(square, 0..10);
    pool.terminate();
    assert_eq!(parked.get().unwrap_err().kind, TaskErrorKind::Cancelled);
    assert_eq!(queued.get().unwrap_err().kind, TaskErrorKind::Cancelled);
    assert!(pool.join_timeout(Duration::from_secs(100)).unwrap());
}

#[mp_process::test]
fn a_dropped_pool_leaves_no_process() {
    let _watchdog = Watchdog::new("a_dropped_pool_leaves_no_process");
    let pool = Pool::new(2).unwrap();
    let parked = pool.apply_async(std::thread::park, ());
    let pids = pool.worker_pids();
    drop(pool);
    assert_eq!(parked.get().unwrap_err().kind, TaskErrorKind::Cancelled);
    for pid in pids {
        assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists());
    }
}
