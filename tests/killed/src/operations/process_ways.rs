//! Processes that start, or end, in other ways: of each the parent is told, and none is left over.
#![allow(unsafe_code)]

use std::io::Read;
use std::thread;
use std::time::Duration;

use mp_process::{Builder, Failure, Process, SpawnError, Stdio, spawn};

use super::process::{NOT_STARTED, RETURNED, judge, parent, told};
use crate::operation::{Operation, operation};

/// More than a pipe holds.
const LARGE: usize = 300_000;

/// Longer than it takes.
const PATIENCE: Duration = Duration::from_secs(30);

type Started = Result<Process<()>, SpawnError>;

pub(super) fn operations() -> Vec<Operation> {
    vec![
        parent("Process: started with a pipe and heard, parent", || {
            let mut child = Process::builder().stdout(Stdio::Piped).spawn(speak, ()).unwrap();
            let mut heard = String::new();
            child.take_stdout().unwrap().read_to_string(&mut heard).unwrap();
            assert!(heard.ends_with("spoken\n"), "heard {heard:?}");
            child.join().unwrap();
        }),
        parent("Process: started with large arguments and joined, parent", || {
            assert_eq!(spawn(give_back, (vec![7; LARGE],)).unwrap().join().unwrap().len(), LARGE);
        }),
        parent("Process: started detached and joined, parent", || {
            Process::builder().detached(true).spawn(do_nothing, ()).unwrap().join().unwrap();
        }),
        parent("Process: terminated and joined in time, parent", || {
            let mut child = spawn(thread::park, ()).unwrap();
            child.terminate().unwrap();
            child.join_timeout(PATIENCE).unwrap().unwrap_err();
        }),
        parent("Process: forked and joined, parent", || fork().unwrap().join().unwrap()),
        ending(
            "Process: that panics, child",
            || silent().spawn(panic_as_told, ()),
            |failure| matches!(failure, Failure::Panicked(_)),
        ),
        ending(
            "Process: that exits, child",
            || spawn(exit_as_told, ()),
            |failure| matches!(failure, Failure::Exited(7)),
        ),
        ending("Process: that is a mere fork, child", fork, |_| false),
    ]
}

fn speak() {
    println!("spoken");
}

fn do_nothing() {}

fn give_back(bytes: Vec<u8>) -> Vec<u8> {
    bytes
}

fn panic_as_told() {
    panic!("as it was told to");
}

fn exit_as_told() {
    std::process::exit(7);
}

/// For children whose panic is no news: a backtrace is millions of instructions.
fn silent() -> Builder {
    Process::builder().stderr(Stdio::Null).env("RUST_BACKTRACE", "0")
}

fn fork() -> Started {
    // SAFETY: stages and their victims have one thread.
    unsafe { mp_process::fork(do_nothing) }
}

/// A child that does not return is told of as what it did, or as killed; others return.
fn ending(name: &str, start: fn() -> Started, is_as_told: fn(&Failure) -> bool) -> Operation {
    let end = move || match start().map(Process::join) {
        Ok(Ok(())) => RETURNED,
        Ok(Err(error)) if is_as_told(error.failure()) => RETURNED,
        Ok(Err(error)) => told(error.failure()),
        Err(_) => NOT_STARTED,
    };
    operation(name, |_| ()).parent(move |(), notes| notes.reach(end())).check(judge)
}
