//! A pool that has nothing to do sleeps, and hears of all that ends that.

mod common;
#[path = "common/signal.rs"]
mod signal;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use std::{process, thread};

use common::Watchdog;
use mp_pool::{Activity, Pool, TaskErrorKind};
use signal::signal;

/// How often the threads of a process, of that name if one is given, have gone to sleep.
fn sleeps(pid: u32, name: Option<&str>) -> u64 {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    let threads = threads.map(|thread| thread.unwrap().path());
    let is_meant = |thread: &PathBuf| {
        let comm = fs::read_to_string(thread.join("comm")).unwrap();
        name.is_none_or(|name| comm.trim_end() == name)
    };
    threads.filter(is_meant).map(|thread| sleeps_of_one(&thread.join("status"))).sum()
}

fn sleeps_of_one(status: &Path) -> u64 {
    let text = fs::read_to_string(status).unwrap();
    let count = text.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
    count.unwrap().trim().parse().unwrap()
}

/// Those of each worker, and of the thread of the pool, which is the only one of this process.
fn sleeps_of_all(pool: &Pool) -> Vec<u64> {
    let of_workers = pool.worker_pids().into_iter().map(|pid| sleeps(pid, None));
    of_workers.chain([sleeps(process::id(), Some("pool"))]).collect()
}

#[mp_process::test]
fn an_idle_pool_sleeps_and_hears() {
    let _watchdog = Watchdog::new("an_idle_pool_sleeps_and_hears");
    let pool = Pool::new(2).unwrap();
    pool.map(|n: u32| n, 0..100).unwrap();

    // It takes a moment until all of them are calm.
    while pool.dump().workers.iter().any(|worker| worker.activity != Activity::Idle) {
        thread::sleep(Duration::from_millis(1));
    }
    thread::sleep(Duration::from_millis(500));
    let (begun, before) = (Instant::now(), sleeps_of_all(&pool));
    thread::sleep(Duration::from_secs(2));
    let since = |before: &[u64]| -> Vec<u64> {
        before.iter().zip(sleeps_of_all(&pool)).map(|(before, after)| after - before).collect()
    };
    let often = since(&before);
    // With a look around in each slice there would be forty in two seconds.
    let slices = begun.elapsed().as_millis() as u64 / 50;
    assert!(often.iter().all(|&often| often < slices * 3 / 8), "{often:?} of {slices}");
    while since(&before).contains(&0) {
        thread::sleep(Duration::from_millis(10));
    }

    let task = pool.task(thread::park).deadline(Duration::from_millis(20));
    let error = task.apply(()).unwrap_err();
    assert!(matches!(error.kind, TaskErrorKind::TimedOut { .. }), "{error}");

    let rest = || thread::sleep(Duration::from_millis(500));
    rest();
    let pids = pool.worker_pids();
    signal(pids[0], libc::SIGKILL);
    while pool.worker_pids().len() < 2 || pool.worker_pids().contains(&pids[0]) {
        thread::sleep(Duration::from_millis(1));
    }
    rest();
    assert_eq!(pool.map(|n: u32| n + 1, 0..3), Ok(vec![1, 2, 3]));
    rest();
    pool.resize(3).unwrap();
    while pool.worker_pids().len() < 3 {
        thread::sleep(Duration::from_millis(1));
    }
    rest();
    pool.close();
    pool.join().unwrap();
}
