//! What users complain about in how other libraries start processes, and what this one guarantees.

mod common {
    pub(crate) mod watchdog;
}

use std::env;
use std::hint::black_box;
use std::io::{self, Write};
use std::process;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;

use common::watchdog::watchdog;
use mp_process::{Failure, Process, StartMethod};
use serde::{Deserialize, Serialize};

/// Uses what other threads of the parent are in the midst of: its heap, its streams, its
/// environment.
fn busy(n: u64) -> u64 {
    let numbers: Vec<String> = (0..n).map(|n| n.to_string()).collect();
    println!("{}", numbers.len());
    u64::from(env::var_os("PATH").is_some()) + black_box(numbers).len() as u64
}

/// CPython: gh-84559, gh-105464; zarr #766, pybind11 PR 4305: a fork copies locks that nobody will
/// ever open.
#[mp_process::test]
fn row_21_a_start_is_safe_whatever_other_threads_hold() {
    let _watchdog = watchdog();
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                black_box((0..100).map(|n| vec![n; 1000]).collect::<Vec<_>>());
            }
        });
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                let mut held = io::stdout().lock();
                thread::yield_now();
                held.flush().unwrap();
            }
        });
        for method in StartMethod::ALL {
            for n in 0..30 {
                let process = Process::builder().start_method(method).spawn(busy, (n,)).unwrap();
                assert_eq!(process.join().unwrap(), n + 1, "{method}");
            }
        }
        is_over.store(true, Ordering::Relaxed);
    });
}

static TOUCHED: AtomicU32 = AtomicU32::new(0);

/// What a child finds: its share of a static, its environment, its directory, its streams.
fn surroundings(name: String) -> (u32, Option<String>, Option<String>, bool) {
    let directory = env::current_dir().ok().map(|path| path.display().to_string());
    let touched = TOUCHED.fetch_add(1, Ordering::Relaxed);
    (touched, env::var(name).ok(), directory, io::stderr().write_all(b"").is_ok())
}

#[derive(Serialize, Deserialize)]
enum Failing {
    Exit,
    Panic,
    Abort,
}

fn fail(how: Failing) {
    match how {
        Failing::Exit => process::exit(3),
        Failing::Panic => panic!("at {}", 7),
        Failing::Abort => process::abort(),
    }
}

/// ypkg PR 145, flac2all PR 73: another default of the start method, another program.
#[mp_process::test]
fn row_23_children_find_the_same_whatever_the_start_method() {
    let _watchdog = watchdog();
    TOUCHED.store(5, Ordering::Relaxed);
    let start = |method| Process::builder().start_method(method).env("ROW", "23");
    let found = StartMethod::ALL
        .map(|method| start(method).spawn(surroundings, ("ROW".into(),)).unwrap().join().unwrap());
    let directory = env::current_dir().unwrap().display().to_string();
    assert_eq!(found[0], (0, Some("23".into()), Some(directory), true));
    assert_eq!(found[0], found[1]);
    for method in StartMethod::ALL {
        let failure = |end: Failing| {
            let process = start(method).spawn(fail, (end,)).unwrap();
            process.join().unwrap_err().into_failure()
        };
        assert_eq!(failure(Failing::Exit), Failure::Exited(3), "{method}");
        let panicked = failure(Failing::Panic);
        assert!(matches!(&panicked, Failure::Panicked(p) if p.message == "at 7"), "{panicked}");
        let aborted = failure(Failing::Abort);
        assert!(matches!(aborted, Failure::Signaled { signal: 6, .. }), "{method}: {aborted}");
    }
}
