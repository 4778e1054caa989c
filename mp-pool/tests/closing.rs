//! A pool that is closed, or left by a panic, while a call hands in its items.

mod common;

use std::cell::Cell;
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock, mpsc};
use std::time::Duration;
use std::{process, thread};

use common::Watchdog;
use mp_handle::{Kind, Region};
use mp_pool::{Pool, TaskErrorKind};
use mp_process::{Limit, Process};
use serde::{Deserialize, Serialize, Serializer};

/// More than one batch holds.
const LARGE: usize = 100_000;

thread_local! {
    /// What to do when the last item of a call is encoded.
    static AT_LAST: Cell<Option<Box<dyn FnOnce()>>> = const { Cell::new(None) };
}

#[derive(Deserialize)]
struct Arg {
    n: u32,
    is_last: bool,
    bytes: Vec<u8>,
}

impl Serialize for Arg {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.is_last
            && let Some(act) = AT_LAST.take()
        {
            act();
        }
        (self.n, self.is_last, &self.bytes).serialize(serializer)
    }
}

fn args(count: u32) -> impl Iterator<Item = Arg> {
    (0..count).map(move |n| Arg { n, is_last: n + 1 == count, bytes: vec![0; LARGE] })
}

#[mp_process::test]
fn a_call_that_has_begun_before_the_pool_is_closed_ends() {
    let _watchdog = Watchdog::new("a_call_that_has_begun_before_the_pool_is_closed_ends");
    let pool = Arc::new(Pool::new(2).unwrap());
    let (ended, all_others) = mpsc::channel();
    let closes = Arc::clone(&pool);
    AT_LAST.set(Some(Box::new(move || {
        (0..7).for_each(|_| all_others.recv().unwrap());
        closes.close();
        assert!(!closes.join_timeout(Duration::from_millis(200)).unwrap(), "one is to come");
    })));
    let task = pool.task(|arg: Arg| 2 * arg.n);
    let doubled = task.on_item(move |_, _| ended.send(()).unwrap_or_default()).map(args(8));
    assert_eq!(doubled.unwrap(), [0, 2, 4, 6, 8, 10, 12, 14]);
    assert_eq!(pool.apply(|| 7, ()).unwrap_err().kind, TaskErrorKind::PoolClosed);
    pool.join().unwrap();
}

#[mp_process::test]
fn a_call_that_has_begun_before_the_pool_is_terminated_ends_too() {
    let _watchdog = Watchdog::new("a_call_that_has_begun_before_the_pool_is_terminated_ends_too");
    let pool = Arc::new(Pool::new(1).unwrap());
    let ends = Arc::clone(&pool);
    AT_LAST.set(Some(Box::new(move || {
        ends.terminate();
        ends.join().unwrap();
    })));
    let each = pool.try_map(|_: Arg| thread::park(), args(8));
    for result in each {
        assert_eq!(result.unwrap_err().kind, TaskErrorKind::Cancelled);
    }
}

static CALLS: OnceLock<Region> = OnceLock::new();

fn calls() -> &'static AtomicU32 {
    CALLS.get().unwrap().atomic_u32(0).unwrap()
}

#[mp_process::test]
fn a_call_whose_items_panic_on_their_way_is_given_up() {
    let _watchdog = Watchdog::new("a_call_whose_items_panic_on_their_way_is_given_up");
    /// Holds up the first worker, until the panic is over.
    fn wait_and_count(_: Arg) {
        while calls().load(Ordering::Relaxed) == 0 {
            thread::yield_now();
        }
        calls().fetch_add(1, Ordering::Relaxed);
    }
    let region = Region::create(Kind::new(1000, "calls"), 0, 4).unwrap();
    let region = CALLS.get_or_init(|| region).clone();
    let initializer = |region: Region| CALLS.set(region).unwrap();
    let pool = Pool::builder().workers(1).initializer(initializer, (region,)).build().unwrap();
    AT_LAST.set(Some(Box::new(|| panic!("on its way"))));
    let task = pool.task(wait_and_count).chunk_size(1);
    catch_unwind(AssertUnwindSafe(|| task.map(args(50)))).unwrap_err();
    calls().fetch_add(1, Ordering::Relaxed);
    assert_eq!(pool.apply(|| 7, ()), Ok(7));
    // Those that the worker had begun, or was about to.
    assert!(calls().load(Ordering::Relaxed) < 10, "{} calls", calls().load(Ordering::Relaxed));
    pool.close();
    pool.join().unwrap();
}

#[mp_process::test]
fn a_closed_pool_ends_its_tasks_though_no_worker_could_be_started_for_a_while() {
    fn begin(begun: Region) {
        begun.atomic_u32(0).unwrap().store(1, Ordering::Relaxed);
        thread::park();
    }
    /// In a process of its own, for its limit.
    fn alone() {
        let pool = Pool::builder().workers(1).restarts(1_000_000).build().unwrap();
        let begun = Region::create(Kind::new(1000, "begun"), 0, 4).unwrap();
        let lost = pool.apply_async(begin, (begun.clone(),));
        let next = pool.apply_async(process::id, ());
        pool.close();
        while begun.atomic_u32(0).unwrap().load(Ordering::Relaxed) == 0 {
            thread::yield_now();
        }
        let victim = pool.worker_pids()[0];
        let hogs: Vec<_> = std::iter::from_fn(|| File::open("/dev/null").ok()).collect();
        let pid = rustix::process::Pid::from_raw(victim.cast_signed()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
        while !pool.worker_pids().is_empty() {
            thread::yield_now();
        }
        drop(hogs);
        assert!(matches!(lost.get().unwrap_err().kind, TaskErrorKind::WorkerLost { .. }));
        assert_ne!(next.get().unwrap(), victim);
        pool.join().unwrap();
    }
    let _watchdog = Watchdog::new("a closed pool that cannot start a worker");
    let limited = Process::builder().limit(Limit::OpenFiles, 128).spawn(alone, ()).unwrap();
    limited.join().unwrap();
}
