//! What users complain about in other pools (the reports are named), and what this one guarantees.

mod common;

use std::panic::resume_unwind;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::{process, thread};

use common::Watchdog;
use mp_handle::{Kind, Region};
use mp_pool::{Pool, TaskErrorKind};
use mp_process::{Child, active_children};
use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

const FLAG: Kind = Kind::new(1001, "flag");

/// A flag that is seen in all processes.
fn flag() -> Region {
    Region::create(FLAG, 0, 4).unwrap()
}

fn raise(flag: &Region) {
    flag.atomic_u32(0).unwrap().store(1, Ordering::Release);
}

fn wait_for(flag: &Region) {
    while flag.atomic_u32(0).unwrap().load(Ordering::Acquire) == 0 {
        thread::yield_now();
    }
}

/// The workers of a pool of this process.
fn workers(pool: &Pool) -> Vec<Child> {
    let pids = pool.worker_pids();
    active_children().into_iter().filter(|child| pids.contains(&child.pid())).collect()
}

fn hang(begun: Region) {
    raise(&begun);
    loop {
        thread::park();
    }
}

/// CPython: gh-66587, gh-82265, gh-96062, gh-76067.
#[mp_process::test]
fn row_01_waiting_for_a_task_ends_though_its_worker_was_killed() {
    let _watchdog = Watchdog::new("row_01_waiting_for_a_task_ends_though_its_worker_was_killed");
    let pool = Pool::new(2).unwrap();
    let begun = flag();
    let result = pool.apply_async(hang, (begun.clone(),));
    wait_for(&begun);
    workers(&pool).iter().for_each(|worker| worker.kill().unwrap());
    let error = result.get().unwrap_err();
    assert!(matches!(error.kind, TaskErrorKind::WorkerLost { .. }), "{error}");
}

/// pebble #163, billiard #104, CPython: gh-88304. There, the worker may hold the queue's lock.
#[mp_process::test]
fn row_02_whenever_a_worker_is_killed_the_others_go_on() {
    let _watchdog = Watchdog::new("row_02_whenever_a_worker_is_killed_the_others_go_on");
    let pool = Pool::new(3).unwrap();
    for _ in 0..50 {
        let task = pool.task(|n: u32| n).chunk_size(1).retries(100);
        let numbers = task.map_async(0..2_000);
        if let Some(worker) = workers(&pool).first() {
            worker.kill().unwrap();
        }
        assert_eq!(numbers.get().unwrap(), (0..2_000).collect::<Vec<_>>());
    }
}

/// joblib #812, pebble #70: the executor gives up all that is pending.
#[mp_process::test]
fn row_03_a_death_costs_one_task_and_the_pool_goes_on() {
    let _watchdog = Watchdog::new("row_03_a_death_costs_one_task_and_the_pool_goes_on");
    let pool = Pool::new(2).unwrap();
    let mortal = |n: u32| if n == 500 { process::abort() } else { n };
    for _ in 0..3 {
        let results = pool.try_map(mortal, 0..1_000);
        let lost: Vec<_> = (0..1_000).filter(|&n| results[n].is_err()).collect();
        assert_eq!(lost, [500]);
    }
}

/// CPython: gh-115634, gh-111498, gh-115831.
#[mp_process::test]
fn row_04_replacing_workers_after_so_many_tasks_never_strands_one() {
    let _watchdog = Watchdog::new("row_04_replacing_workers_after_so_many_tasks_never_strands_one");
    for most in [1, 2, 5] {
        let pool = Pool::builder().workers(3).max_tasks_per_child(most).build().unwrap();
        for (count, chunk_size) in [(1, 1), (7, 2), (40, 3), (40, 100)] {
            let task = pool.task(|n: u32| n + 1).chunk_size(chunk_size);
            assert_eq!(task.map(0..count).unwrap(), (1..=count).collect::<Vec<_>>());
        }
        pool.close();
        pool.join().unwrap();
    }
}

/// CPython: gh-105829, gh-94777: a pipe is full in both directions.
#[mp_process::test]
fn row_05_many_large_submissions_do_not_block_each_other() {
    let _watchdog = Watchdog::new("row_05_many_large_submissions_do_not_block_each_other");
    let pool = Pool::new(2).unwrap();
    let larger = |bytes: Vec<u8>| [bytes.clone(), bytes].concat();
    let results: Vec<_> =
        (0..2_000).map(|n| pool.apply_async(larger, (vec![n as u8; 16 << 10],))).collect();
    for (n, result) in results.into_iter().enumerate() {
        assert!(result.get().unwrap() == vec![n as u8; 32 << 10]);
    }
}

/// What cannot leave the process that has it, or not arrive at the other.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fragile {
    Stays,
    Breaks,
    Travels,
}

impl Serialize for Fragile {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Stays => Err(S::Error::custom("it stays")),
            Self::Breaks => serializer.serialize_bool(false),
            Self::Travels => serializer.serialize_bool(true),
        }
    }
}

impl<'de> Deserialize<'de> for Fragile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match bool::deserialize(deserializer)? {
            true => Ok(Self::Travels),
            false => Err(D::Error::custom("it broke")),
        }
    }
}

/// CPython: gh-79492, gh-103061; pebble #146.
#[mp_process::test]
fn row_06_a_result_that_cannot_travel_is_an_error_of_its_task() {
    let _watchdog = Watchdog::new("row_06_a_result_that_cannot_travel_is_an_error_of_its_task");
    let pool = Pool::new(2).unwrap();
    let make = |n: u32| [Fragile::Stays, Fragile::Breaks, Fragile::Travels][n as usize % 3];
    for (n, result) in pool.try_map(make, 0..30).into_iter().enumerate() {
        let reason = result.map_err(|error| error.to_string());
        match n % 3 {
            0 => assert!(reason.unwrap_err().contains("it stays")),
            1 => assert!(reason.unwrap_err().contains("it broke")),
            _ => assert_eq!(reason, Ok(Fragile::Travels)),
        }
    }
}

fn leave() {
    process::exit(7);
}

fn unwind() {
    resume_unwind(Box::new("a payload"));
}

/// CPython: pull request 101081. `sys.exit` in a task hangs the pool there.
#[mp_process::test]
fn row_07_leaving_in_a_task_is_an_error_of_that_task() {
    let _watchdog = Watchdog::new("row_07_leaving_in_a_task_is_an_error_of_that_task");
    let pool = Pool::new(1).unwrap();
    let error = pool.apply(leave, ()).unwrap_err();
    assert!(error.to_string().contains("code 7"), "{error}");
    let error = pool.apply(unwind, ()).unwrap_err();
    assert!(matches!(error.kind, TaskErrorKind::Panicked(_)), "{error}");
    assert_eq!(pool.apply(|| 1, ()).unwrap(), 1);
}

/// CPython starts worker after worker, for ever.
#[mp_process::test]
fn row_08_an_initializer_that_fails_ends_the_pool_and_says_why() {
    let _watchdog = Watchdog::new("row_08_an_initializer_that_fails_ends_the_pool_and_says_why");
    let fails = || Err::<(), _>("no such model");
    let pool = Pool::builder().workers(2).restarts(5).initializer(fails, ()).build().unwrap();
    let error = pool.apply(|| (), ()).unwrap_err();
    assert!(matches!(error.kind, TaskErrorKind::PoolBroken { .. }), "{error}");
    assert!(error.to_string().contains("no such model"), "{error}");
}

/// pebble #147 and #69, CPython: gh-83386.
#[mp_process::test]
fn row_10_ending_a_pool_never_waits_for_what_its_workers_do() {
    let _watchdog = Watchdog::new("row_10_ending_a_pool_never_waits_for_what_its_workers_do");
    let pool = Pool::new(2).unwrap();
    let begun = [flag(), flag()];
    let tasks = begun.clone().map(|begun| pool.apply_async(hang, (begun,)));
    begun.iter().for_each(wait_for);
    workers(&pool)[0].send_signal(libc::SIGSTOP).unwrap();
    pool.close();
    assert!(!pool.join_timeout(Duration::from_millis(10)).unwrap());
    pool.terminate();
    pool.join().unwrap();
    for task in tasks {
        assert_eq!(task.get().unwrap_err().kind, TaskErrorKind::Cancelled);
    }
}

/// CPython: gh-128041; pebble #97 and #129.
#[mp_process::test]
fn row_11_a_deadline_ends_one_task_and_no_other() {
    let _watchdog = Watchdog::new("row_11_a_deadline_ends_one_task_and_no_other");
    let pool = Pool::new(2).unwrap();
    let sometimes_hangs = |n: u32| match n {
        5 => loop {
            thread::park();
        },
        n => n,
    };
    // On a busy machine a short item may take a while, too.
    let task = pool.task(sometimes_hangs).deadline(Duration::from_secs(3));
    for (n, result) in (0..).zip(task.try_map(0..20)) {
        match n {
            5 => {
                let error = result.unwrap_err();
                assert!(matches!(error.kind, TaskErrorKind::TimedOut { .. }), "{error}");
            }
            n => assert_eq!(result, Ok(n)),
        }
    }
}

fn hang_deaf(begun: Region) {
    // SAFETY: ignoring a signal runs no code.
    unsafe { libc::signal(libc::SIGTERM, libc::SIG_IGN) };
    hang(begun);
}

/// billiard #104, pebble #129, celery #2195: the worker goes on, and the pool has one less.
#[mp_process::test]
fn row_12_a_worker_that_is_deaf_to_signals_ends_at_its_deadline() {
    let _watchdog = Watchdog::new("row_12_a_worker_that_is_deaf_to_signals_ends_at_its_deadline");
    let pool = Pool::new(1).unwrap();
    let begun = flag();
    let pid = pool.worker_pids()[0];
    let task = pool.task(hang_deaf).deadline(Duration::from_millis(50));
    let error = task.apply((begun,)).unwrap_err();
    assert!(matches!(error.kind, TaskErrorKind::TimedOut { .. }), "{error}");
    assert_eq!(pool.apply(|| 1, ()).unwrap(), 1);
    assert!(active_children().iter().all(|child| child.pid() != pid));
}

/// Pages of memory, the first word of which is the page's number.
const PAGES: usize = 16 << 10;

fn write_page((memory, page): (Region, u32)) -> u32 {
    memory.atomic_u32(page as usize * 4096).unwrap().store(page, Ordering::Relaxed);
    page
}

/// Measured in CPython: 64 MiB there and back take half a second. Here each task sees the memory
/// itself.
#[mp_process::test]
fn row_34_tasks_share_large_memory_without_a_copy() {
    let _watchdog = Watchdog::new("row_34_tasks_share_large_memory_without_a_copy");
    let pool = Pool::new(2).unwrap();
    let memory = Region::create(Kind::new(1000, "pages"), 0, PAGES * 4096).unwrap();
    let pages = (0..PAGES as u32).step_by(100);
    pool.map(write_page, pages.clone().map(|page| (memory.clone(), page))).unwrap();
    let word = |page: u32| memory.atomic_u32(page as usize * 4096).unwrap();
    assert!(pages.into_iter().all(|page| word(page).load(Ordering::Relaxed) == page));
}
