//! What tasks may do to their worker: whatever it is, it costs that task at most.

mod common;

use std::io::Write;
use std::{io, process};

use common::Watchdog;
use mp_pool::{Pool, TaskErrorKind};
use mp_process::ExitStatus;

/// The pool does all that comes later.
fn is_whole(pool: &Pool) {
    assert_eq!(pool.map(|n: u32| n * n, 0..100).unwrap()[99], 9801);
}

#[mp_process::test]
fn a_stack_overflow_costs_one_task() {
    let _watchdog = Watchdog::new("a_stack_overflow_costs_one_task");
    fn deep(n: u64) -> u64 {
        let local = std::hint::black_box([n; 100]);
        if n == 0 { 0 } else { deep(n - 1).wrapping_add(local[99]) }
    }
    let pool = Pool::new(2).unwrap();
    let results = pool.task(deep).chunk_size(1).try_map([10, u64::MAX, 4]);
    assert_eq!((&results[0], &results[2]), (&Ok(55), &Ok(10)));
    let error = results[1].as_ref().unwrap_err();
    let TaskErrorKind::WorkerLost { status, .. } = error.kind else { panic!("{error}") };
    assert!(matches!(status, ExitStatus::Signaled { .. }), "{status}");
    is_whole(&pool);
}

#[mp_process::test]
fn a_task_may_fork_a_child_that_exits() {
    let _watchdog = Watchdog::new("a_task_may_fork_a_child_that_exits");
    fn fork(n: i32) -> i32 {
        let mut status = 0;
        // SAFETY: the child does nothing but leave, and the status is written by waitpid.
        unsafe {
            match libc::fork() {
                0 => libc::_exit(n),
                child => libc::waitpid(child, &raw mut status, 0),
            };
        }
        libc::WEXITSTATUS(status)
    }
    let pool = Pool::new(2).unwrap();
    assert_eq!(pool.map(fork, 0..50).unwrap(), (0..50).collect::<Vec<_>>());
}

#[mp_process::test]
fn a_task_may_fork_a_child_that_exits_in_the_ordinary_way() {
    let _watchdog = Watchdog::new("a_task_may_fork_a_child_that_exits_in_the_ordinary_way");
    fn fork() -> u32 {
        // SAFETY: the worker has one thread, so nothing is locked in the child.
        if unsafe { libc::fork() } == 0 {
            process::exit(0);
        }
        process::id()
    }
    let pool = Pool::new(1).unwrap();
    let pids = pool.worker_pids();
    let all = pool.task(|_: u32| fork()).chunk_size(1).map(0..20).unwrap();
    assert!(all.iter().all(|pid| pids.contains(pid)), "the worker lives on");
}

/// Forks, and returns in both processes: each says who it is.
fn fork_and_return(_: u32) -> u32 {
    // SAFETY: the worker has one thread, so nothing is locked in the child.
    match unsafe { libc::fork() } {
        0 => {}
        child => {
            let mut status = 0;
            // SAFETY: the status is written by waitpid.
            unsafe { libc::waitpid(child, &raw mut status, 0) };
            assert!(libc::WIFSIGNALED(status), "the child has ended at once");
        }
    }
    process::id()
}

fn fork_and_panic(n: u32) -> u32 {
    let worker = process::id();
    let pid = fork_and_return(n);
    assert_eq!(pid, worker, "nobody hears this");
    pid
}

#[mp_process::test]
fn a_forked_child_that_returns_from_its_task_ends_at_once() {
    let _watchdog = Watchdog::new("a_forked_child_that_returns_from_its_task_ends_at_once");
    let pool = Pool::new(1).unwrap();
    let pid = pool.worker_pids()[0];
    for chunk_size in [1, 20] {
        let all = pool.task(fork_and_return).chunk_size(chunk_size).map(0..20);
        assert_eq!(all.unwrap(), [pid; 20]);
        let all = pool.task(fork_and_panic).chunk_size(chunk_size).map(0..20);
        assert_eq!(all.unwrap(), [pid; 20]);
        let texts = pool.task(|n: u32| fork_and_return(n).to_string()).chunk_size(chunk_size);
        assert_eq!(texts.map(0..20).unwrap(), vec![pid.to_string(); 20]);
    }
}

#[mp_process::test]
fn a_forked_child_that_returns_from_what_a_worker_begins_and_ends_with_ends_at_once() {
    let _watchdog = Watchdog::new("a_forked_child_that_returns_from_what_a_worker_begins_with");
    let forks = |n: u32| assert!(fork_and_return(n) > 0);
    let pool = Pool::builder()
        .workers(1)
        .initializer(forks, (1,))
        .state(fork_and_return, (1,))
        .finalizer(|| fork_and_return(1))
        .build()
        .unwrap();
    let pid = pool.worker_pids()[0];
    assert_eq!(pool.task(|state: &mut u32| *state).with_state().apply(()).unwrap(), pid);
    pool.close();
    pool.join().unwrap();
    assert_eq!(pool.exit_results(), [(0, Ok(pid))]);
}

#[mp_process::test]
fn a_task_may_close_the_standard_streams() {
    let _watchdog = Watchdog::new("a_task_may_close_the_standard_streams");
    fn close(_: u32) -> bool {
        // SAFETY: who writes to them gets an error, or nothing happens.
        unsafe { libc::close_range(0, 2, 0) };
        println!("nobody hears this");
        eprintln!("nor this");
        io::stdout().flush().is_ok()
    }
    let pool = Pool::new(2).unwrap();
    assert_eq!(pool.map(close, 0..10).unwrap().len(), 10);
    is_whole(&pool);
    pool.close();
    pool.join().unwrap();
}

/// A result of so many bytes, of which every page is different.
fn large(mib: usize) -> Vec<u8> {
    (0..mib << 20).map(|n| (n >> 12) as u8).collect()
}

fn returns_a_large_result(mib: usize) {
    let pool = Pool::new(1).unwrap();
    let bytes = pool.apply(large, (mib,)).unwrap();
    assert_eq!(bytes.len(), mib << 20);
    assert!(bytes.chunks(4096).enumerate().all(|(n, page)| page[4095] == n as u8));
    is_whole(&pool);
}

#[mp_process::test]
fn a_task_may_return_64_mib() {
    let _watchdog = Watchdog::new("a_task_may_return_64_mib");
    returns_a_large_result(64);
}

#[mp_process::test]
#[ignore = "needs 4 GiB of memory: cargo test -p mp-pool --test hostile -- --ignored"]
fn a_task_may_return_a_gib() {
    let _watchdog = Watchdog::new("a_task_may_return_a_gib");
    returns_a_large_result(1024);
}
