//! How a process ended is a value, whatever it died of.
#![allow(unsafe_code)]

mod common {
    pub(crate) mod watchdog;
}

use std::fmt::Debug;
use std::hint::black_box;
use std::io::{self, PipeWriter, Read, Write};
use std::os::fd::OwnedFd;
use std::process;
use std::ptr;

use common::watchdog::watchdog;
use mp_handle::Descriptor;
use mp_process::{
    Builder, Child, ExitStatus, Failure, Function, Limit, Panic, Process, at_exit, spawn,
};
use serde::de::DeserializeOwned;

fn failure<R: DeserializeOwned + Debug>(process: Process<R>) -> Failure {
    process.join().unwrap_err().into_failure()
}

fn panic_of(builder: Builder, f: impl Function<(), Output = ()>) -> Panic {
    match failure(builder.spawn(f, ()).unwrap()) {
        Failure::Panicked(panic) => panic,
        other => panic!("not a panic: {other}"),
    }
}

/// Runs a function that dies of a signal, without a core file, and returns which one.
fn signal_of(builder: Builder, f: impl Function<(), Output = ()>) -> i32 {
    let process = builder.limit(Limit::Core, 0).spawn(f, ()).unwrap();
    match failure(process) {
        Failure::Signaled { signal, core_dumped: false, .. } => signal,
        other => panic!("not a signal: {other}"),
    }
}

/// The line on which `fail` panics.
const LINE: u32 = line!() + 4;

fn fail() {
    let which = 7;
    panic!("number {which} failed");
}

#[mp_process::test]
fn a_value_comes_back() {
    let _watchdog = watchdog();
    let process = spawn(|text: String| (text.len(), text), (String::from("four"),)).unwrap();
    let child = Child::clone(&process);
    assert_eq!(process.join().unwrap(), (4, String::from("four")));
    assert_eq!(child.exit_status(), Some(ExitStatus::Exited(0)));
}

#[mp_process::test]
fn a_panic_comes_with_message_and_place() {
    let _watchdog = watchdog();
    let quiet = Process::builder().env("RUST_BACKTRACE", "0").env_remove("RUST_LIB_BACKTRACE");
    let panic = panic_of(quiet, fail);
    assert_eq!(panic.message, "number 7 failed");
    assert_eq!(panic.location.unwrap(), format!("{}:{LINE}:5", file!()));
    assert_eq!(panic.backtrace, None);
}

#[mp_process::test]
fn a_panic_comes_with_a_backtrace_if_that_is_asked_for() {
    let _watchdog = watchdog();
    let panic = panic_of(Process::builder().env("RUST_BACKTRACE", "1"), fail);
    let backtrace = panic.backtrace.unwrap();
    assert!(backtrace.contains("outcomes::fail"), "{backtrace}");
}

#[mp_process::test]
fn a_panic_may_carry_anything() {
    let _watchdog = watchdog();
    let panic = panic_of(Process::builder(), || std::panic::panic_any(7_u8));
    assert_eq!(panic.message, "Box<dyn Any>");
    assert!(panic.location.unwrap().starts_with(file!()));
}

#[mp_process::test]
fn a_panicked_process_exits_as_rust_programs_do() {
    let _watchdog = watchdog();
    let process = spawn(fail, ()).unwrap();
    assert_eq!(process.wait(), ExitStatus::Exited(101));
    let error = process.join().unwrap_err();
    assert!(error.to_string().ends_with(": number 7 failed"), "{error}");
}

#[mp_process::test]
fn an_exit_is_told_with_its_code() {
    let _watchdog = watchdog();
    for code in [0, 3, 255] {
        let process = spawn(|code: i32| process::exit(code), (code,)).unwrap();
        assert_eq!(failure::<()>(process), Failure::Exited(code));
    }
}

#[mp_process::test]
fn a_bad_pointer_is_sigsegv() {
    let _watchdog = watchdog();
    let read = || {
        // SAFETY: none: page 0 is never mapped, so that the process dies here, as it shall.
        black_box(unsafe { ptr::without_provenance::<u8>(8).read_volatile() });
    };
    assert_eq!(signal_of(Process::builder(), read), libc::SIGSEGV);
}

#[mp_process::test]
fn a_signal_to_itself_is_told() {
    let _watchdog = watchdog();
    let raise = |signal: i32| {
        // SAFETY: raise takes any number.
        unsafe { libc::raise(signal) };
    };
    for sent in [libc::SIGKILL, libc::SIGUSR1, libc::SIGALRM] {
        let failure = failure(spawn(raise, (sent,)).unwrap());
        assert!(matches!(failure, Failure::Signaled { signal, .. } if signal == sent), "{failure}");
    }
}

#[mp_process::test]
fn an_abort_is_sigabrt() {
    let _watchdog = watchdog();
    assert_eq!(signal_of(Process::builder(), || process::abort()), libc::SIGABRT);
}

/// The handler of Rust's runtime reports the overflow, and aborts.
#[mp_process::test]
fn a_stack_overflow_is_sigabrt() {
    fn descend(depth: u64) -> u64 {
        black_box(if black_box(depth) == u64::MAX { 0 } else { descend(depth + 1) + 1 })
    }
    let _watchdog = watchdog();
    let overflow = || {
        black_box(descend(0));
    };
    assert_eq!(signal_of(Process::builder(), overflow), libc::SIGABRT);
}

#[mp_process::test]
fn memory_that_is_not_to_be_had_is_sigabrt() {
    let _watchdog = watchdog();
    let hoard = || {
        let mut blocks = Vec::new();
        loop {
            blocks.push(black_box(Vec::<u8>::with_capacity(16 << 20)));
        }
    };
    let frugal = Process::builder().limit(Limit::AddressSpace, 512 << 20);
    assert_eq!(signal_of(frugal, hoard), libc::SIGABRT);
}

#[mp_process::test]
fn the_error_says_which_process_it_was() {
    let _watchdog = watchdog();
    let process = Process::builder().name("leaver").spawn(|| process::exit(3), ()).unwrap();
    let pid = process.pid();
    let error = Process::<()>::join(process).unwrap_err();
    assert_eq!((error.name(), error.pid()), ("leaver", pid));
    let text =
        format!("process leaver (pid {pid}) exited with code 3 before its function returned");
    assert_eq!(error.to_string(), text);
}

#[mp_process::test]
fn a_result_that_has_arrived_is_kept_whatever_follows() {
    let _watchdog = watchdog();
    let abort_later = || {
        mp_process::at_exit(|| process::abort());
        7
    };
    let process = Process::builder().limit(Limit::Core, 0).spawn(abort_later, ()).unwrap();
    let child = Child::clone(&process);
    assert_eq!(process.join().unwrap(), 7);
    let status = child.exit_status().unwrap();
    assert!(matches!(status, ExitStatus::Signaled { signal: libc::SIGABRT, .. }), "{status}");
}

/// Forks, and returns in both processes: each says who it is, and would say so at its exit.
fn fork_and_return(exits: Descriptor) -> (u32, i32) {
    let mut exits = PipeWriter::from(exits.into_owned().unwrap());
    at_exit(move || writeln!(exits, "{}", process::id()).unwrap());
    let mut status = 0;
    // SAFETY: no other thread holds anything; the status is written by waitpid.
    unsafe {
        let child = libc::fork();
        if child > 0 {
            libc::waitpid(child, &raw mut status, 0);
        }
    }
    (process::id(), status)
}

#[mp_process::test]
fn a_forked_child_that_returns_from_its_function_ends_at_once() {
    let _watchdog = watchdog();
    let (mut reader, writer) = io::pipe().unwrap();
    let exits = Descriptor::from(OwnedFd::from(writer));
    let process = spawn(fork_and_return, (exits,)).unwrap();
    let pid = process.pid();
    assert_eq!(process.join().unwrap(), (pid, 0), "the result is that of the process itself");
    let mut exits = String::new();
    reader.read_to_string(&mut exits).unwrap();
    assert_eq!(exits, format!("{pid}\n"), "the copy does nothing at its exit");
}
