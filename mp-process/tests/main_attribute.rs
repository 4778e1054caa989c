//! `#[mp_process::main]` with a setup, in a `main` that returns a result.

mod common {
    pub(crate) mod harness;
    pub(crate) mod watchdog;
}

use std::process::ExitCode;
use std::sync::atomic::{AtomicU32, Ordering};

use mp_process::{current_process, spawn};

static LEVEL: AtomicU32 = AtomicU32::new(0);

fn setup() {
    LEVEL.fetch_add(1, Ordering::Relaxed);
}

fn level() -> u32 {
    LEVEL.load(Ordering::Relaxed)
}

#[mp_process::main(setup = setup)]
fn main() -> ExitCode {
    assert_eq!(current_process().name(), "MainProcess", "a child has come into main");
    common::harness::run(&[("the_setup_runs_in_parent_and_child", || {
        assert_eq!(level(), 1);
        assert_eq!(spawn(level, ()).unwrap().join().unwrap(), 1);
    })]);
    ExitCode::SUCCESS
}
