//! Processes are awaited, and nothing else of the runtime waits for them.
#![cfg(feature = "async")]

mod common {
    pub(crate) mod linger;
    pub(crate) mod watchdog;
}

use std::fs;
use std::io::Write;
use std::time::Duration;

use common::linger::lingering;
use common::watchdog::watchdog;
use mp_process::{ExitStatus, Failure, Process, Stdio, spawn};
use tokio::runtime;

/// A runtime of one thread, without timers.
fn block_on<T>(work: impl Future<Output = T>) -> T {
    runtime::Builder::new_current_thread().enable_io().build().unwrap().block_on(work)
}

#[mp_process::test]
fn a_process_is_awaited_as_it_is_joined() {
    let _watchdog = watchdog();
    block_on(async {
        assert_eq!(spawn(|n: u32| n * n, (12,)).unwrap().await, Ok(144));
        let lost = spawn(|| std::process::exit(3), ()).unwrap().await;
        let failure: Failure = Result::<(), _>::unwrap_err(lost).into_failure();
        assert_eq!(failure, Failure::Exited(3));
    });
}

#[mp_process::test]
fn many_are_awaited_at_once_by_one_thread() {
    let _watchdog = watchdog();
    let threads = || fs::read_dir("/proc/self/task").unwrap().count();
    let alone = move || {
        block_on(async {
            let before = threads();
            let processes: Vec<_> = (0..20_u64)
                .map(|n| tokio::spawn(spawn(|n: u64| n + 1, (n,)).unwrap().into_future()))
                .collect();
            let mut sum = 0;
            for process in processes {
                sum += process.await.unwrap().unwrap();
            }
            (sum, threads() - before)
        })
    };
    assert_eq!(spawn(alone, ()).unwrap().join().unwrap(), (210, 0));
}

#[mp_process::test]
fn a_wait_that_is_cancelled_can_be_begun_again() {
    let _watchdog = watchdog();
    let runtime = runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let process = lingering(Process::builder());
        let short = Duration::from_millis(10);
        assert!(tokio::time::timeout(short, process.wait_async()).await.is_err());
        assert!(process.is_alive());
        process.kill().unwrap();
        let status = process.wait_async().await.unwrap();
        assert!(matches!(status, ExitStatus::Signaled { signal: libc::SIGKILL, .. }), "{status}");
        assert_eq!(process.wait_async().await.unwrap(), status, "again, of one that has ended");
    });
}

#[mp_process::test]
fn standard_input_is_closed_first() {
    let _watchdog = watchdog();
    let read = || std::io::read_to_string(std::io::stdin()).unwrap();
    let mut process = Process::builder().stdin(Stdio::Piped).spawn(read, ()).unwrap();
    let mut stdin = process.take_stdin().unwrap();
    stdin.write_all(b"all").unwrap();
    drop(stdin);
    assert_eq!(block_on(async { process.await }).unwrap(), "all");
    let unread = Process::builder().stdin(Stdio::Piped).spawn(read, ()).unwrap();
    assert_eq!(block_on(async { unread.await }).unwrap(), "");
}

#[mp_process::test]
#[should_panic(expected = "there is no reactor running")]
fn outside_of_a_runtime_there_is_nobody_to_wait() {
    let process = spawn(|| (), ()).unwrap();
    let mut waiting = std::pin::pin!(process.into_future());
    let _ = waiting.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop()));
}
