//! The standard streams of a child.

mod common {
    pub(crate) mod watchdog;
}

use std::fs;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::abort;
use std::thread;

use common::watchdog::watchdog;
use mp_handle::{Kind, Region};
use mp_process::{Context, Limit, Process, Stdio, at_exit, spawn};

fn read_all(mut from: impl Read) -> String {
    let mut text = String::new();
    from.read_to_string(&mut text).unwrap();
    text
}

fn shout() {
    println!("{}", read_all(io::stdin()).to_uppercase());
    eprintln!("done");
}

#[mp_process::test]
fn all_three_streams_can_be_pipes() {
    let _watchdog = watchdog();
    let piped = Process::builder().stdin(Stdio::Piped).stdout(Stdio::Piped).stderr(Stdio::Piped);
    let mut process = piped.spawn(shout, ()).unwrap();
    process.take_stdin().unwrap().write_all(b"quiet").unwrap();
    assert_eq!(read_all(process.take_stdout().unwrap()), "QUIET\n");
    assert_eq!(read_all(process.take_stderr().unwrap()), "done\n");
    assert!(process.take_stdin().is_none(), "it can be taken once");
    assert!(process.take_stdout().is_none(), "it can be taken once");
    process.join().unwrap();
}

/// Otherwise a child that reads to the end, and a parent that joins it, wait for each other.
#[mp_process::test]
fn join_closes_the_standard_input_first() {
    let _watchdog = watchdog();
    let process =
        Process::builder().stdin(Stdio::Piped).spawn(|| read_all(io::stdin()), ()).unwrap();
    assert_eq!(process.join().unwrap(), "");
}

/// What a child has as standard input, by default, and what this process has.
fn look_at_inputs() -> ((String, PathBuf), String) {
    let look = || (read_all(io::stdin()), fs::read_link("/proc/self/fd/0").unwrap());
    (spawn(look, ()).unwrap().join().unwrap(), read_all(io::stdin()))
}

#[mp_process::test]
fn the_standard_input_is_empty_unless_told_otherwise() {
    let _watchdog = watchdog();
    let piped = Process::builder().stdin(Stdio::Piped);
    let mut process = piped.spawn(look_at_inputs, ()).unwrap();
    process.take_stdin().unwrap().write_all(b"not for grandchildren").unwrap();
    let ((text, path), own) = process.join().unwrap();
    assert_eq!((text.as_str(), path.to_str()), ("", Some("/dev/null")));
    assert_eq!(own, "not for grandchildren");
}

#[mp_process::test]
fn the_output_can_be_thrown_away() {
    let _watchdog = watchdog();
    let quiet = Process::builder().stdout(Stdio::Null).stderr(Stdio::Null);
    let look = || {
        println!("not seen");
        ["1", "2"].map(|fd| fs::read_link(format!("/proc/self/fd/{fd}")).unwrap())
    };
    let paths = quiet.spawn(look, ()).unwrap().join().unwrap();
    assert_eq!(paths.map(|path| path.to_str() == Some("/dev/null")), [true, true]);
}

#[mp_process::test]
fn a_stream_can_be_any_descriptor() {
    let _watchdog = watchdog();
    let (mut reader, writer) = io::pipe().unwrap();
    let both: OwnedFd = writer.into();
    let streams = Process::builder()
        .stdout(Stdio::Descriptor(both.try_clone().unwrap()))
        .stderr(Stdio::Descriptor(both));
    let speak = || {
        print!("one ");
        io::stdout().flush().unwrap();
        eprint!("two");
    };
    streams.spawn(speak, ()).unwrap().join().unwrap();
    // The builder has closed the copies of this process: this read ends.
    let mut text = String::new();
    reader.read_to_string(&mut text).unwrap();
    assert_eq!(text, "one two");
}

#[mp_process::test]
fn what_was_printed_is_there_if_the_result_is() {
    let _watchdog = watchdog();
    let speak = || {
        print!("no end of line");
        at_exit(|| abort());
    };
    let piped = Process::builder().stdout(Stdio::Piped).limit(Limit::Core, 0);
    let mut process = piped.spawn(speak, ()).unwrap();
    let stdout = process.take_stdout().unwrap();
    process.join().unwrap();
    assert_eq!(read_all(stdout), "no end of line");
}

#[mp_process::test]
fn a_panic_is_reported_on_the_standard_error_too() {
    let _watchdog = watchdog();
    let piped = Process::builder().stderr(Stdio::Piped);
    let mut process = piped.spawn(|| panic!("loud and clear"), ()).unwrap();
    let report = read_all(process.take_stderr().unwrap());
    assert!(report.contains("loud and clear"), "{report}");
    assert!(Process::<()>::join(process).is_err());
}

#[mp_process::test]
fn much_output_is_read_while_the_child_runs() {
    let _watchdog = watchdog();
    const LINES: usize = 100_000;
    let speak = || (0..LINES).for_each(|n| println!("{n}"));
    let mut process = Process::builder().stdout(Stdio::Piped).spawn(speak, ()).unwrap();
    let stdout = process.take_stdout().unwrap();
    let reader = thread::spawn(move || read_all(stdout).lines().count());
    process.join().unwrap();
    assert_eq!(reader.join().unwrap(), LINES);
}

/// Closes the standard output and error of this process.
fn close_streams() {
    // SAFETY: what is printed from now on is lost, and nothing else.
    unsafe {
        libc::close(1);
        libc::close(2);
    }
}

#[mp_process::test]
fn without_a_standard_output_what_is_printed_does_not_go_into_shared_memory() {
    let _watchdog = watchdog();
    const NOTE: Kind = Kind::new(1000, "note");
    fn parent() -> usize {
        close_streams();
        let shared = [0, 1].map(|_| Region::create(NOTE, 0, 64).unwrap());
        println!("over the header of a region?");
        eprintln!("over that of another?");
        spawn(|shared: [Region; 2]| shared.len(), (shared,)).unwrap().join().unwrap()
    }
    assert_eq!(spawn(parent, ()).unwrap().join().unwrap(), 2);
}

#[mp_process::test]
fn the_children_of_a_fork_server_that_has_closed_its_streams_have_theirs() {
    let _watchdog = watchdog();
    let context = Context::fork_server().preload(close_streams);
    let streams = context.builder().stdout(Stdio::Piped).stderr(Stdio::Piped);
    let speak = || {
        println!("one");
        eprintln!("two");
    };
    let mut process = streams.spawn(speak, ()).unwrap();
    let pipes = (process.take_stdout().unwrap(), process.take_stderr().unwrap());
    process.join().unwrap();
    assert_eq!((read_all(pipes.0).as_str(), read_all(pipes.1).as_str()), ("one\n", "two\n"));
}
