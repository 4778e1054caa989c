//! Pools whose workers are forked from a server.

mod common;

use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

use common::Watchdog;
use mp_pool::{Pool, TaskErrorKind};
use mp_process::{Context, StartMethod};
use rustix::process::{Pid, Signal};

/// The process that has preloaded.
static SERVER: AtomicU32 = AtomicU32::new(0);

fn load() {
    SERVER.store(process::id(), Ordering::Relaxed);
}

fn server(_: u32) -> u32 {
    SERVER.load(Ordering::Relaxed)
}

/// Dies at every tenth number.
fn tenth_dies(n: u32) -> u32 {
    match n % 10 {
        3 => process::abort(),
        5 => panic!("not this one"),
        _ => 2 * n,
    }
}

#[mp_process::test]
fn a_worker_that_dies_costs_its_item_and_is_replaced() {
    let _watchdog = Watchdog::new("a_worker_that_dies_costs_its_item");
    for method in StartMethod::ALL {
        let pool = Pool::builder().workers(2).start_method(method).build().unwrap();
        let results = pool.try_map(tenth_dies, 0..100);
        for (n, result) in (0..100).zip(results) {
            match (n % 10, result.map_err(|error| error.kind)) {
                (3, Err(TaskErrorKind::WorkerLost { .. }))
                | (5, Err(TaskErrorKind::Panicked(_))) => {}
                (_, Ok(doubled)) => assert_eq!(doubled, 2 * n),
                (_, Err(error)) => panic!("{n}: {error:?}"),
            }
        }
        assert_eq!(pool.worker_pids().len(), 2);
    }
}

#[mp_process::test]
fn workers_share_what_was_preloaded_and_outlive_their_server() {
    let _watchdog = Watchdog::new("workers_share_what_was_preloaded");
    let context = Context::fork_server().preload(load);
    let pool = Pool::builder().workers(2).start_method(&context).build().unwrap();
    let first = pool.apply(server, (0,)).unwrap();
    assert_ne!(first, 0);
    assert!(pool.map(server, 0..50).unwrap().iter().all(|&pid| pid == first));

    let pid = Pid::from_raw(first.try_into().unwrap()).unwrap();
    rustix::process::kill_process(pid, Signal::KILL).unwrap();
    assert_eq!(pool.apply(server, (0,)).unwrap(), first, "the workers are still there");
    // Those that come in their place are forked from the next server.
    let lost = |_: u32| -> u32 { process::exit(1) };
    assert!(pool.apply(lost, (0,)).is_err());
    assert!(pool.apply(lost, (0,)).is_err());
    assert!(pool.map(server, 0..50).unwrap().iter().all(|&pid| pid != 0));
}
