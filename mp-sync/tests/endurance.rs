//! Nothing is left of what is gone, however often it came: `MP_CYCLES` times, or 5,000.

mod common {
    pub(crate) mod watchdog;
}

use std::fs;

use common::watchdog::watchdog;
use mp_process::spawn;
use mp_sync::{Event, Lock, RLock};

fn cycles() -> u32 {
    std::env::var("MP_CYCLES").ok().and_then(|cycles| cycles.parse().ok()).unwrap_or(5_000)
}

/// Counts what this process has of the system's: descriptors and mappings.
fn possessions() -> (usize, usize) {
    let descriptors = fs::read_dir("/proc/self/fd").unwrap().count();
    (descriptors, fs::read_to_string("/proc/self/maps").unwrap().lines().count())
}

/// Runs a cycle again and again; nothing may grow with their number.
fn endure(cycle: impl Fn()) {
    // What the first few bring to stay: caches, and the pages of the heap.
    (0..100).for_each(|_| cycle());
    let (descriptors, mappings) = possessions();
    (0..cycles()).for_each(|_| cycle());
    let (descriptors_after, mappings_after) = possessions();
    assert_eq!(descriptors_after, descriptors);
    assert!(mappings_after < mappings + 20, "{mappings} mappings became {mappings_after}");
}

#[mp_process::test]
fn objects_without_names_leave_nothing() {
    let _watchdog = watchdog();
    let child = || {
        endure(|| {
            let (lock, recursive) = (Lock::new().unwrap(), RLock::new().unwrap());
            Event::new().unwrap().set();
            let _guards = (lock.lock().unwrap(), recursive.lock().unwrap());
        });
    };
    spawn(child, ()).unwrap().join().unwrap();
}

#[mp_process::test]
fn objects_with_names_leave_nothing() {
    let _watchdog = watchdog();
    let child = || {
        let name = format!("endurance-{}", std::process::id());
        endure(|| {
            let created = Lock::create(&name).unwrap();
            let opened = Lock::open(&name).unwrap();
            drop(created.lock().unwrap());
            Lock::unlink(&name).unwrap();
            drop(opened.lock().unwrap());
        });
        name
    };
    let name = spawn(child, ()).unwrap().join().unwrap();
    assert!(!fs::exists(format!("/dev/shm/mp.{name}")).unwrap());
}

#[mp_process::test]
fn refused_opens_leave_nothing() {
    let _watchdog = watchdog();
    let child = || {
        let name = format!("refused-{}", std::process::id());
        let _event = Event::create(&name).unwrap();
        endure(|| {
            Lock::open(&name).unwrap_err();
            Lock::create(&name).unwrap_err();
            Lock::open_or_create(&name).unwrap_err();
        });
        Event::unlink(&name).unwrap();
    };
    spawn(child, ()).unwrap().join().unwrap();
}
