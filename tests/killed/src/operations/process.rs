//! Processes: a parent learns how its child ended, and whose parent is killed is not left over.

use std::fs;
use std::thread;

use mp_process::{Failure, JoinError, Process, SpawnError, StartMethod, spawn};

use crate::notes::Notes;
use crate::operation::{Operation, Role, Verdict, ensure, operation};

/// What a parent was told by its child's end.
pub(super) const RETURNED: u32 = 1;
const KILLED: u32 = 2;
pub(super) const NOT_STARTED: u32 = 3;

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
        forked_child(),
        fork_server(),
    ]
}

fn add(a: u32, b: u32) -> u32 {
    a + b
}

/// Of a parent that is killed nothing is left: no child and no server.
pub(super) fn parent(name: &str, act: fn()) -> Operation {
    operation(name, |_| ())
        .victim(move |(), _| {
            Notes::mark();
            act();
        })
        .check(|(), _| Ok(()))
}

/// What comes of a child that adds.
type Added = Result<Result<u32, JoinError>, SpawnError>;

/// A parent is told what became of its child, at once.
fn child(name: &str, act: fn() -> Added) -> Operation {
    operation(name, |_| ()).parent(move |(), notes| notes.reach(tell(act()))).check(judge)
}

fn tell(added: Added) -> u32 {
    match added {
        Ok(Ok(3)) => RETURNED,
        Ok(Ok(other)) => panic!("1 and 2 are {other}"),
        Ok(Err(error)) => told(error.failure()),
        Err(_) => NOT_STARTED,
    }
}

pub(super) fn judge(_: &mut (), notes: &Notes) -> Verdict {
    let is_told = [RETURNED, KILLED, NOT_STARTED].contains(&notes.reached());
    ensure!(is_told && notes.is_finished(), "the parent was told {}", notes.reached());
    Ok(())
}

fn fork_one() -> Added {
    let builder = Process::builder().start_method(StartMethod::ForkServer);
    builder.spawn(add, (1, 2)).map(Process::join)
}

/// Starts a fork server, and returns when it is stepped through.
pub(super) fn prepare(notes: &Notes) {
    assert_eq!(tell(fork_one()), RETURNED);
    let children = fs::read_to_string("/proc/thread-self/children").unwrap();
    notes.name_victim(children.trim().parse().expect("the server is the one child"));
    notes.prepare();
}

/// The child was never executed; and its server serves on.
fn forked_child() -> Operation {
    operation("Process: from its fork to its end, forked child", |_| ())
        .parent_of(Role::Grandchild, |(), notes| {
            prepare(notes);
            notes.reach(tell(fork_one()));
            assert_eq!(tell(fork_one()), RETURNED);
        })
        .check(judge)
}

/// A child is forked all the same, by another server if need be.
fn fork_server() -> Operation {
    operation("Process: asked to fork, fork server", |_| ())
        .parent_of(Role::Server, |(), notes| {
            prepare(notes);
            notes.reach(tell(fork_one()));
            assert_eq!(notes.reached(), RETURNED);
            assert_eq!(tell(fork_one()), RETURNED);
        })
        .check(judge)
}

pub(super) fn told(failure: &Failure) -> u32 {
    match failure {
        Failure::Signaled { signal: 9, .. } => KILLED,
        Failure::FailedToStart { .. } => NOT_STARTED,
        other => panic!("the parent was told {other:?}"),
    }
}
