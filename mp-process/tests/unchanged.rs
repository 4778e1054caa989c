//! A library changes nothing of the program that it is part of. This is the only test of its
//! process: what it compares belongs to all of that.
#![allow(unsafe_code)]

mod common {
    pub(crate) mod watchdog;
}

use std::env;
use std::ffi::OsString;
use std::fs;
use std::mem::MaybeUninit;
use std::panic;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use common::watchdog::watchdog;
use mp_process::{Failure, Process, init_test, spawn};

/// What belongs to the process as a whole, or to the thread that starts others.
#[derive(Debug, PartialEq, Eq)]
struct Global {
    /// The lines on signals, and the umask.
    status: Vec<String>,
    limits: String,
    directory: PathBuf,
    environment: Vec<(OsString, OsString)>,
    arguments: String,
    name: String,
}

impl Global {
    fn now() -> Self {
        let read = |file| fs::read_to_string(format!("/proc/thread-self/{file}")).unwrap();
        Self {
            status: lines(&["SigBlk", "SigIgn", "SigCgt", "Umask", "NoNewPrivs"]),
            limits: read("limits"),
            directory: env::current_dir().unwrap(),
            environment: env::vars_os().collect(),
            arguments: read("cmdline"),
            name: read("comm"),
        }
    }
}

/// Lines of the status of the calling thread.
fn lines(wanted: &[&str]) -> Vec<String> {
    let status = fs::read_to_string("/proc/thread-self/status").unwrap();
    let is_wanted = |line: &&str| wanted.iter().any(|name| line.starts_with(name));
    status.lines().filter(is_wanted).map(str::to_owned).collect()
}

static REPORTS: AtomicU32 = AtomicU32::new(0);

/// Blocks signals in the calling thread.
fn block(signals: &[i32]) {
    let mut set = MaybeUninit::uninit();
    // SAFETY: sigemptyset initialises the set, which the others change and read.
    unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        for &signal in signals {
            libc::sigaddset(set.as_mut_ptr(), signal);
        }
        libc::pthread_sigmask(libc::SIG_BLOCK, set.as_ptr(), std::ptr::null_mut());
    }
}

fn start_children_of_all_kinds() {
    spawn(|| (), ()).unwrap().join().unwrap();
    let panicking = spawn(|| panic!("in the child alone"), ()).unwrap();
    let failure = Process::<()>::join(panicking).unwrap_err().into_failure();
    assert!(matches!(failure, Failure::Panicked(_)), "{failure}");
    let changing = || {
        env::set_current_dir("/").unwrap();
        block(&[libc::SIGTERM]);
    };
    let changed = Process::builder().nice(1).env("HERE", "not").current_dir("/").process_group(0);
    changed.spawn(changing, ()).unwrap().join().unwrap();
}

#[test]
fn the_parent_stays_as_it_was() {
    panic::set_hook(Box::new(|panic| {
        eprintln!("{panic}");
        REPORTS.fetch_add(1, Ordering::Relaxed);
    }));
    let before = Global::now();
    init_test(module_path!(), "the_parent_stays_as_it_was");
    let _watchdog = watchdog();
    start_children_of_all_kinds();
    assert_eq!(Global::now(), before);

    assert_eq!(REPORTS.load(Ordering::Relaxed), 0);
    assert!(panic::catch_unwind(|| panic!("in the parent")).is_err());
    assert_eq!(REPORTS.load(Ordering::Relaxed), 1, "the hook of the program is not called");

    // The mask of the thread that starts it is not what a child begins with.
    block(&[libc::SIGTERM, libc::SIGUSR1]);
    let mask = lines(&["SigBlk"]);
    let seen = spawn(|| lines(&["SigBlk"]), ()).unwrap().join().unwrap();
    assert_eq!(seen, [format!("SigBlk:\t{:016x}", 0)]);
    assert_eq!(lines(&["SigBlk"]), mask);
}
