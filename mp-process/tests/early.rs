//! Children that come to grief before `init`, and what they find there.
//!
//! Each test has the same code before `init`, since a child may go through any of them.

mod common {
    pub(crate) mod linger;
    pub(crate) mod watchdog;
}

use std::env;
use std::path::Path;
use std::thread;
use std::time::Duration;

use common::linger::lingering;
use common::watchdog::watchdog;
use mp_process::{Builder, ExitStatus, Failure, Process, StartMethod, init_test, spawn};

/// Tells a child what to do before `init`.
const BEFORE: &str = "TEST_BEFORE_INIT";

fn before_init() {
    match env::var(BEFORE).as_deref() {
        Ok("exit") => std::process::exit(5),
        Ok("abort") => std::process::abort(),
        // Before `init` nobody ends it if its parent is gone.
        Ok("hang") => {
            thread::sleep(Duration::from_secs(120));
            std::process::abort();
        }
        _ => {}
    }
}

/// A forked child does not come through the code before `init`.
fn spawned() -> Builder {
    Process::builder().start_method(StartMethod::Spawn)
}

/// Why a process did not start.
fn reason(process: Process<()>) -> String {
    match process.join().unwrap_err().into_failure() {
        Failure::FailedToStart { reason, .. } => reason,
        other => panic!("{other}"),
    }
}

#[test]
fn a_child_that_exits_before_init_failed_to_start() {
    before_init();
    init_test(module_path!(), "a_child_that_exits_before_init_failed_to_start");
    let _watchdog = watchdog();
    let process = spawned().env(BEFORE, "exit").spawn(|| (), ()).unwrap();
    assert_eq!(process.wait(), ExitStatus::Exited(5));
    assert_eq!(reason(process), "it exited with code 5 before it reached init");
}

#[test]
fn a_child_that_dies_before_init_failed_to_start() {
    before_init();
    init_test(module_path!(), "a_child_that_dies_before_init_failed_to_start");
    let _watchdog = watchdog();
    let process = spawned().env(BEFORE, "abort").spawn(|| (), ()).unwrap();
    let reason = reason(process);
    assert!(reason.starts_with("it was killed by signal 6 (SIGABRT)"), "{reason}");
    assert!(reason.ends_with(" before it reached init"), "{reason}");
}

#[test]
fn a_child_that_never_reaches_init_is_killed_in_time() {
    before_init();
    init_test(module_path!(), "a_child_that_never_reaches_init_is_killed_in_time");
    let _watchdog = watchdog();
    let hanging = spawned().env(BEFORE, "hang").start_timeout(Duration::from_millis(50));
    let process = hanging.spawn(|| (), ()).unwrap();
    let pid = process.pid();
    assert_eq!(reason(process), "it did not reach init within 50ms");
    assert!(!Path::new(&format!("/proc/{pid}")).exists(), "a zombie is left");
}

#[cfg(feature = "async")]
#[test]
fn one_that_is_awaited_and_never_reaches_init_is_killed_in_time() {
    before_init();
    init_test(module_path!(), "one_that_is_awaited_and_never_reaches_init_is_killed_in_time");
    let _watchdog = watchdog();
    // The runtime has no timers.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
    let hanging = spawned().env(BEFORE, "hang").start_timeout(Duration::from_millis(50));
    let process = hanging.spawn(|| (), ()).unwrap();
    match runtime.block_on(async { process.await }).unwrap_err().into_failure() {
        Failure::FailedToStart { reason, .. } => {
            assert_eq!(reason, "it did not reach init within 50ms");
        }
        other => panic!("{other}"),
    }
}

#[test]
fn a_short_wait_leaves_a_slow_starter_alive() {
    before_init();
    init_test(module_path!(), "a_short_wait_leaves_a_slow_starter_alive");
    let _watchdog = watchdog();
    let process = spawned().env(BEFORE, "hang").spawn(|| (), ()).unwrap();
    assert_eq!(process.wait_timeout(Duration::from_millis(20)), None);
    assert!(process.is_alive());
    process.kill().unwrap();
    let reason = reason(process);
    assert_eq!(reason, "it was killed by signal 9 (SIGKILL) before it reached init");
}

#[test]
fn who_only_asks_whether_it_lives_finds_it_killed_in_time() {
    before_init();
    init_test(module_path!(), "who_only_asks_whether_it_lives_finds_it_killed_in_time");
    let _watchdog = watchdog();
    let hanging = spawned().env(BEFORE, "hang").start_timeout(Duration::from_millis(20));
    let process = hanging.spawn(|| (), ()).unwrap();
    while process.is_alive() {
        thread::yield_now();
    }
    assert_eq!(reason(process), "it did not reach init within 20ms");
}

/// Runs in a process of its own: elsewhere another thread may look at the child too early.
fn outlives_its_start_timeout() -> bool {
    let brief = Duration::from_millis(1);
    let process = lingering(spawned().start_timeout(brief));
    thread::sleep(brief);
    let lives = process.wait_timeout(brief).is_none() && process.is_alive();
    process.kill().unwrap();
    lives
}

#[test]
fn a_child_that_has_begun_may_live_on() {
    before_init();
    init_test(module_path!(), "a_child_that_has_begun_may_live_on");
    let _watchdog = watchdog();
    assert!(spawn(outlives_its_start_timeout, ()).unwrap().join().unwrap());
}
