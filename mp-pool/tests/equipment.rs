//! Shared values, state and finalizers of workers.

mod common;
#[path = "common/gate.rs"]
mod gate;
#[path = "common/signal.rs"]
mod signal;

use std::cell::Cell;
use std::time::Duration;
use std::{process, thread};

use common::Watchdog;
use gate::Gate;
use mp_pool::{Pool, TaskError, TaskErrorKind};
use serde::{Deserialize, Deserializer, Serialize};
use signal::signal;

/// Counts, in a gate of its own, how often it was decoded.
#[derive(Serialize)]
struct Table {
    decoded: Gate,
    bytes: Vec<u8>,
}

impl<'de> Deserialize<'de> for Table {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Raw {
            decoded: Gate,
            bytes: Vec<u8>,
        }
        let Raw { decoded, bytes } = Raw::deserialize(deserializer)?;
        decoded.step();
        Ok(Self { decoded, bytes })
    }
}

impl Table {
    fn new(len: usize) -> Self {
        Self { decoded: Gate::new(), bytes: (0..len).map(|n| n as u8).collect() }
    }
}

fn look_up(table: &Table, n: usize) -> u8 {
    table.bytes[n]
}

#[mp_process::test]
fn a_shared_value_is_decoded_once_by_each_worker() {
    let _watchdog = Watchdog::new("a_shared_value_is_decoded_once_by_each_worker");
    let pool = Pool::new(2).unwrap();
    for len in [100, 1 << 20] {
        let table = Table::new(len);
        let found = pool.task(look_up).with(&table).chunk_size(1).map(0..100).unwrap();
        assert_eq!(found, (0..100).collect::<Vec<u8>>());
        assert!((1..=2).contains(&table.decoded.steps()), "{} times", table.decoded.steps());
    }
}

#[mp_process::test]
fn calls_with_values_of_their_own_may_mix() {
    let _watchdog = Watchdog::new("calls_with_values_of_their_own_may_mix");
    fn add(base: &u64, n: u64) -> u64 {
        base + n
    }
    let pool = Pool::new(2).unwrap();
    let calls: Vec<_> = (0..20)
        .map(|base| pool.task(add).with(&(1000 * base)).chunk_size(1).map_async(0..50))
        .collect();
    let plain = pool.map_async(|n: u64| n, 0..50);
    for (base, call) in (0..).zip(calls) {
        assert_eq!(call.get().unwrap(), (0..50).map(|n| 1000 * base + n).collect::<Vec<_>>());
    }
    assert_eq!(plain.get().unwrap(), (0..50).collect::<Vec<_>>());
}

thread_local! {
    static DROPS: Cell<u32> = const { Cell::new(0) };
}

#[derive(Serialize, Deserialize)]
struct CountsDrops(u32);

impl Drop for CountsDrops {
    fn drop(&mut self) {
        DROPS.set(DROPS.get() + 1);
    }
}

#[mp_process::test]
fn a_shared_value_is_dropped_when_its_call_has_ended() {
    let _watchdog = Watchdog::new("a_shared_value_is_dropped_when_its_call_has_ended");
    fn read(shared: &CountsDrops) -> u32 {
        shared.0
    }
    let pool = Pool::new(1).unwrap();
    for n in 0..10 {
        assert_eq!(pool.task(read).with(&CountsDrops(n)).apply(()), Ok(n));
    }
    // The worker hears of it a moment later.
    while pool.apply(|| DROPS.get(), ()) != Ok(10) {
        thread::sleep(Duration::from_millis(1));
    }
}

#[mp_process::test]
fn replacements_get_the_shared_value_too() {
    let _watchdog = Watchdog::new("replacements_get_the_shared_value_too");
    fn perhaps_die(table: &Table, n: usize) -> u8 {
        if n.is_multiple_of(10) {
            process::abort();
        }
        table.bytes[n]
    }
    let pool = Pool::builder().workers(2).with(&Table::new(100)).build().unwrap();
    let results = pool.task(perhaps_die).with_shared().chunk_size(3).try_map(0..100);
    for (n, result) in results.into_iter().enumerate() {
        match result {
            Ok(value) => assert_eq!(usize::from(value), n),
            Err(_) => assert!(n.is_multiple_of(10)),
        }
    }
}

#[derive(Serialize)]
struct Stubborn;

impl<'de> Deserialize<'de> for Stubborn {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Err(serde::de::Error::custom("I do not come"))
    }
}

#[mp_process::test]
fn a_shared_value_that_cannot_be_used_is_an_error_of_each_task() {
    let _watchdog = Watchdog::new("a_shared_value_that_cannot_be_used_is_an_error_of_each_task");
    fn take(_: &Stubborn, n: u32) -> u32 {
        n
    }
    fn other(_: &u8, n: u32) -> u32 {
        n
    }
    let says = |results: Vec<Result<u32, TaskError>>, what: &str| {
        assert_eq!(results.len(), 2);
        for result in results {
            let error = result.unwrap_err().to_string();
            assert!(error.contains(what), "{error}");
        }
    };
    let pool = Pool::new(1).unwrap();
    says(pool.task(take).with(&Stubborn).try_map([1, 2]), "I do not come");
    says(pool.task(other).with_shared().try_map([1, 2]), "built without one");
    let pool = Pool::builder().workers(1).with(&String::new()).build().unwrap();
    says(pool.task(other).with_shared().try_map([1, 2]), "shares a u8, but the pool has a alloc");
    let count = |_: &mut u64, n: u32| n;
    says(pool.task(count).with_state().try_map([1, 2]), "a state of type u64");
    assert_eq!(pool.apply(|| 7, ()), Ok(7));
}

fn start(from: u32) -> u32 {
    from
}

fn count(state: &mut u32, n: u32) -> (u32, u32) {
    *state += 1;
    assert_ne!(n, 1000, "a bad number");
    (process::id(), *state)
}

#[mp_process::test]
fn each_worker_has_a_state_of_its_own() {
    let _watchdog = Watchdog::new("each_worker_has_a_state_of_its_own");
    let pool = Pool::builder().workers(2).state(start, (100,)).build().unwrap();
    let mut last = std::collections::BTreeMap::new();
    for (pid, state) in pool.task(count).with_state().chunk_size(1).map(0..200).unwrap() {
        let expected: &mut u32 = last.entry(pid).or_insert(100);
        *expected = state.max(*expected);
    }
    assert_eq!(last.values().map(|last| last - 100).sum::<u32>(), 200);
}

#[mp_process::test]
fn a_panic_leaves_the_state_where_it_is() {
    let _watchdog = Watchdog::new("a_panic_leaves_the_state_where_it_is");
    let pool = Pool::builder().workers(1).state(start, (0,)).build().unwrap();
    let results = pool.task(count).with_state().try_map([1, 1000, 2]);
    assert!(matches!(results[1].as_ref().unwrap_err().kind, TaskErrorKind::Panicked(_)));
    assert_eq!(results[2].as_ref().unwrap().1, 3);
}

#[mp_process::test]
fn a_state_that_cannot_be_made_ends_the_pool_with_its_reason() {
    let _watchdog = Watchdog::new("a_state_that_cannot_be_made_ends_the_pool_with_its_reason");
    let no_state = || -> u32 { panic!("no database") };
    let pool = Pool::builder().workers(1).state(no_state, ()).build().unwrap();
    let error = pool.task(count).with_state().apply((1,)).unwrap_err();
    assert!(matches!(error.kind, TaskErrorKind::PoolBroken { .. }), "{error:?}");
    assert!(error.to_string().contains("no database"), "{error}");
}

#[mp_process::test]
fn what_finalizers_return_is_there_after_join_but_for_killed_workers() {
    let _watchdog = Watchdog::new("what_finalizers_return_is_there_after_join");
    fn large(count: u32) -> (u32, Vec<u8>, Gate) {
        let gate = Gate::new();
        gate.step();
        (count, vec![7; 1 << 20], gate)
    }
    let builder = Pool::builder().workers(2).state(start, (0,)).state_finalizer(large);
    let pool = builder.build().unwrap();
    let done = pool.task(count).with_state().chunk_size(1).map(0..20).unwrap();
    let victim = pool.worker_pids()[0];
    let lost = done.iter().filter(|(pid, _)| *pid == victim).count();
    signal(victim, libc::SIGKILL);
    while pool.worker_pids().contains(&victim) || pool.worker_pids().len() < 2 {
        thread::sleep(Duration::from_millis(1));
    }
    pool.close();
    pool.join().unwrap();
    let results = pool.exit_results::<(u32, Vec<u8>, Gate)>();
    assert_eq!(results.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [0, 1]);
    let mut sum = 0;
    for (_, result) in results {
        let (count, bytes, gate) = result.unwrap();
        assert_eq!((bytes.len(), gate.steps()), (1 << 20, 1));
        sum += count as usize;
    }
    assert_eq!(sum, 20 - lost);
    assert!(pool.exit_results::<()>().is_empty(), "they are given once");
}

#[mp_process::test]
fn a_finalizer_that_panics_or_hangs_keeps_nobody() {
    let _watchdog = Watchdog::new("a_finalizer_that_panics_or_hangs_keeps_nobody");
    fn panics() {
        panic!("no goodbye");
    }
    let pool = Pool::builder().workers(1).finalizer(panics).build().unwrap();
    pool.close();
    pool.join().unwrap();
    let results = pool.exit_results::<()>();
    assert!(
        matches!(&results[..], [(0, Err(TaskErrorKind::Panicked(p)))] if p.message == "no goodbye")
    );

    let builder = Pool::builder().workers(1).exit_timeout(Duration::from_millis(100));
    let pool = builder.finalizer(thread::park).build().unwrap();
    pool.close();
    pool.join().unwrap();
    assert!(pool.exit_results::<()>().is_empty());
}

#[mp_process::test]
fn a_state_is_dropped_when_its_worker_exits() {
    let _watchdog = Watchdog::new("a_state_is_dropped_when_its_worker_exits");
    struct Steps(Gate);
    impl Drop for Steps {
        fn drop(&mut self) {
            self.0.step();
        }
    }
    let gate = Gate::new();
    let pool = Pool::builder().workers(2).state(Steps, (gate.clone(),)).build().unwrap();
    let look = |steps: &mut Steps| steps.0.steps();
    assert_eq!(pool.task(look).with_state().apply(()), Ok(0));
    pool.close();
    gate.wait(2);
    pool.join().unwrap();
    assert_eq!(gate.steps(), 2);
}
