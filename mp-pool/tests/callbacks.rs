//! Results that come later, and who is called when they do.

mod common;

use std::sync::mpsc;
use std::time::Duration;

use common::Watchdog;
use mp_handle::{Kind, Region};
use mp_pool::{Pool, TaskError};

fn square(n: u64) -> u64 {
    n * n
}

#[mp_process::test]
fn async_results_come_when_they_are_ready() {
    let _watchdog = Watchdog::new("async_results_come_when_they_are_ready");
    let pool = Pool::new(1).unwrap();
    let gate = Region::create(Kind::new(1000, "gate"), 0, 64).unwrap();
    let wait = |gate: Region| {
        while gate.atomic_u32(0).unwrap().load(std::sync::atomic::Ordering::Acquire) == 0 {
            std::thread::yield_now();
        }
        7
    };
    let result = pool.apply_async(wait, (gate.clone(),));
    assert!(!result.ready());
    assert_eq!(result.successful(), None);
    assert!(!result.wait_timeout(Duration::from_millis(20)));
    let result = result.try_get().unwrap_err();
    let result = result.get_timeout(Duration::from_millis(1)).unwrap_err();
    gate.atomic_u32(0).unwrap().store(1, std::sync::atomic::Ordering::Release);
    result.wait();
    assert_eq!(result.successful(), Some(true));
    assert_eq!(result.get().unwrap(), 7);
}

#[mp_process::test]
fn callbacks_are_called_once() {
    let _watchdog = Watchdog::new("callbacks_are_called_once");
    fn checked(n: i32) -> i32 {
        assert_ne!(n, 3, "invalid input");
        n * n
    }
    let pool = Pool::new(2).unwrap();
    let (said, heard) = mpsc::channel();
    let results: Vec<_> = (0..5)
        .map(|n| {
            let (good, bad) = (said.clone(), said.clone());
            pool.apply_async(checked, (n,))
                .callback(move |value| good.send(Ok(value)).unwrap())
                .error_callback(move |_| bad.send(Err(n)).unwrap())
        })
        .collect();
    drop(said);
    let panicky = pool.apply_async(checked, (1,)).callback(|_| panic!("a bad callback"));
    let mut all: Vec<_> = heard.iter().collect();
    all.sort();
    assert_eq!(all, [Ok(0), Ok(1), Ok(4), Ok(16), Err(3)]);
    assert_eq!(panicky.get().unwrap(), 1);
    assert!(results[4].ready());

    let late = pool.apply_async(checked, (2,));
    late.wait();
    let (said, heard) = mpsc::channel();
    let _late = late.callback(move |value| said.send(value).unwrap());
    assert_eq!(heard.recv().unwrap(), 4);
}

#[mp_process::test]
fn after_join_all_callbacks_have_been_called() {
    let _watchdog = Watchdog::new("after_join_all_callbacks_have_been_called");
    let pool = Pool::new(2).unwrap();
    let (said, heard) = mpsc::channel();
    let each = said.clone();
    let slowly = move |place, _: Result<&u64, &TaskError>| {
        std::thread::sleep(Duration::from_millis(5));
        each.send(place as u64).unwrap();
    };
    let results = pool.task(square).on_item(slowly).map_async(0..10);
    let results = results.callback(move |squares| said.send(squares[9]).unwrap());
    pool.close();
    pool.join().unwrap();
    let all: Vec<u64> = heard.try_iter().collect();
    assert_eq!((all.len(), all[10]), (11, 81));
    results.get().unwrap();
}

#[mp_process::test]
fn a_callback_may_submit() {
    let _watchdog = Watchdog::new("a_callback_may_submit");
    let pool = std::sync::Arc::new(Pool::new(1).unwrap());
    let (said, heard) = mpsc::channel();
    let again = std::sync::Arc::clone(&pool);
    let first = pool
        .apply_async(square, (3,))
        .callback(move |nine| said.send(again.apply(square, (nine,)).unwrap()).unwrap());
    assert_eq!(heard.recv().unwrap(), 81);
    first.get().unwrap();
}
