//! Each option of the builder, as the child sees it.

mod common {
    pub(crate) mod watchdog;
}

use std::collections::BTreeMap;
use std::env;
use std::fs::{self, File};
use std::hint::black_box;
use std::path::PathBuf;

use common::watchdog::watchdog;
use mp_process::{Failure, Limit, Process, SpawnError, current_process};
use rustix::process::Resource;

const VARIABLE: &str = "TEST_VARIABLE";

fn variable() -> Option<String> {
    env::var(VARIABLE).ok()
}

fn failed_to_start(process: Process<()>) -> String {
    match process.join().unwrap_err().into_failure() {
        Failure::FailedToStart { reason, .. } => reason,
        other => panic!("{other}"),
    }
}

#[mp_process::test]
fn a_name_is_known_on_both_sides() {
    let _watchdog = watchdog();
    let own_name = || current_process().name().to_owned();
    let named = Process::builder().name("ein Name \0 \u{1f980}").spawn(own_name, ()).unwrap();
    let name = named.name().to_owned();
    assert_eq!(named.join().unwrap(), name);
}

#[mp_process::test]
fn the_last_word_on_a_variable_counts() {
    let _watchdog = watchdog();
    let seen = |builder: mp_process::Builder| builder.spawn(variable, ()).unwrap().join().unwrap();
    assert_eq!(seen(Process::builder()), None);
    let set = || Process::builder().env(VARIABLE, "one").env(VARIABLE, "two");
    assert_eq!(seen(set()).as_deref(), Some("two"));
    assert_eq!(seen(set().env_remove(VARIABLE)), None);
    assert_eq!(seen(set().env_remove(VARIABLE).env(VARIABLE, "")).as_deref(), Some(""));
    assert_eq!(seen(set().env_clear()), None);
}

#[mp_process::test]
fn a_variable_of_the_parent_is_inherited_or_left_out() {
    let _watchdog = watchdog();
    let path = || env::var_os("PATH").is_some();
    assert!(path(), "needed for what follows");
    assert!(Process::builder().spawn(path, ()).unwrap().join().unwrap());
    assert!(!Process::builder().env_remove("PATH").spawn(path, ()).unwrap().join().unwrap());
}

#[mp_process::test]
fn an_environment_can_be_what_was_set_alone() {
    let _watchdog = watchdog();
    let bare = Process::builder().env("GONE", "1").env_clear().env(VARIABLE, "here");
    let all = bare.spawn(|| env::vars().collect::<BTreeMap<_, _>>(), ()).unwrap().join().unwrap();
    assert_eq!(all, BTreeMap::from([(VARIABLE.to_owned(), "here".to_owned())]));
}

#[mp_process::test]
fn a_nul_byte_in_a_variable_is_refused() {
    let _watchdog = watchdog();
    let error = Process::builder().env(VARIABLE, "a\0b").spawn(|| (), ()).unwrap_err();
    assert!(matches!(error, SpawnError::NulByte { .. }), "{error}");
    assert_eq!(error.to_string(), "an environment variable contains a NUL byte");
}

#[mp_process::test]
fn a_child_can_begin_in_another_directory() {
    let _watchdog = watchdog();
    let directory = || env::current_dir().unwrap();
    let seen = |builder: mp_process::Builder| builder.spawn(directory, ()).unwrap().join().unwrap();
    assert_eq!(seen(Process::builder()), env::current_dir().unwrap());
    assert_eq!(seen(Process::builder().current_dir("/")), PathBuf::from("/"));
    assert_eq!(seen(Process::builder().current_dir("src")), fs::canonicalize("src").unwrap());
}

#[mp_process::test]
fn a_directory_that_is_missing_is_named() {
    let _watchdog = watchdog();
    let missing = Process::builder().current_dir("/no/such/place").spawn(|| (), ()).unwrap();
    let reason = failed_to_start(missing);
    assert!(reason.starts_with("cannot change to /no/such/place: No such file"), "{reason}");
}

#[mp_process::test]
fn a_child_can_be_nicer() {
    let _watchdog = watchdog();
    let nice = || rustix::process::getpriority_process(None).unwrap();
    let child = Process::builder().nice(5).spawn(nice, ()).unwrap();
    assert_eq!(child.join().unwrap(), (nice() + 5).min(19));
}

#[mp_process::test]
fn a_child_can_have_a_process_group_of_its_own() {
    let _watchdog = watchdog();
    let group = || rustix::process::getpgrp().as_raw_pid();
    let child = Process::builder().process_group(0).spawn(group, ()).unwrap();
    let pid = i32::try_from(child.pid()).unwrap();
    assert_eq!(child.join().unwrap(), pid);
    assert_eq!(Process::builder().spawn(group, ()).unwrap().join().unwrap(), group());
}

#[mp_process::test]
fn a_process_group_that_is_not_there_is_a_failed_start() {
    let _watchdog = watchdog();
    let reason = failed_to_start(Process::builder().process_group(1).spawn(|| (), ()).unwrap());
    assert!(reason.starts_with("cannot join process group 1: "), "{reason}");
}

/// The kernel looks at the hard limit first, and that is the same here.
#[mp_process::test]
fn processor_time_can_be_limited() {
    let _watchdog = watchdog();
    let spin = || {
        for n in 0_u64.. {
            black_box(n);
        }
    };
    let process = Process::builder().limit(Limit::CpuSeconds, 1).spawn(spin, ()).unwrap();
    let failure = process.join().unwrap_err().into_failure();
    assert!(matches!(failure, Failure::Signaled { signal: libc::SIGKILL, .. }), "{failure}");
}

#[mp_process::test]
fn open_files_can_be_limited() {
    let _watchdog = watchdog();
    let hoard = || {
        let mut files = Vec::new();
        loop {
            match File::open("/dev/null") {
                Ok(file) => files.push(file),
                Err(error) => return (files.len(), error.raw_os_error()),
            }
        }
    };
    let process = Process::builder().limit(Limit::OpenFiles, 32).spawn(hoard, ()).unwrap();
    let (count, error) = process.join().unwrap();
    assert!((1..32).contains(&count), "{count}");
    assert_eq!(error, Some(libc::EMFILE));
}

/// What a child gets that asks for 128.
fn limit_of_a_child() -> (Option<u64>, Option<u64>) {
    let open_files = || {
        let limit = rustix::process::getrlimit(Resource::Nofile);
        (limit.current, limit.maximum)
    };
    Process::builder().limit(Limit::OpenFiles, 128).spawn(open_files, ()).unwrap().join().unwrap()
}

#[mp_process::test]
fn a_limit_is_never_raised() {
    let _watchdog = watchdog();
    let low = Process::builder().limit(Limit::OpenFiles, 64);
    assert_eq!(low.spawn(limit_of_a_child, ()).unwrap().join().unwrap(), (Some(64), Some(64)));
}

#[mp_process::test]
fn both_sides_know_whether_it_is_a_daemon() {
    let _watchdog = watchdog();
    for daemon in [false, true] {
        let is_daemon = || current_process().is_daemon();
        let process = Process::builder().daemon(daemon).spawn(is_daemon, ()).unwrap();
        assert_eq!(process.is_daemon(), daemon);
        assert_eq!(process.join().unwrap(), daemon);
    }
}

#[mp_process::test]
fn a_detached_child_leads_a_session() {
    let _watchdog = watchdog();
    let session = || rustix::process::getsid(None).unwrap().as_raw_pid();
    let process = Process::builder().detached(true).spawn(session, ()).unwrap();
    assert!(process.is_detached());
    let pid = i32::try_from(process.pid()).unwrap();
    assert_eq!(process.join().unwrap(), pid);
}
