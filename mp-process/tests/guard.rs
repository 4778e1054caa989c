//! The main guard: what happens if `init` is missing, late, or never reached; and that programs
//! which only find a child's environment are not taken for one.
//!
//! A program with a `main` of its own, which starts itself in several roles.

mod common {
    pub(crate) mod harness;
    pub(crate) mod pidfd;
    pub(crate) mod role;
    pub(crate) mod watchdog;
}

use std::env;
use std::io::{BufRead, BufReader};
use std::os::fd::OwnedFd;
use std::process::{self, Command};
use std::thread;
use std::time::Duration;

use common::harness;
use common::pidfd::{pidfd, wait_for_end};
use common::role::{self, role};
use mp_handle::Post;
use mp_process::{Process, SpawnError, StartMethod, init, spawn};
use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

/// The mark by which a child knows what it is.
const MARK: &str = "MULTIPROCESS_CHILD";

fn main() {
    match role().as_deref() {
        None => harness::run(&[
            ("row_24_without_init_nothing_starts", without_init_nothing_starts),
            ("row_24_before_init_nothing_starts_in_parent_or_child", before_init_nothing_starts),
            ("a_program_started_before_init_is_no_child", a_program_before_init_is_no_child),
            ("a_program_started_after_init_is_no_child", a_program_after_init_is_no_child),
            ("a_false_mark_is_no_child", a_false_mark_is_no_child),
            ("an_orphan_says_nothing_more", an_orphan_says_nothing_more),
            ("an_orphan_waits_for_the_last_of_its_parent", an_orphan_waits_for_its_parent),
            ("an_orphan_that_never_comes_to_init_is_killed", an_early_orphan_is_killed),
            ("a_detached_orphan_goes_on", a_detached_orphan_goes_on),
        ]),
        Some("unguarded") => unguarded(),
        Some("late") => late(),
        Some("starts programs") => starts_programs(),
        Some("is killed") => is_killed(false),
        Some("is killed, has detached") => is_killed(true),
        Some("is killed, child hangs") => {
            if env::var_os(MARK).is_some() {
                println!("{}", process::id());
                park();
            }
            is_killed(false);
        }
        Some(_) => {
            init();
            println!("main of a program");
        }
    }
}

/// This program in another role.
fn program(role: &str) -> Command {
    role::program(env::current_exe().unwrap(), role)
}

/// What a program in this role says, which must end well.
fn output_of(mut program: Command) -> String {
    let output = program.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn answer() -> u32 {
    42
}

/// A `main` that forgot `init`.
fn unguarded() {
    match spawn(answer, ()) {
        Err(error @ SpawnError::NotInitialized) => println!("{error}"),
        other => println!("{other:?}"),
    }
}

fn without_init_nothing_starts() {
    let said = output_of(program("unguarded"));
    assert!(said.contains("`multiprocess::init();`"), "{said}");
    assert_eq!(said.lines().count(), 1, "one process, one line: {said}");
}

/// A `main` that starts a process before `init`: each child comes by here too.
fn late() {
    match spawn(answer, ()) {
        Err(SpawnError::NotInitialized) => println!("refused"),
        other => println!("{other:?}"),
    }
    init();
    println!("{}", spawn(answer, ()).unwrap().join().unwrap());
}

fn before_init_nothing_starts() {
    let said = output_of(program("late"));
    assert_eq!(said, "refused\nrefused\n42\n", "the parent's, the child's, and the answer");
}

/// A `main` that starts a program before `init`, if it is a child, and one in a child after it.
fn starts_programs() {
    if env::var_os(MARK).is_some() {
        println!("early: {}", output_of(program("plain")).trim_end());
    }
    init();
    let run = || output_of(program("plain"));
    let said = spawn(run, ()).unwrap().join().unwrap();
    println!("late: {}", said.trim_end());
}

fn lines_of_starts_programs() -> Vec<String> {
    output_of(program("starts programs")).lines().map(str::to_owned).collect()
}

fn a_program_before_init_is_no_child() {
    assert_eq!(lines_of_starts_programs()[0], "early: main of a program");
}

fn a_program_after_init_is_no_child() {
    assert_eq!(lines_of_starts_programs()[1..], ["late: main of a program"]);
}

fn a_false_mark_is_no_child() {
    let plausible = format!("1:{}:0", process::id());
    for mark in [&plausible, "", "1", "nonsense", "1:0:0", "1:1:0", "2:1:0", "1:-1:0", "1:1:7"] {
        let mut marked = program("plain");
        marked.env(MARK, mark);
        assert_eq!(output_of(marked), "main of a program\n", "{mark:?}");
    }
}

/// Tells a child of the role below to wait until its parent, with this pid, is gone.
const PARENT: &str = "TEST_PARENT";

/// A `main` whose process is killed before its child comes to `init`.
fn is_killed(detached: bool) {
    let parent = || rustix::process::getppid().map_or(0, |pid| pid.as_raw_pid());
    if let Ok(pid) = env::var(PARENT) {
        println!("{}", process::id());
        while parent().to_string() == pid {
            thread::yield_now();
        }
    }
    init();
    // Were a child to come by here, it must not start another, and so on without end.
    assert!(env::var_os(PARENT).is_none(), "the main guard has let a child through");
    // A forked child does not come through the code before `init`.
    let spawned = Process::builder().start_method(StartMethod::Spawn);
    let orphan = spawned.detached(detached).env(PARENT, process::id().to_string());
    let _orphan = orphan.spawn(|| println!("function goes on"), ()).unwrap();
    println!("main goes on");
    park();
}

fn park() -> ! {
    loop {
        thread::park();
    }
}

/// What an orphan says after the parent was killed.
fn last_words_of_an_orphan(role: &str) -> Option<String> {
    let mut parent = program(role).spawn().unwrap();
    let mut lines = BufReader::new(parent.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mut first = [(); 2].map(|()| lines.next().unwrap());
    first.sort();
    let [child, main] = first;
    assert_eq!(main, "main goes on");
    let child = pidfd(child.parse().unwrap());
    parent.kill().unwrap();
    parent.wait().unwrap();
    wait_for_end(&child);
    lines.next()
}

fn an_orphan_says_nothing_more() {
    assert_eq!(last_words_of_an_orphan("is killed"), None);
}

fn an_early_orphan_is_killed() {
    assert_eq!(last_words_of_an_orphan("is killed, child hangs"), None);
}

fn a_detached_orphan_goes_on() {
    let words = last_words_of_an_orphan("is killed, has detached");
    assert_eq!(words.as_deref(), Some("function goes on"));
}

/// A parent of several threads is gone as such before the last of them has closed what it had: here
/// it is one that nobody has waited for, and the test has its end of the socket.
fn an_orphan_waits_for_its_parent() {
    let mut parent = Command::new("true").spawn().unwrap();
    let number = Pid::from_child(&parent);
    waitid(WaitId::Pid(number), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT).unwrap();
    let (ours, theirs) = Post::pair().unwrap();
    // A shell gives it the socket at its place.
    let mut orphan = role::program("sh", "plain");
    orphan.args(["-c", "exec \"$0\" 3<&0"]).arg(env::current_exe().unwrap());
    orphan.env(MARK, format!("1:{}:0", parent.id())).stdin(OwnedFd::from(theirs));
    let orphan = orphan.spawn().unwrap();
    thread::sleep(Duration::from_millis(100));
    drop(ours);
    let output = orphan.wait_with_output().unwrap();
    assert_eq!((output.status.code(), &*output.stdout), (Some(1), &b""[..]));
    parent.wait().unwrap();
}
