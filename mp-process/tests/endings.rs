//! How a program ends that has children: it joins them, stops its daemons, and takes with it what
//! it cannot join.
//!
//! A program with a `main` of its own, which starts itself in several roles.
#![allow(unsafe_code)]

mod common {
    pub(crate) mod harness;
    pub(crate) mod linger;
    pub(crate) mod role;
    pub(crate) mod watchdog;
}

use std::env;
use std::io::{self, BufRead, BufReader, Read};
use std::os::fd::OwnedFd;
use std::process::{self, Child, ChildStdout, Command};
use std::thread;

use common::harness;
use common::linger::lingering;
use common::role::{self, role};
use mp_handle::Descriptor;
use mp_process::{Process, at_exit, init, spawn};
use rustix::process::{Pid, Signal, WaitOptions, WaitStatus};

fn main() {
    match role().as_deref() {
        None => harness::run(&[
            ("a_main_that_returns_joins_its_children", || joins_its_children("returns")),
            ("a_main_that_exits_joins_its_children", || joins_its_children("exits")),
            ("a_main_that_panics_joins_its_children", || joins_its_children("panics")),
            ("a_daemon_is_terminated", a_daemon_is_terminated),
            ("a_stubborn_daemon_is_killed", a_stubborn_daemon_is_killed),
            ("a_detached_child_is_left_alone", a_detached_child_is_left_alone),
            ("a_killed_main_takes_its_children_along", a_killed_main_takes_its_children_along),
            ("a_forked_copy_has_no_children", a_forked_copy_has_no_children),
        ]),
        Some(role) => {
            init();
            play(role);
        }
    }
}

/// This program in another role.
fn program(role: &str) -> Command {
    role::program(env::current_exe().unwrap(), role)
}

fn play(role: &str) {
    match role {
        "has a daemon" => tell(lingering(Process::builder())),
        "has a stubborn daemon" => tell(stubborn_daemon()),
        "has a detached child" => tell(Process::builder().detached(true).spawn(stay, ()).unwrap()),
        "stays" => {
            tell(lingering(Process::builder()));
            stay();
        }
        "forks" => forks(),
        how => has_a_child(how),
    }
}

fn stay() {
    loop {
        thread::park();
    }
}

fn tell(process: Process<()>) {
    println!("{}", process.pid());
}

/// Starts a daemon that does not heed SIGTERM.
fn stubborn_daemon() -> Process<()> {
    let ignore = |ready: Descriptor| {
        // SAFETY: ignoring a signal runs no handler.
        unsafe { libc::signal(libc::SIGTERM, libc::SIG_IGN) };
        drop(ready);
        stay();
    };
    let (mut reader, writer) = io::pipe().unwrap();
    let ready = Descriptor::from(OwnedFd::from(writer));
    let daemon = Process::builder().daemon(true).spawn(ignore, (ready,)).unwrap();
    reader.read_to_end(&mut Vec::new()).unwrap();
    daemon
}

/// Forks a copy of this process that exits, and then stops its daemon itself.
fn forks() {
    let daemon = lingering(Process::builder());
    // SAFETY: this process has one thread.
    match unsafe { libc::fork() } {
        -1 => panic!("no fork"),
        0 => process::exit(0),
        copy => rustix::process::waitpid(Pid::from_raw(copy), WaitOptions::empty()).unwrap(),
    };
    daemon.send_signal(libc::SIGUSR2).unwrap();
    println!("{}", daemon.wait());
}

/// Leaves a child behind that goes on only when this process has begun to end.
fn has_a_child(how: &str) {
    let finish = |go: Descriptor| {
        let mut go = io::PipeReader::from(go.into_owned().unwrap());
        go.read_to_end(&mut Vec::new()).unwrap();
        println!("child ends");
    };
    let (go, hold) = io::pipe().unwrap();
    let _ = spawn(finish, (Descriptor::from(OwnedFd::from(go)),)).unwrap();
    at_exit(|| drop(hold));
    println!("main {how}");
    match how {
        "exits" => process::exit(7),
        "panics" => panic!("as the test wants it"),
        _ => {}
    }
}

fn joins_its_children(how: &str) {
    let output = program(how).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(said, format!("main {how}\nchild ends\n"));
    let code = match how {
        "exits" => 7,
        "panics" => 101,
        _ => 0,
    };
    assert_eq!(output.status.code(), Some(code));
}

/// Starts this program, and reads the pid of the child that it tells.
fn start(role: &str) -> (Child, BufReader<ChildStdout>, u32) {
    // What loses its parent becomes a child of this process, which can ask how it ended.
    rustix::process::set_child_subreaper(Some(rustix::process::getpid())).unwrap();
    let mut program = program(role).spawn().unwrap();
    let mut stdout = BufReader::new(program.stdout.take().unwrap());
    let mut line = String::new();
    stdout.read_line(&mut line).unwrap();
    (program, stdout, line.trim().parse().unwrap())
}

/// Waits until a child of a program that has ended ends, too.
fn status_of_orphan(pid: u32) -> WaitStatus {
    let pid = Pid::from_raw(pid.try_into().unwrap());
    let wait = || rustix::process::waitpid(pid, WaitOptions::empty());
    rustix::io::retry_on_intr(wait).unwrap().unwrap().1
}

fn ends_well(mut program: Child) {
    let status = program.wait().unwrap();
    assert!(status.success(), "{status}");
}

fn a_daemon_is_terminated() {
    let (program, _stdout, pid) = start("has a daemon");
    ends_well(program);
    assert_eq!(status_of_orphan(pid).terminating_signal(), Some(libc::SIGTERM));
}

fn a_stubborn_daemon_is_killed() {
    let (program, _stdout, pid) = start("has a stubborn daemon");
    ends_well(program);
    assert_eq!(status_of_orphan(pid).terminating_signal(), Some(libc::SIGKILL));
}

fn a_detached_child_is_left_alone() {
    let (program, _stdout, pid) = start("has a detached child");
    ends_well(program);
    // Had it been sent another signal before, that would be what it died of.
    let own = Pid::from_raw(pid.try_into().unwrap()).unwrap();
    rustix::process::kill_process(own, Signal::USR2).unwrap();
    assert_eq!(status_of_orphan(pid).terminating_signal(), Some(libc::SIGUSR2));
}

fn a_killed_main_takes_its_children_along() {
    let (mut program, _stdout, pid) = start("stays");
    program.kill().unwrap();
    program.wait().unwrap();
    assert_eq!(status_of_orphan(pid).terminating_signal(), Some(libc::SIGKILL));
}

fn a_forked_copy_has_no_children() {
    let output = program("forks").output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(said, "was killed by signal 12 (SIGUSR2)\n");
}
