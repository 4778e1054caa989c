//! A pool that works for long, and whose workers are replaced again and again, takes no more
//! memory and no more descriptors than in the beginning.
//!
//! 300,000 tasks and 300 replacements by default; the long form takes some minutes:
//!
//! ```sh
//! MP_SOAK_TASKS=10000000 MP_SOAK_WORKERS=10000 cargo test --release -p mp-pool --test soak
//! ```

mod common;

use std::{env, fs, thread};

use common::Watchdog;
use mp_pool::Pool;

fn number(variable: &str, default: u64) -> u64 {
    env::var(variable).map_or(default, |value| value.parse().expect("a number"))
}

fn open_descriptors() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}

/// The memory that this process has, in KiB.
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Has `tasks` tasks done, and each worker replaced after a share of them.
fn work(tasks: u64, workers: u64) {
    let each = (tasks / workers).max(1);
    let pool = Pool::builder().workers(2).max_tasks_per_child(each).build().unwrap();
    const ROUND: u64 = 10_000;
    for first in (0..tasks).step_by(ROUND as usize) {
        let numbers = first..(first + ROUND).min(tasks);
        let doubled = pool.task(|n: u64| 2 * n).chunk_size(50).map(numbers.clone()).unwrap();
        assert!(doubled.into_iter().eq(numbers.map(|n| 2 * n)));
    }
    pool.close();
    pool.join().unwrap();
}

#[mp_process::test]
fn long_work_takes_no_more_than_short_work() {
    let (tasks, workers) = (number("MP_SOAK_TASKS", 300_000), number("MP_SOAK_WORKERS", 300));
    let descriptors = open_descriptors();
    // Threads that have ended are among what the allocator keeps.
    work(tasks / 10, workers / 10);
    let memory = resident();
    work(tasks, workers);
    {
        let _watchdog = Watchdog::new("to close all descriptors");
        // The thread of the last pool may be on its way out.
        while open_descriptors() > descriptors {
            thread::yield_now();
        }
    }
    let grown = resident().saturating_sub(memory);
    println!("{memory} KiB in the beginning, and {grown} KiB more");
    assert!(grown < 4 << 10, "grown by {grown} KiB from {memory} KiB");
}
