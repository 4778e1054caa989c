//! Plain forks. They are made by processes of one thread: children of the tests, which have a
//! runtime, or libtest, besides.
#![allow(unsafe_code)]

mod common {
    pub(crate) mod linger;
    pub(crate) mod pidfd;
    pub(crate) mod watchdog;
}

use std::env;
use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::process;
use std::thread;

use common::linger::lingering;
use common::pidfd::{pidfd, wait_for_end};
use common::watchdog::watchdog;
use mp_handle::Descriptor;
use mp_process::{
    Failure, Function, Process, Stdio, active_children, at_exit, current_process, fork,
    parent_process, spawn,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Runs `parent` in a process whose other thread, if there is one, waits for nothing but its end.
fn alone<F>(parent: F) -> F::Output
where
    F: Function<(), Output: Serialize + DeserializeOwned>,
{
    spawn(parent, ()).unwrap().join().unwrap()
}

#[mp_process::test]
fn a_fork_calls_a_closure_in_a_copy() {
    let _watchdog = watchdog();
    /// One that captures, and one that changes what it has captured.
    fn parent() -> (Vec<u64>, u64, u64) {
        let text = String::from("captured");
        let mut numbers: Vec<u64> = (0..100_000).collect();
        // SAFETY: this process has one thread at work.
        let doubled = unsafe {
            fork(|| {
                numbers.iter_mut().for_each(|n| *n *= 2);
                (numbers.clone(), text.len())
            })
        };
        let (doubled, len) = doubled.unwrap().join().unwrap();
        (doubled, len as u64, numbers[3])
    }
    let (doubled, len, own) = alone(parent);
    assert!(doubled.into_iter().eq((0..100_000).map(|n| 2 * n)));
    assert_eq!((len, own), (8, 3));
}

#[mp_process::test]
fn how_a_fork_ended_is_a_value() {
    let _watchdog = watchdog();
    fn parent() -> Vec<String> {
        let ends: [fn(); 4] =
            [|| panic!("in the copy"), || process::exit(3), || process::abort(), || ()];
        let seen = ends.map(|end| {
            // SAFETY: this process has one thread at work.
            let ended = unsafe { fork(end) }.unwrap().join();
            ended.map_err(|error| match error.into_failure() {
                Failure::Panicked(panic) => panic.message,
                failure => failure.to_string(),
            })
        });
        seen.map(|seen| seen.err().unwrap_or_default()).to_vec()
    }
    let seen = alone(parent);
    assert_eq!(seen[0], "in the copy");
    assert_eq!(seen[1], "exited with code 3 before its function returned");
    assert!(seen[2].starts_with("was killed by signal 6 (SIGABRT)"), "{}", seen[2]);
    assert_eq!(seen[3], "");
}

#[mp_process::test]
fn a_fork_knows_who_it_is_and_has_what_its_builder_gave() {
    let _watchdog = watchdog();
    fn parent() -> ((String, u32, usize, String), String, u32) {
        let sibling = lingering(Process::builder());
        let family = || {
            println!("said");
            let parent = parent_process().unwrap().pid();
            let name = current_process().name().to_owned();
            (name, parent, active_children().len(), env::var("GIVEN").unwrap())
        };
        let builder = Process::builder().name("copy").env("GIVEN", "yes").stdout(Stdio::Piped);
        // SAFETY: this process has one thread at work.
        let mut copy = unsafe { builder.fork(family) }.unwrap();
        let mut said = String::new();
        copy.take_stdout().unwrap().read_to_string(&mut said).unwrap();
        assert!(sibling.is_alive());
        (copy.join().unwrap(), said, process::id())
    }
    let (seen, said, pid) = alone(parent);
    assert_eq!(seen, ("copy".into(), pid, 0, "yes".into()));
    assert_eq!(said, "said\n");
}

#[mp_process::test]
fn a_fork_runs_its_own_handlers_alone() {
    let _watchdog = watchdog();
    fn parent() -> String {
        let (mut reader, writer) = io::pipe().unwrap();
        let theirs = writer.try_clone().unwrap();
        at_exit(move || drop((&writer).write_all(b"parent;")));
        // SAFETY: this process has one thread at work.
        let copy = unsafe { fork(move || at_exit(move || drop((&theirs).write_all(b"copy;")))) };
        copy.unwrap().join().unwrap();
        let mut said = [0; 5];
        reader.read_exact(&mut said).unwrap();
        String::from_utf8(said.to_vec()).unwrap()
    }
    assert_eq!(alone(parent), "copy;");
}

/// Has a child, and a copy that outlives it; tells the pids of both, and stays.
fn parent_with_a_copy(to: Descriptor) {
    let child = lingering(Process::builder());
    fn stay() {
        loop {
            thread::park();
        }
    }
    // SAFETY: this process has one thread at work.
    let copy = unsafe { Process::builder().detached(true).fork(stay) }.unwrap();
    let mut to = PipeWriter::from(to.into_owned().unwrap());
    writeln!(to, "{} {}", child.pid(), copy.pid()).unwrap();
    stay();
}

#[mp_process::test]
fn a_fork_does_not_hide_the_death_of_its_parent() {
    let _watchdog = watchdog();
    let (reader, writer) = io::pipe().unwrap();
    let to = Descriptor::from(OwnedFd::from(writer));
    let parent = Process::builder().daemon(true).spawn(parent_with_a_copy, (to,)).unwrap();
    let [child, copy] = told(reader);
    let (end, copy_end) = (pidfd(child), pidfd(copy));
    parent.kill().unwrap();
    wait_for_end(&end);
    rustix::process::pidfd_send_signal(&copy_end, rustix::process::Signal::KILL).unwrap();
    wait_for_end(&copy_end);
    assert!(parent.join().is_err());
}

/// The two pids on the one line that is told. The copy keeps the pipe.
fn told(mut from: PipeReader) -> [u32; 2] {
    let mut line = Vec::new();
    let mut byte = [0];
    while from.read(&mut byte).unwrap() == 1 && byte != *b"\n" {
        line.push(byte[0]);
    }
    let pids: Vec<u32> =
        String::from_utf8(line).unwrap().split(' ').map(|pid| pid.parse().unwrap()).collect();
    [pids[0], pids[1]]
}

#[mp_process::test]
fn streams_may_be_what_has_the_places_of_others() {
    let _watchdog = watchdog();
    fn parent() -> (String, String) {
        let (output, errors) = (io::pipe().unwrap(), io::pipe().unwrap());
        // SAFETY: this process prints nothing, and its streams belong to nobody.
        let (stderr, stdout) = unsafe { (put_at(1, errors.1), put_at(2, output.1)) };
        let crosswise = Process::builder().stdout(stdout).stderr(stderr);
        let speak = || {
            println!("one");
            eprintln!("two");
        };
        // SAFETY: this process has one thread at work.
        unsafe { crosswise.fork(speak) }.unwrap().join().unwrap();
        (io::read_to_string(output.0).unwrap(), io::read_to_string(errors.0).unwrap())
    }
    /// Gives a pipe another number.
    ///
    /// # Safety
    ///
    /// What has that number belongs to nobody.
    unsafe fn put_at(number: i32, pipe: PipeWriter) -> Stdio {
        // SAFETY: by the contract of this function, it is ours then.
        Stdio::Descriptor(unsafe {
            libc::dup2(pipe.as_raw_fd(), number);
            OwnedFd::from_raw_fd(number)
        })
    }
    assert_eq!(alone(parent), ("one\n".into(), "two\n".into()));
}
