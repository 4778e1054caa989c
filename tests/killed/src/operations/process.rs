//! Processes: a parent learns how its child ended, and whose parent is killed is not left over.

use std::thread;

use mp_process::{Failure, JoinError, Process, SpawnError, StartMethod, spawn};

use crate::notes::Notes;
use crate::operation::{Operation, Verdict, ensure, operation};

/// What a parent was told by its child's end.
const RETURNED: u32 = 1;
const KILLED: u32 = 2;
const NOT_STARTED: u32 = 3;

pub(super) fn operations() -> Vec<Operation> {
    vec![
        parent("Process: started and joined, parent", || {
            spawn(add, (1, 2)).unwrap().join().unwrap();
        }),
        parent("Process: started and killed, parent", || {
            let child = spawn(thread::park, ()).unwrap();
            child.kill().unwrap();
            child.join().unwrap_err();
        }),
        parent("Process: forked from a server and joined, parent", || {
            let builder = Process::builder().start_method(StartMethod::ForkServer);
            builder.spawn(add, (1, 2)).unwrap().join().unwrap();
        }),
        child("Process: from its first instruction to its end, child", || {
            spawn(add, (1, 2)).map(Process::join)
        }),
    ]
}

fn add(a: u32, b: u32) -> u32 {
    a + b
}

/// Of a parent that is killed nothing is left: no child and no server.
fn parent(name: &str, act: fn()) -> Operation {
    operation(name, |_| ())
        .victim(move |(), _| {
            Notes::mark();
            act();
        })
        .check(|(), _| Ok(()))
}

/// A parent is told what became of its child, at once.
fn child(name: &str, act: fn() -> Result<Result<u32, JoinError>, SpawnError>) -> Operation {
    operation(name, |_| ())
        .parent(move |(), notes| {
            notes.reach(match act() {
                Ok(Ok(3)) => RETURNED,
                Ok(Ok(other)) => panic!("1 and 2 are {other}"),
                Ok(Err(error)) => told(error.failure()),
                Err(_) => NOT_STARTED,
            });
        })
        .check(|(), notes| -> Verdict {
            let is_told = [RETURNED, KILLED, NOT_STARTED].contains(&notes.reached());
            ensure!(is_told && notes.is_finished(), "the parent was told {}", notes.reached());
            Ok(())
        })
}

fn told(failure: &Failure) -> u32 {
    match failure {
        Failure::Signaled { signal: 9, .. } => KILLED,
        Failure::FailedToStart { .. } => NOT_STARTED,
        other => panic!("the parent was told {other:?}"),
    }
}
