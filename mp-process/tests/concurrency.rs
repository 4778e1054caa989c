//! Starts from many threads, from threads that end, and from inside of a runtime; and a start
//! costs the same however much memory the parent has.
#![allow(unsafe_code)]

mod common {
    pub(crate) mod linger;
    pub(crate) mod watchdog;
}

use std::hint::black_box;
use std::mem::MaybeUninit;
use std::thread;

use common::linger::lingering;
use common::watchdog::watchdog;
use mp_process::{Child, ExitStatus, Process, spawn};

fn square(n: u64) -> u64 {
    n * n
}

#[mp_process::test]
fn eight_threads_start_processes_at_once() {
    let _watchdog = watchdog();
    let threads: Vec<_> = (0..8)
        .map(|thread| {
            thread::spawn(move || {
                (thread * 10..(thread + 1) * 10)
                    .map(|n| spawn(square, (n,)).unwrap().join().unwrap())
                    .collect::<Vec<_>>()
            })
        })
        .collect();
    let squares: Vec<u64> = threads.into_iter().flat_map(|t| t.join().unwrap()).collect();
    assert!(squares.into_iter().eq((0..80).map(square)));
}

#[mp_process::test]
fn many_processes_of_one_thread_run_at_once() {
    let _watchdog = watchdog();
    let processes: Vec<_> = (0..40).map(|n| spawn(square, (n,)).unwrap()).collect();
    let squares = processes.into_iter().map(|process| process.join().unwrap());
    assert!(squares.eq((0..40).map(square)));
}

#[mp_process::test]
fn a_process_can_be_joined_by_another_thread_than_its_starter() {
    let _watchdog = watchdog();
    let process = thread::spawn(|| spawn(square, (7,)).unwrap()).join().unwrap();
    assert_eq!(thread::spawn(|| process.join().unwrap()).join().unwrap(), 49);
}

/// Whoever takes the status from the system, all others get it too.
#[mp_process::test]
fn waiting_killing_and_asking_at_once_agree() {
    let _watchdog = watchdog();
    for _ in 0..20 {
        let process = lingering(Process::builder());
        let [waiter, asker, killer] = [(); 3].map(|()| Child::clone(&process));
        let ask = move || {
            while asker.is_alive() {
                thread::yield_now();
            }
            asker.wait()
        };
        let threads = [thread::spawn(move || waiter.wait()), thread::spawn(ask)];
        killer.kill().unwrap();
        let status = process.wait();
        assert!(matches!(status, ExitStatus::Signaled { signal: libc::SIGKILL, .. }), "{status}");
        assert!(threads.into_iter().all(|thread| thread.join().unwrap() == status));
    }
}

#[mp_process::test]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_runtime_can_start_processes() {
    let _watchdog = watchdog();
    let tasks: Vec<_> = (0..8_u64)
        .map(|n| tokio::task::spawn_blocking(move || spawn(square, (n,)).unwrap().join().unwrap()))
        .collect();
    let mut squares = Vec::new();
    for task in tasks {
        squares.push(task.await.unwrap());
    }
    assert!(squares.into_iter().eq((0..8).map(square)));
    // From a thread of the runtime itself, and the child has no runtime.
    let process = spawn(|| tokio::runtime::Handle::try_current().is_err(), ()).unwrap();
    assert!(process.join().unwrap());
}

/// The page faults of the calling thread that needed no disk.
fn faults() -> i64 {
    let mut usage = MaybeUninit::uninit();
    // SAFETY: getrusage fills in the whole structure, and does not fail with this argument.
    unsafe {
        assert_eq!(libc::getrusage(libc::RUSAGE_THREAD, usage.as_mut_ptr()), 0);
        usage.assume_init().ru_minflt
    }
}

/// After a fork each page that the parent writes to is a fault. How long a start takes in a large
/// parent is a matter of the benchmarks.
#[mp_process::test]
fn row_22_a_start_copies_no_page_of_the_parent() {
    let _watchdog = watchdog();
    const PAGE: usize = 4096;
    let mut heap = vec![1_u8; 64 << 20];
    let process = spawn(square, (7,)).unwrap();
    let before = faults();
    for byte in heap.iter_mut().step_by(PAGE) {
        *black_box(byte) += 1;
    }
    let faults = faults() - before;
    // Even pages of 2 MiB each would be 32 faults.
    assert!(faults < 16, "{faults} faults");
    assert_eq!(process.join().unwrap(), 49);
}
