//! Who outlives whom, and who knows whom. The parents here are children of the test, so that
//! they can be killed.

mod common {
    pub(crate) mod pidfd;
    pub(crate) mod watchdog;
}

use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::os::fd::OwnedFd;
use std::thread;
use std::time::Duration;

use common::pidfd::{pidfd, wait_for_end};
use common::watchdog::watchdog;
use mp_handle::Descriptor;
use mp_process::{Process, at_exit, current_process, parent_process, spawn};

fn pipe() -> (PipeReader, Descriptor) {
    let (reader, writer) = io::pipe().unwrap();
    (reader, OwnedFd::from(writer).into())
}

fn say(to: &Descriptor, what: &str) {
    let fd = to.clone().into_owned().unwrap();
    PipeWriter::from(fd).write_all(what.as_bytes()).unwrap();
}

fn line(from: &mut PipeReader) -> String {
    let mut line = Vec::new();
    let mut byte = [0];
    while from.read(&mut byte).unwrap() == 1 && byte != *b"\n" {
        line.push(byte[0]);
    }
    String::from_utf8(line).unwrap()
}

fn park() {
    loop {
        thread::park();
    }
}

/// A line of `depth` processes below this one, each of which tells its pid and stays.
fn dynasty(depth: u32, to: Descriptor) {
    if depth > 0 {
        let _ = spawn(dynasty, (depth - 1, to.clone())).unwrap();
    }
    say(&to, &format!("{}\n", std::process::id()));
    drop(to);
    park();
}

#[mp_process::test]
fn nobody_outlives_a_parent_that_was_killed() {
    let _watchdog = watchdog();
    let (mut reader, writer) = pipe();
    let parent = Process::builder().daemon(true).spawn(dynasty, (2, writer)).unwrap();
    let pids = [(); 3].map(|()| line(&mut reader).parse::<u32>().unwrap());
    let all = pids.map(pidfd);
    parent.kill().unwrap();
    for process in &all {
        wait_for_end(process);
    }
    assert!(parent.join().is_err());
    assert_eq!(line(&mut reader), "", "nobody has the pipe any more");
}

/// The parent-death signal of prctl would fire here.
#[mp_process::test]
fn a_child_outlives_the_thread_that_started_it() {
    let _watchdog = watchdog();
    let (go, writer) = pipe();
    let wait = |go: Descriptor| {
        let mut text = String::new();
        PipeReader::from(go.into_owned().unwrap()).read_to_string(&mut text).unwrap();
        text
    };
    let go = Descriptor::from(OwnedFd::from(go));
    let process = thread::spawn(move || spawn(wait, (go,)).unwrap()).join().unwrap();
    say(&writer, "go on");
    drop(writer);
    assert_eq!(process.join().unwrap(), "go on");
}

/// Tells the end of its parent, for which it waits.
fn mourn(to: Descriptor) {
    let parent = parent_process().unwrap();
    assert!(parent.is_alive());
    assert!(!parent.wait_timeout(Duration::from_millis(1)));
    say(&to, "born\n");
    parent.wait();
    assert!(!parent.is_alive());
    assert!(parent.wait_timeout(Duration::ZERO));
    say(&to, &format!("{} is gone\n", parent.pid()));
}

fn leave_a_mourner(to: Descriptor) {
    let _ = Process::builder().detached(true).spawn(mourn, (to,)).unwrap();
    park();
}

#[mp_process::test]
fn a_detached_child_survives_and_sees_the_end_of_its_parent() {
    let _watchdog = watchdog();
    let (mut reader, writer) = pipe();
    let parent = Process::builder().daemon(true).spawn(leave_a_mourner, (writer,)).unwrap();
    assert_eq!(line(&mut reader), "born");
    parent.kill().unwrap();
    assert_eq!(line(&mut reader), format!("{} is gone", parent.pid()));
    assert!(parent.join().is_err());
}

/// Stays until it can read the end of the pipe, then works for a while, and says so.
fn patient(go: Descriptor, to: Descriptor) {
    PipeReader::from(go.into_owned().unwrap()).read_to_end(&mut Vec::new()).unwrap();
    spawn(|| (), ()).unwrap().join().unwrap();
    say(&to, "child\n");
}

/// Ends while its own child waits for just that: handlers run before children are joined.
fn leaves_a_child(to: Descriptor, by_exit: bool) {
    let (go, hold) = pipe();
    let go = Descriptor::from(OwnedFd::from(go));
    let _ = spawn(patient, (go, to.clone())).unwrap();
    at_exit(move || drop(hold));
    for n in 1..=2 {
        let to = to.clone();
        at_exit(move || say(&to, &format!("handler {n}\n")));
    }
    at_exit(|| panic!("a handler that fails hinders nobody"));
    say(&to, "parent\n");
    if by_exit {
        std::process::exit(0);
    }
}

#[mp_process::test]
fn a_process_that_ends_runs_its_handlers_and_joins_its_children() {
    let _watchdog = watchdog();
    for by_exit in [false, true] {
        let (mut reader, writer) = pipe();
        let parent = spawn(leaves_a_child, (writer, by_exit)).unwrap();
        assert_eq!(line(&mut reader), "parent");
        let rest = [(); 3].map(|()| line(&mut reader));
        assert_eq!(rest, ["handler 2", "handler 1", "child"], "the last handler comes first");
        assert!(parent.wait().success());
        assert_eq!(parent.join().is_ok(), !by_exit);
    }
}

#[mp_process::test]
fn a_dropped_handle_leaves_its_process_running() {
    let _watchdog = watchdog();
    let (go, hold) = pipe();
    let (mut reader, writer) = pipe();
    drop(spawn(patient, (Descriptor::from(OwnedFd::from(go)), writer)).unwrap());
    drop(hold);
    assert_eq!(line(&mut reader), "child");
}

type Names = (String, Option<(String, u32)>);

fn names() -> Names {
    let parent = parent_process().map(|parent| (parent.name().to_owned(), parent.pid()));
    (current_process().name().to_owned(), parent)
}

fn two_generations() -> (u32, Names, [Names; 2]) {
    let children = [(); 2].map(|()| spawn(names, ()).unwrap().join().unwrap());
    (current_process().pid(), names(), children)
}

#[mp_process::test]
fn names_tell_the_place_in_the_family() {
    let _watchdog = watchdog();
    assert_eq!(current_process().name(), "MainProcess");
    assert!(parent_process().is_none());
    let process = spawn(two_generations, ()).unwrap();
    let (given, given_pid) = (process.name().to_owned(), process.pid());
    let (pid, (name, parent), children) = process.join().unwrap();
    assert!(given.starts_with("Process-"), "{given}");
    assert_eq!((&name, pid), (&given, given_pid));
    assert_eq!(parent, Some((String::from("MainProcess"), std::process::id())));
    for (n, child) in (1..).zip(children) {
        assert_eq!(child, (format!("{name}:{n}"), Some((name.clone(), pid))));
    }
}

#[mp_process::test]
fn a_fork_of_the_users_leaves_the_children_of_its_parent_alone() {
    /// Has a child, and forks a process that has one too and exits.
    fn forker() -> bool {
        let own = Process::builder().daemon(true).spawn(park, ()).unwrap();
        // SAFETY: this process has one thread, and so has the fork, which exits in its own branch.
        let forked = unsafe { libc::fork() };
        if forked == 0 {
            spawn(|| (), ()).unwrap().join().unwrap();
            std::process::exit(0);
        }
        // SAFETY: waits for the process that was forked above.
        unsafe { libc::waitpid(forked, std::ptr::null_mut(), 0) };
        own.wait_timeout(Duration::from_millis(100)).is_none()
    }
    let _watchdog = watchdog();
    assert!(spawn(forker, ()).unwrap().join().unwrap(), "it was stopped by its sibling");
}
