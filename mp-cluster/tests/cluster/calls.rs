//! The calls of a pool, on a cluster.

use std::sync::{Condvar, Mutex};
use std::time::Duration;

use crate::common::server::Server;
use crate::common::{Agent, pool, watchdog};
use mp_pool::{TaskError, TaskErrorKind};

fn square(n: u64) -> u64 {
    n * n
}

#[mp_cluster::test]
fn every_call_gives_what_a_local_pool_gives() {
    const TEST: &str = "calls::every_call_gives_what_a_local_pool_gives";
    let _watchdog = watchdog(TEST);
    let Some(server) = Server::start() else { return };
    let _agent = Agent::start(&server, TEST, 2);
    let (pool, nats) = pool(&server, 1);
    assert_eq!((pool.workers(), nats.agents()[0].workers), (2, 2));

    let squares: Vec<u64> = (0..1000).map(square).collect();
    assert_eq!(pool.map(square, 0..1000).unwrap(), squares);
    assert_eq!(pool.task(square).chunk_size(1).map(0..100).unwrap(), squares[..100]);
    assert_eq!(pool.apply(|a: u8, b: u8| a + b, (1, 2)).unwrap(), 3);
    assert_eq!(pool.starmap(|a: u8, b: u8| a * b, [(2, 3), (4, 5)]).unwrap(), [6, 20]);
    assert_eq!(pool.imap(square, 0..).take(50).map(Result::unwrap).sum::<u64>(), 40425);
    let mut unordered: Vec<u64> = pool.imap_unordered(square, 0..50).map(Result::unwrap).collect();
    unordered.sort();
    assert_eq!(unordered, squares[..50]);
    let futures: Vec<_> = (0..20).map(|n| pool.submit(square, (n,))).collect();
    for (n, future) in (0..).zip(futures) {
        assert_eq!(future.result().unwrap(), square(n));
    }
    assert_eq!(pool.map_async(square, 0..10).get().unwrap(), squares[..10]);
    let table = vec![String::from("zero"), String::from("one")];
    let look_up = |table: &Vec<String>, n: usize| table[n].clone();
    assert_eq!(pool.task(look_up).with(&table).map([1, 0]).unwrap(), ["one", "zero"]);
    pool.close();
    pool.join().unwrap();
    assert_eq!(pool.apply(|| 7, ()).unwrap_err().kind, TaskErrorKind::PoolClosed);
}

fn fallible(n: u32) -> Result<u32, String> {
    match n {
        1 => Err("one".into()),
        2 => panic!("two"),
        3 => std::process::abort(),
        4 => loop {
            std::thread::park();
        },
        n => Ok(n),
    }
}

#[mp_cluster::test]
fn each_failure_is_that_of_its_task_and_names_the_machine() {
    const TEST: &str = "calls::each_failure_is_that_of_its_task_and_names_the_machine";
    let _watchdog = watchdog(TEST);
    let Some(server) = Server::start() else { return };
    let _agent = Agent::start(&server, TEST, 2);
    let (pool, _nats) = pool(&server, 1);
    let task = pool.task(fallible).fallible().retries(2).deadline(Duration::from_secs(10));
    let results = task.try_map(0..6);
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    for (n, result) in results.iter().enumerate() {
        let error = match result {
            Ok(value) => {
                assert_eq!(*value as usize, n);
                continue;
            }
            Err(error) => error,
        };
        assert_eq!((error.index(), error.host()), (Some(n), Some(host.as_str())), "{error}");
        let is_right = match (&error.kind, n) {
            (TaskErrorKind::Failed(failure), 1) => failure.message == "one",
            (TaskErrorKind::Panicked(panic), 2) => panic.message == "two",
            (TaskErrorKind::WorkerLost { attempts, .. }, 3) => *attempts == 3,
            (TaskErrorKind::TimedOut { .. }, 4) => true,
            _ => false,
        };
        assert!(is_right, "{error}");
    }
    assert_eq!((results[0].as_ref(), results[5].as_ref()), (Ok(&0), Ok(&5)));
}

#[mp_cluster::test]
fn a_handle_of_this_machine_is_refused_and_the_error_says_what_to_use() {
    const TEST: &str = "calls::a_handle_of_this_machine_is_refused_and_the_error_says_what_to_use";
    let _watchdog = watchdog(TEST);
    let Some(server) = Server::start() else { return };
    let _agent = Agent::start(&server, TEST, 1);
    let (pool, _nats) = pool(&server, 1);
    let open = || {
        let file = std::fs::File::open("/dev/null").unwrap();
        mp_handle::Descriptor::from(std::os::fd::OwnedFd::from(file))
    };
    let error = pool.apply(drop::<mp_handle::Descriptor>, (open(),)).unwrap_err();
    assert!(matches!(error.kind, TaskErrorKind::Unsupported { .. }), "{error}");
    assert!(error.to_string().contains("use `mp_cluster::Lock`"), "{error}");
    let error = pool.task(|_: &mp_handle::Descriptor| ()).with(&open()).apply(()).unwrap_err();
    assert!(matches!(error.kind, TaskErrorKind::Unsupported { .. }), "{error}");
    let error = pool.apply(open, ()).unwrap_err();
    assert!(matches!(error.kind, TaskErrorKind::Unsupported { .. }), "{error}");
    assert_eq!(pool.apply(|| 7, ()), Ok(7));
}

#[mp_cluster::test]
fn callbacks_progress_and_statistics_are_as_usual() {
    const TEST: &str = "calls::callbacks_progress_and_statistics_are_as_usual";
    let _watchdog = watchdog(TEST);
    let Some(server) = Server::start() else { return };
    let _agent = Agent::start(&server, TEST, 2);
    let (pool, nats) = pool(&server, 1);
    static SEEN: (Mutex<Vec<usize>>, Condvar) = (Mutex::new(Vec::new()), Condvar::new());
    let count = |place: usize, result: Result<&u64, &TaskError>| {
        assert_eq!(result, Ok(&square(place as u64)));
        SEEN.0.lock().unwrap().push(place);
        SEEN.1.notify_all();
    };
    pool.task(square).chunk_size(3).on_item(count).map(0..30).unwrap();
    let seen = SEEN.1.wait_while(SEEN.0.lock().unwrap(), |seen| seen.len() < 30).unwrap();
    let mut places = seen.clone();
    places.sort();
    assert_eq!(places, (0..30).collect::<Vec<_>>());
    let statistics = pool.statistics();
    assert_eq!((statistics.received, statistics.finished, statistics.queued), (30, 30, 0));
    assert_eq!(statistics.workers[0].host.as_deref(), Some(nats.agents()[0].host.as_str()));
}
