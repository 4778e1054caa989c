//! Lazy calls: items are drawn as results are taken, and results come one by one.

mod common;

use std::cell::Cell;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use common::Watchdog;
use mp_handle::{Kind, Region};
use mp_pool::{NotReady, Pool, TaskError, TaskErrorKind};

fn square(n: u64) -> u64 {
    n * n
}

fn region() -> Region {
    Region::create(Kind::new(1000, "gate"), 0, 64).unwrap()
}

/// The item 0 ends when the gate is open, or the process; all others at once.
fn zero_waits((gate, n): (Region, u32)) -> u32 {
    gate.atomic_u32(4).unwrap().fetch_add(1, Ordering::AcqRel);
    while n == 0 && gate.atomic_u32(0).unwrap().load(Ordering::Acquire) == 0 {
        thread::sleep(Duration::from_millis(1));
    }
    n
}

fn open(gate: &Region) {
    gate.atomic_u32(0).unwrap().store(1, Ordering::Release);
}

/// What became of a task, whichever it was.
fn kind<T>(result: Result<T, TaskError>) -> Result<T, TaskErrorKind> {
    result.map_err(|error| error.kind)
}

#[mp_process::test]
fn row_33_nothing_is_drawn_before_a_result_is_taken_and_then_no_more_than_the_buffer() {
    let _watchdog = Watchdog::new("nothing_is_drawn_before_a_result_is_taken");
    let pool = Pool::new(2).unwrap();
    // Neither `Send` nor `'static`.
    let (drawn, counts) = (Cell::new(0_u64), Rc::new(()));
    for (chunk, buffer, bound) in [(1, None, 4), (10, None, 40), (1, Some(1), 1), (10, Some(3), 3)]
    {
        drawn.set(0);
        let items = (0_u64..).inspect(|_| {
            let _here = &counts;
            drawn.set(drawn.get() + 1);
        });
        let task = pool.task(square).chunk_size(chunk);
        let task = if let Some(buffer) = buffer { task.buffer(buffer) } else { task };
        let mut squares = task.imap(items);
        assert_eq!(drawn.get(), 0);
        for taken in 0..200 {
            assert_eq!(squares.next(), Some(Ok(taken * taken)));
            assert!(drawn.get() <= taken + bound, "{} at {taken}", drawn.get());
        }
    }
}

#[mp_process::test]
fn the_first_result_comes_before_the_last_item_is_drawn() {
    let _watchdog = Watchdog::new("the_first_result_comes_before_the_last_item_is_drawn");
    let pool = Pool::new(2).unwrap();
    let first = Cell::new(None);
    let items = (0..1000).inspect(|&n| assert!(n < 999 || first.get() == Some(0)));
    for result in pool.imap(square, items) {
        first.set(first.get().or(result.ok()));
    }
    assert_eq!(first.get(), Some(0));
}

#[mp_process::test]
fn the_order_is_that_of_the_items_and_without_one_all_come_once() {
    let _watchdog = Watchdog::new("the_order_is_that_of_the_items");
    let pool = Pool::new(3).unwrap();
    for (count, chunk) in [(0, 1), (1, 7), (1000, 1), (1000, 7), (1000, 0), (9, 100)] {
        let expected: Vec<u64> = (0..count).map(square).collect();
        let task = || pool.task(square).chunk_size(chunk).buffer(64);
        let ordered: Result<Vec<_>, _> = task().imap(0..count).collect();
        assert_eq!(ordered.unwrap(), expected);
        let mut unordered: Vec<_> = task().imap_unordered(0..count).map(Result::unwrap).collect();
        unordered.sort_unstable();
        assert_eq!(unordered, expected);
    }
}

#[mp_process::test]
fn a_fast_item_overtakes_a_slow_one_where_the_order_does_not_count() {
    let _watchdog = Watchdog::new("a_fast_item_overtakes_a_slow_one");
    let (pool, gate) = (Pool::new(2).unwrap(), region());
    let items = (0..5).map(|n| (gate.clone(), n));
    let mut results = pool.imap_unordered(zero_waits, items);
    let fast: BTreeSet<_> = results.by_ref().take(4).map(Result::unwrap).collect();
    assert_eq!(fast, [1, 2, 3, 4].into());
    open(&gate);
    assert_eq!(results.map(Result::unwrap).collect::<Vec<_>>(), [0]);
}

#[mp_process::test]
fn a_failure_is_the_end_unless_the_outcome_of_each_is_asked_for() {
    let _watchdog = Watchdog::new("a_failure_is_the_end");
    let even = |n: u32| if n.is_multiple_of(2) { Ok(n) } else { Err("odd") };
    let pool = Pool::new(2).unwrap();
    let mut ends = pool.task(even).fallible().imap(0..);
    assert_eq!(ends.next(), Some(Ok(0)));
    assert!(matches!(ends.next().map(kind), Some(Err(TaskErrorKind::Failed { .. }))));
    assert!(ends.next().is_none() && ends.next().is_none());

    let each: Vec<_> = pool.task(even).fallible().try_imap(0..5).map(Result::ok).collect();
    assert_eq!(each, [Some(0), None, Some(2), None, Some(4)]);
    let unordered = pool.task(even).fallible().try_imap_unordered(0..5);
    assert_eq!(unordered.filter(Result::is_err).count(), 2);
}

#[mp_process::test]
fn a_worker_that_dies_costs_its_item() {
    let _watchdog = Watchdog::new("a_worker_that_dies_costs_its_item");
    let dies_at_5 = |n: u32| if n == 5 { std::process::abort() } else { n };
    let pool = Pool::new(2).unwrap();
    for chunk in [1, 4] {
        let each: Vec<_> = pool.task(dies_at_5).chunk_size(chunk).try_imap(0..20).collect();
        for (n, result) in (0..).zip(each) {
            match kind(result) {
                Err(TaskErrorKind::WorkerLost { .. }) if n == 5 => {}
                result => assert_eq!(result, Ok(n)),
            }
        }
    }
}

#[mp_process::test]
fn dropping_the_iterator_gives_up_the_rest() {
    let _watchdog = Watchdog::new("dropping_the_iterator_gives_up_the_rest");
    let (pool, gate) = (Pool::new(1).unwrap(), region());
    let items = [1, 0].into_iter().chain(2..).map(|n| (gate.clone(), n));
    let mut results = pool.task(zero_waits).buffer(100).imap_unordered(items);
    assert_eq!(results.next(), Some(Ok(1)));
    assert_eq!(results.try_next(), Err(NotReady), "and draws more");
    drop(results);
    open(&gate);
    pool.close();
    pool.join().unwrap();
    let begun = gate.atomic_u32(4).unwrap().load(Ordering::Acquire);
    assert!(begun <= 2, "{begun} items have begun");
}

#[mp_process::test]
fn whoever_does_not_want_to_wait_need_not() {
    let _watchdog = Watchdog::new("whoever_does_not_want_to_wait_need_not");
    let (pool, gate) = (Pool::new(1).unwrap(), region());
    let mut results = pool.imap(zero_waits, [(gate.clone(), 0)]);
    assert_eq!(results.try_next(), Err(NotReady));
    assert_eq!(results.next_timeout(Duration::from_millis(10)), Err(NotReady));
    open(&gate);
    assert_eq!(results.next_timeout(Duration::MAX), Ok(Some(Ok(0))));
    assert_eq!(results.try_next(), Ok(None));
}

#[mp_process::test]
fn a_pool_that_is_closed_meanwhile_gives_what_it_had_and_can_be_joined() {
    let _watchdog = Watchdog::new("a_pool_that_is_closed_meanwhile_gives_what_it_had");
    let pool = Pool::new(2).unwrap();
    let mut results = pool.task(square).try_imap(0..);
    assert_eq!(results.next(), Some(Ok(0)));
    pool.close();
    pool.join().unwrap();
    let mut rest = results.skip_while(Result::is_ok);
    assert_eq!(rest.next().map(kind), Some(Err(TaskErrorKind::PoolClosed)));
}

#[mp_process::test]
fn items_are_called_back_by_their_places() {
    let _watchdog = Watchdog::new("items_are_called_back_by_their_places");
    let pool = Pool::new(2).unwrap();
    let (sender, receiver) = std::sync::mpsc::channel();
    let shows = move |place: usize, result: Result<&u64, &TaskError>| {
        sender.send((place, *result.unwrap())).unwrap();
    };
    let results = pool.task(square).chunk_size(3).on_item(shows).imap(0..10);
    assert_eq!(results.count(), 10);
    let mut shown: Vec<_> = receiver.iter().collect();
    shown.sort_unstable();
    assert_eq!(shown, (0..10).map(|n| (n as usize, n * n)).collect::<Vec<_>>());
}

#[mp_process::test]
fn what_cannot_be_encoded_fails_in_its_place() {
    let _watchdog = Watchdog::new("what_cannot_be_encoded_fails_in_its_place");
    let pool = Pool::new(1).unwrap();
    let items = [Some(1), None, Some(3)].map(Picky);
    let each: Vec<_> = pool.task(|it: Picky| it.0).try_imap(items).collect();
    assert_eq!((&each[0], &each[2]), (&Ok(Some(1)), &Ok(Some(3))));
    assert!(matches!(
        each[1].as_ref().map_err(|error| (&error.kind, error.index())),
        Err((TaskErrorKind::Undecodable { .. }, Some(1)))
    ));
}

/// Only something can be encoded.
#[derive(serde::Deserialize)]
struct Picky(Option<u8>);

impl serde::Serialize for Picky {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.is_none() {
            return Err(serde::ser::Error::custom("nothing"));
        }
        serializer.serialize_newtype_struct("Picky", &self.0)
    }
}
