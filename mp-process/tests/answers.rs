//! What comes in place of a result that cannot be had, or was had before.
#![allow(unsafe_code)]

mod common {
    pub(crate) mod linger;
    pub(crate) mod watchdog;
}

use std::time::Duration;

use common::linger::lingering;
use common::watchdog::watchdog;
use mp_process::{ExitStatus, Failure, JoinError, Process, SpawnError, spawn};
use rustix::process::{Pid, WaitOptions};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};

/// Refuses to be decoded.
#[derive(Debug, Serialize)]
struct OneWay(u8);

impl<'de> Deserialize<'de> for OneWay {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Err(de::Error::custom("one way only"))
    }
}

/// Refuses to be encoded.
#[derive(Debug, Deserialize)]
struct Stuck;

impl Serialize for Stuck {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(ser::Error::custom("stuck here"))
    }
}

/// Panics when it is encoded.
#[derive(Debug, Deserialize)]
struct Bomb;

impl Serialize for Bomb {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        panic!("not to be touched")
    }
}

fn undecodable(error: JoinError) -> String {
    match error.into_failure() {
        Failure::ResultUndecodable { reason, .. } => reason,
        other => panic!("{other}"),
    }
}

#[mp_process::test]
fn a_result_that_cannot_be_decoded_is_an_error() {
    let _watchdog = watchdog();
    let process = spawn(|| OneWay(1), ()).unwrap();
    assert_eq!(process.wait(), ExitStatus::Exited(0));
    let reason = undecodable(process.join().unwrap_err());
    assert!(reason.contains("one way only"), "{reason}");
}

#[mp_process::test]
fn a_result_that_cannot_be_encoded_is_an_error() {
    let _watchdog = watchdog();
    let process = spawn(|| Stuck, ()).unwrap();
    assert_eq!(process.wait(), ExitStatus::Exited(1));
    let reason = undecodable(process.join().unwrap_err());
    assert!(reason.contains("stuck here"), "{reason}");
}

#[mp_process::test]
fn a_panic_while_the_result_is_encoded_is_one_of_the_function() {
    let _watchdog = watchdog();
    let failure = spawn(|| Bomb, ()).unwrap().join().unwrap_err().into_failure();
    assert!(
        matches!(&failure, Failure::Panicked(panic) if panic.message == "not to be touched"),
        "{failure}"
    );
}

#[mp_process::test]
fn arguments_that_cannot_be_decoded_are_a_failed_start() {
    let _watchdog = watchdog();
    let failure = spawn(|_: OneWay| (), (OneWay(1),)).unwrap().join().unwrap_err().into_failure();
    match failure {
        Failure::FailedToStart { reason, .. } => {
            assert!(reason.starts_with("its arguments cannot be decoded"), "{reason}");
            assert!(reason.contains("one way only"), "{reason}");
        }
        other => panic!("{other}"),
    }
}

#[mp_process::test]
fn arguments_that_cannot_be_encoded_start_nothing() {
    let _watchdog = watchdog();
    match spawn(|_: Stuck| (), (Stuck,)) {
        Err(SpawnError::Arguments(error)) => {
            assert!(error.to_string().contains("stuck here"), "{error}");
        }
        other => panic!("{other:?}"),
    }
}

#[mp_process::test]
fn a_result_is_given_out_once() {
    let _watchdog = watchdog();
    let mut process = spawn(|| 5, ()).unwrap();
    assert_eq!(process.join_timeout(Duration::MAX), Some(Ok(5)));
    let again = process.try_join().unwrap().unwrap_err();
    assert_eq!(*again.failure(), Failure::ResultTaken);
    assert_eq!(process.join().unwrap_err().into_failure(), Failure::ResultTaken);
}

/// Runs in a process of its own: it changes what SIGCHLD does for all of that.
fn answers_with_sigchld_ignored() -> (i32, [bool; 3]) {
    // SAFETY: ignoring a signal runs no handler.
    unsafe { libc::signal(libc::SIGCHLD, libc::SIG_IGN) };
    let process = spawn(|| 5, ()).unwrap();
    let status = process.wait();
    let answer = process.join().unwrap();
    let lost = spawn(|| std::process::exit(3), ()).unwrap();
    let failure = Process::<()>::join(lost).unwrap_err().into_failure();
    // A child does not inherit this: it knows the status of its own.
    let nested = spawn(|| spawn(|| (), ()).unwrap().wait().success(), ()).unwrap();
    let nested = nested.join().unwrap();
    (answer, [status == ExitStatus::Unknown, failure == Failure::StatusUnknown, nested])
}

#[mp_process::test]
fn a_parent_that_ignores_sigchld_gets_its_answers() {
    let _watchdog = watchdog();
    let seen = spawn(answers_with_sigchld_ignored, ()).unwrap().join().unwrap();
    assert_eq!(seen, (5, [true; 3]));
}

/// Runs in a process of its own: it takes the status of its children.
fn answers_with_a_rival() -> (i32, bool, bool) {
    let take_status = |pid: u32| {
        let pid = Pid::from_raw(pid.try_into().unwrap());
        let wait = || rustix::process::waitpid(pid, WaitOptions::empty());
        rustix::io::retry_on_intr(wait).unwrap();
    };
    let process = spawn(|| 5, ()).unwrap();
    take_status(process.pid());
    let status = process.wait();
    let answer = process.join().unwrap();
    let lingering = lingering(Process::builder());
    lingering.kill().unwrap();
    take_status(lingering.pid());
    lingering.terminate().unwrap();
    let failure = lingering.join().unwrap_err().into_failure();
    (answer, status == ExitStatus::Unknown, failure == Failure::StatusUnknown)
}

#[mp_process::test]
fn a_parent_that_waits_for_its_children_elsewhere_gets_its_answers() {
    let _watchdog = watchdog();
    let seen = spawn(answers_with_a_rival, ()).unwrap().join().unwrap();
    assert_eq!(seen, (5, true, true));
}
