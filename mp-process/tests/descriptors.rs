//! Descriptors: none is lost, none is passed on unasked, and a lack of them is survived.
//!
//! What counts the descriptors of a process runs in a child, where no other test opens any.
#![allow(unsafe_code)]

mod common {
    pub(crate) mod linger;
    pub(crate) mod pidfd;
    pub(crate) mod watchdog;
}

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::process;

use common::linger::lingering;
use common::pidfd::{pidfd, wait_for_end};
use common::watchdog::watchdog;
use mp_handle::Descriptor;
use mp_process::{Limit, Process, SpawnError, active_children, spawn};

/// What is open in this process: `number -> target`.
fn open_descriptors() -> BTreeSet<String> {
    let entries = fs::read_dir("/proc/self/fd").unwrap().map(|entry| entry.unwrap().path());
    let shown = |path: std::path::PathBuf| {
        let target = fs::read_link(&path).ok()?;
        Some(format!("{} -> {}", path.display(), target.display()))
    };
    // The directory that is being read is gone when it is looked at again.
    let own = format!("/proc/{}/fd", process::id());
    entries.filter_map(shown).filter(|shown| !shown.ends_with(&own)).collect()
}

/// The children of this process that have ended and that nobody has waited for.
fn zombies() -> usize {
    let children = fs::read_to_string("/proc/thread-self/children").unwrap();
    let is_zombie = |pid: &&str| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat"));
        stat.is_ok_and(|stat| stat.contains(") Z "))
    };
    children.split_whitespace().filter(is_zombie).count()
}

/// What the first start opens stays open: the descriptors of a fork server.
fn start_one() {
    spawn(|| (), ()).unwrap().join().unwrap();
}

/// Starts `count` children, some of which fail, in one of three ways to treat their handles.
fn many_children(count: usize) -> (BTreeSet<String>, BTreeSet<String>, usize) {
    start_one();
    let before = open_descriptors();
    for n in 0..count {
        let process =
            spawn(|n: usize| if n % 10 == 3 { process::exit(1) } else { n }, (n,)).unwrap();
        match n % 3 {
            0 => drop(process),
            1 => assert_eq!(process.wait().success(), n % 10 != 3),
            _ => assert_eq!(process.join().ok(), (n % 10 != 3).then_some(n)),
        }
    }
    for child in active_children() {
        child.wait();
    }
    assert!(active_children().is_empty());
    (before, open_descriptors(), zombies())
}

#[mp_process::test]
fn a_thousand_children_leave_no_descriptor_and_no_zombie() {
    let _watchdog = watchdog();
    let (before, after, zombies) = spawn(many_children, (1000,)).unwrap().join().unwrap();
    assert!(before.len() >= 4, "{before:?}");
    assert_eq!(after, before);
    assert_eq!(zombies, 0);
}

fn failing_starts(count: usize) -> (BTreeSet<String>, BTreeSet<String>) {
    start_one();
    let before = open_descriptors();
    for _ in 0..count {
        let nul = Process::builder().env("A", "\0").spawn(|| (), ()).unwrap_err();
        assert!(matches!(nul, SpawnError::NulByte { .. }), "{nul}");
        let lost = Process::builder().current_dir("/no/such/place").spawn(|| (), ()).unwrap();
        assert!(lost.join().is_err());
    }
    (before, open_descriptors())
}

#[mp_process::test]
fn starts_that_fail_leave_no_descriptor() {
    let _watchdog = watchdog();
    let (before, after) = spawn(failing_starts, (20,)).unwrap().join().unwrap();
    assert_eq!(after, before);
}

#[mp_process::test]
fn a_child_has_what_it_was_given_and_no_more() {
    let _watchdog = watchdog();
    let (mut reader, writer) = io::pipe().unwrap();
    // Neither of these is closed by exec: only the library keeps them from the child.
    let unasked = File::open("/proc/self/status").unwrap();
    for number in [unasked.as_raw_fd(), reader.as_raw_fd()] {
        // SAFETY: fcntl with an integer on an open descriptor.
        assert_eq!(unsafe { libc::fcntl(number, libc::F_SETFD, 0) }, 0);
    }
    let look = |given: Descriptor| {
        let open = open_descriptors();
        io::PipeWriter::from(given.into_owned().unwrap()).write_all(b"here").unwrap();
        open
    };
    let open = spawn(look, (Descriptor::from(OwnedFd::from(writer)),)).unwrap().join().unwrap();
    assert!(!open.iter().any(|fd| fd.ends_with("/status")), "{open:?}");
    assert_eq!(open.len(), 5, "three streams, the socket, and what was given: {open:?}");
    let mut text = String::new();
    reader.read_to_string(&mut text).unwrap();
    assert_eq!(text, "here");
}

/// Starts children until the descriptors run out, stops them, and starts one more.
fn crowd() -> (usize, String, i32, usize) {
    start_one();
    let before = open_descriptors().len();
    let mut children = Vec::new();
    let error = loop {
        match Process::builder().spawn(std::thread::park, ()) {
            Ok(child) => children.push(child),
            Err(error) => break error,
        }
    };
    let SpawnError::System { source, .. } = &error else { panic!("{error}") };
    let errno = source.raw_os_error().unwrap_or_default();
    assert!(children.iter().all(|child| child.is_alive()), "the living ones stay");
    for child in &children {
        child.kill().unwrap();
    }
    let count = children.len();
    for child in children {
        assert!(child.join().is_err());
    }
    let answer = spawn(|| 5, ()).unwrap().join().unwrap();
    (count, format!("{error} {errno}"), answer, open_descriptors().len().abs_diff(before))
}

#[mp_process::test]
fn hundreds_live_at_once_and_one_too_many_is_an_error() {
    let _watchdog = watchdog();
    let process = Process::builder().limit(Limit::OpenFiles, 1024).spawn(crowd, ()).unwrap();
    let (count, error, answer, lost) = process.join().unwrap();
    assert!((300..1024).contains(&count), "{count}");
    assert!(error.ends_with(&format!(" {}", libc::EMFILE)), "{error}");
    assert_eq!(answer, 5);
    assert_eq!(lost, 0);
}

/// A zombie stays until its parent looks, and a start is one of the times when it does.
fn zombies_around_a_start() -> (usize, usize) {
    let process = lingering(Process::builder());
    process.kill().unwrap();
    wait_for_end(&pidfd(process.pid()));
    drop(process);
    let before = zombies();
    let next = lingering(Process::builder());
    let after = zombies();
    next.kill().unwrap();
    (before, after)
}

#[mp_process::test]
fn a_start_takes_the_status_of_children_that_nobody_waits_for() {
    let _watchdog = watchdog();
    assert_eq!(spawn(zombies_around_a_start, ()).unwrap().join().unwrap(), (1, 0));
}
