//! The setup runs once in every process of the family, before its function.

mod common {
    pub(crate) mod watchdog;
}

use std::env;
use std::sync::atomic::{AtomicU32, Ordering};

use common::watchdog::watchdog;
use mp_process::{Failure, Process, SpawnError, parent_process, spawn};

static PREPARED: AtomicU32 = AtomicU32::new(0);

/// Makes the setup of a child panic.
const FAIL: &str = "TEST_SETUP_FAILS";

/// The setup of each test here: a child may go through any of them.
fn prepare() {
    assert!(parent_process().is_none() || env::var_os(FAIL).is_none(), "no setup today");
    PREPARED.fetch_add(1, Ordering::Relaxed);
    // Neither waits for itself, nor starts processes that would start processes.
    mp_process::init();
    assert!(matches!(spawn(prepared, ()), Err(SpawnError::NotInitialized)));
}

fn prepared() -> u32 {
    PREPARED.load(Ordering::Relaxed)
}

#[mp_process::test(setup = prepare)]
fn the_setup_runs_once_in_each_process() {
    let _watchdog = watchdog();
    assert_eq!(prepared(), 1);
    assert_eq!(spawn(prepared, ()).unwrap().join().unwrap(), 1);
    let nested = || (prepared(), spawn(prepared, ()).unwrap().join().unwrap());
    assert_eq!(spawn(nested, ()).unwrap().join().unwrap(), (1, 1));
}

#[mp_process::test(setup = prepare)]
fn a_setup_that_panics_is_a_failed_start() {
    let _watchdog = watchdog();
    let process = Process::builder().env(FAIL, "1").spawn(prepared, ()).unwrap();
    match process.join().unwrap_err().into_failure() {
        Failure::FailedToStart { reason, .. } => {
            assert!(reason.starts_with("its setup panicked at "), "{reason}");
            assert!(reason.ends_with(": no setup today"), "{reason}");
        }
        other => panic!("{other}"),
    }
}
