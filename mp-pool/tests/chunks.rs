//! What happens to single items in the middle of a chunk: whatever becomes of one, its neighbours
//! have their own results, at their own places, and were called once.

mod common;

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{OnceLock, mpsc};
use std::time::Duration;
use std::{process, thread};

use common::Watchdog;
use mp_handle::{Kind, Region};
use mp_pool::{Builder, Pool, TaskError, TaskErrorKind};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

static CALLS: OnceLock<Region> = OnceLock::new();

/// How often item `n` was called, in all processes.
fn calls(n: u32) -> &'static AtomicU32 {
    CALLS.get().unwrap().atomic_u32(4 * n as usize).unwrap()
}

/// A pool whose workers count the calls of up to 10,000 items. All tests share the counters.
fn counting() -> Builder {
    let create = || Region::create(Kind::new(1000, "calls"), 0, 4 * 10_000).unwrap();
    let region = CALLS.get_or_init(create).clone();
    Pool::builder().initializer(|region: Region| CALLS.set(region).unwrap(), (region,))
}

#[mp_process::test]
fn each_death_in_a_chunk_costs_one_item() {
    let _watchdog = Watchdog::new("each_death_in_a_chunk_costs_one_item");
    fn mortal(n: u32) -> u32 {
        calls(n).fetch_add(1, Ordering::Relaxed);
        if n % 500 == 300 || n % 500 == 301 {
            process::abort();
        }
        n
    }
    let pool = counting().workers(2).build().unwrap();
    let results = pool.task(mortal).chunk_size(4096).try_map(0..5000);
    for (n, result) in (0..).zip(results) {
        match result {
            Ok(value) => assert!(value == n && n % 500 != 300 && n % 500 != 301),
            Err(error) => {
                assert!(matches!(error.kind, TaskErrorKind::WorkerLost { .. }), "{error}");
                assert!(n % 500 == 300 || n % 500 == 301, "{error}");
            }
        }
        assert_eq!(calls(n).load(Ordering::Relaxed), 1, "calls of item {n}");
    }
}

#[mp_process::test]
fn a_deadline_in_a_chunk_stops_one_item() {
    let _watchdog = Watchdog::new("a_deadline_in_a_chunk_stops_one_item");
    fn sometimes_hangs(n: u32) -> u32 {
        calls(n).fetch_add(1, Ordering::Relaxed);
        if n % 400 == 250 {
            thread::sleep(Duration::MAX);
        }
        n
    }
    // On a busy machine a short item may take a while, too.
    let limit = Duration::from_secs(3);
    let pool = counting().workers(3).deadline(limit).build().unwrap();
    let results = pool.task(sometimes_hangs).chunk_size(400).try_map(6000..7200);
    for (n, result) in (6000..).zip(results) {
        match result {
            Ok(value) => assert!(value == n && n % 400 != 250),
            Err(error) => {
                assert!(matches!(error.kind, TaskErrorKind::TimedOut { .. }), "{error}");
                assert_eq!(n % 400, 250);
            }
        }
        assert_eq!(calls(n).load(Ordering::Relaxed), 1, "calls of item {n}");
    }
}

/// A number that does not arrive with everybody.
#[derive(Debug, PartialEq, Eq)]
struct Delicate {
    n: u32,
    /// Where it does not.
    breaks: Breaks,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Breaks {
    Never,
    WhenSent,
    WhenReceived,
}

impl Serialize for Delicate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.breaks == Breaks::WhenSent {
            return Err(serde::ser::Error::custom("too delicate to send"));
        }
        (self.n, self.breaks).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Delicate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (n, breaks) = Deserialize::deserialize(deserializer)?;
        if breaks == Breaks::WhenReceived {
            return Err(D::Error::custom("too delicate to receive"));
        }
        Ok(Self { n, breaks })
    }
}

/// The argument for item `n`: some break on their way to the worker.
fn delicate(n: u32) -> Delicate {
    let breaks = match n % 20 {
        3 => Breaks::WhenSent,
        6 => Breaks::WhenReceived,
        _ => Breaks::Never,
    };
    Delicate { n, breaks }
}

/// Some break on their way back, some panic, and some are too large for a ring.
fn handle(Delicate { n, .. }: Delicate) -> (Delicate, Vec<u8>) {
    let breaks = match n % 20 {
        9 => Breaks::WhenSent,
        12 => Breaks::WhenReceived,
        15 => panic!("item {n}"),
        _ => Breaks::Never,
    };
    (Delicate { n, breaks }, vec![n as u8; if n % 20 == 18 { 100_000 } else { 3 }])
}

fn check(n: u32, result: Result<&(Delicate, Vec<u8>), &TaskError>) {
    let why = result.as_ref().err().map(|error| &error.kind);
    let is_undecodable = |text: &str| match why {
        Some(TaskErrorKind::Undecodable { reason, .. }) => reason.contains(text),
        _ => false,
    };
    let has_panicked = || match why {
        Some(TaskErrorKind::Panicked(panic)) => panic.message == format!("item {n}"),
        _ => false,
    };
    let is_value = |len| result.is_ok_and(|(it, bytes)| it.n == n && *bytes == vec![n as u8; len]);
    let is_right = match n % 20 {
        3 | 9 => is_undecodable("too delicate to send"),
        6 | 12 => is_undecodable("too delicate to receive"),
        15 => has_panicked(),
        18 => is_value(100_000),
        _ => is_value(3),
    };
    assert!(is_right, "item {n}");
}

#[mp_process::test]
fn failures_among_values_keep_their_places() {
    let _watchdog = Watchdog::new("failures_among_values_keep_their_places");
    let pool = Pool::new(2).unwrap();
    for chunk_size in [1, 7, 1000] {
        let items = (0..100).map(delicate);
        let results = pool.task(handle).chunk_size(chunk_size).try_map(items);
        assert_eq!(results.len(), 100);
        for (n, result) in (0..).zip(&results) {
            check(n, result.as_ref());
        }
        let first = pool.task(handle).chunk_size(chunk_size).map((4..100).map(delicate));
        assert!(first.is_err(), "of the items at 6 and behind it");
    }
}

#[mp_process::test]
fn items_of_a_chunk_are_shown_once_and_in_order() {
    let _watchdog = Watchdog::new("items_of_a_chunk_are_shown_once_and_in_order");
    let pool = Pool::new(1).unwrap();
    let (sender, receiver) = mpsc::channel();
    let show = move |place: usize, result: Result<&(Delicate, Vec<u8>), &TaskError>| {
        check(place as u32, result);
        sender.send(place).unwrap();
    };
    drop(pool.task(handle).chunk_size(50).on_item(show).try_map((0..100).map(delicate)));
    let (unsent, shown): (Vec<_>, Vec<_>) = receiver.iter().partition(|place| place % 20 == 3);
    assert_eq!(unsent, [3, 23, 43, 63, 83]);
    assert!(shown.is_sorted() && shown.len() == 95);
}

#[mp_process::test]
fn items_of_all_sizes_are_packed_in_order() {
    let _watchdog = Watchdog::new("items_of_all_sizes_are_packed_in_order");
    let text = |n: usize| n.to_string().repeat([1, 100, 3000, 30_000][n % 4]);
    let pool = Pool::new(2).unwrap();
    for chunk_size in [None, Some(1), Some(3), Some(64)] {
        let mut task = pool.task(|n: usize, text: String| (n, text.len()));
        if let Some(items) = chunk_size {
            task = task.chunk_size(items);
        }
        let results = task.starmap((0..200).map(|n| (n, text(n)))).unwrap();
        let expected: Vec<_> = (0..200).map(|n| (n, text(n).len())).collect();
        assert_eq!(results, expected);
    }
}
