//! Whoever dies, whenever: the others are told, go on, and nothing is left behind.

mod common {
    pub(crate) mod watchdog;
}

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use common::watchdog::watchdog;
use mp_handle::{Deadline, Kind, Parcel, Region, wait_readable};
use mp_process::{Process, spawn};
use mp_shm::{AccessError, Array, ArrayPart, RawArray, RawValue, Value};
use mp_sync::{Event, LockError};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

/// How many processes a test kills: `MP_DEATHS`, or a few.
fn deaths() -> u32 {
    std::env::var("MP_DEATHS").ok().and_then(|deaths| deaths.parse().ok()).unwrap_or(30)
}

/// How often a test creates and drops: `MP_CYCLES`, or 3,000.
fn cycles() -> u32 {
    std::env::var("MP_CYCLES").ok().and_then(|cycles| cycles.parse().ok()).unwrap_or(3_000)
}

fn kill(victim: Process<()>) -> u32 {
    let pid = victim.pid();
    victim.kill().unwrap();
    victim.join().unwrap_err();
    pid
}

fn stop_in_the_middle(pair: Value<[u64; 2]>, held: Event) {
    let mut guard = pair.lock().unwrap();
    guard[0] += 1;
    held.set();
    loop {
        thread::park();
    }
}

#[mp_process::test]
fn an_update_that_was_never_finished_is_told_until_somebody_recovers() {
    let _watchdog = watchdog();
    let (pair, held) = (Value::new([5, 5]).unwrap(), Event::new().unwrap());
    let victim = spawn(stop_in_the_middle, (pair.clone(), held.clone())).unwrap();
    held.wait();
    let pid = kill(victim);
    for _ in 0..2 {
        let error = pair.get().unwrap_err();
        assert!(matches!(error, AccessError::OwnerDied { process: Some(dead) } if dead == pid));
        assert!(error.to_string().contains(&format!("process {pid} died")), "{error}");
    }
    assert!(pair.set([0, 0]).is_err() && pair.update(|pair| pair).is_err());
    let Err(LockError::OwnerDied(died)) = pair.try_lock() else { panic!("nobody died") };
    let mut guard = died.recover();
    assert_eq!(*guard, [6, 5]);
    *guard = [6, 6];
    drop(guard);
    assert_eq!(pair.get().unwrap(), [6, 6]);
}

fn add_to_both(pair: Value<[u64; 2]>) {
    loop {
        let mut guard = pair.lock().or_else(LockError::recover).unwrap();
        let larger = guard[0].max(guard[1]);
        *guard = [larger; 2];
        guard[0] += 1;
        guard[1] += 1;
    }
}

/// Lets some time pass, without sleeping: one that differs from turn to turn.
fn a_moment(turn: u32) {
    let start = Instant::now();
    while start.elapsed() < Duration::from_micros(u64::from(turn % 16) * 150) {
        std::hint::spin_loop();
    }
}

#[mp_process::test]
fn processes_killed_at_any_moment_leave_a_value_that_can_be_mended() {
    let _watchdog = watchdog();
    let pair = Value::new([0, 0]).unwrap();
    for turn in 0..deaths() {
        let before = pair.lock().or_else(LockError::recover).unwrap()[0];
        let victim = spawn(add_to_both, (pair.clone(),)).unwrap();
        while pair.lock().or_else(LockError::recover).unwrap()[0] <= before {
            thread::yield_now();
        }
        a_moment(turn);
        kill(victim);
        match pair.lock() {
            Ok(guard) => assert_eq!(guard[0], guard[1]),
            Err(error) => {
                let mut guard = error.recover().unwrap();
                assert!(guard[0].abs_diff(guard[1]) <= 1);
                *guard = [guard[0]; 2];
            }
        }
    }
}

fn claim_again_and_again(parts: Vec<ArrayPart<u32>>, started: Event) {
    for part in parts.iter().cycle() {
        let mut elements = match part.claim() {
            Ok(elements) => elements,
            Err(LockError::OwnerDied(died)) => died.into_inner(),
            Err(error) => panic!("{error}"),
        };
        elements.iter_mut().for_each(|element| *element += 1);
        started.set();
    }
}

#[mp_process::test]
fn processes_killed_at_any_moment_leave_no_part_claimed() {
    let _watchdog = watchdog();
    let array = Array::<u32>::zeroed(64).unwrap();
    for turn in 0..deaths() {
        let started = [(); 2].map(|()| Event::new().unwrap());
        let [first, second] = started
            .clone()
            .map(|started| spawn(claim_again_and_again, (array.split(2), started)).unwrap());
        started.iter().for_each(Event::wait);
        a_moment(turn);
        kill(first);
        kill(second);
        // All of it is to be had, and every element of a part that is whole was counted alike.
        match array.lock() {
            Ok(guard) => {
                let [left, right] = [&guard[..32], &guard[32..]];
                assert!(left.iter().all(|element| *element == left[0]));
                assert!(right.iter().all(|element| *element == right[0]));
            }
            Err(error) => error.recover().unwrap().fill(0),
        }
        assert!(array.try_lock().unwrap().is_some());
    }
}

/// Counts what this process has of the system's: descriptors and mappings.
fn possessions() -> (usize, usize) {
    let descriptors = fs::read_dir("/proc/self/fd").unwrap().count();
    (descriptors, fs::read_to_string("/proc/self/maps").unwrap().lines().count())
}

/// Creates, uses, sends and drops one of each.
fn cycle() {
    let value = Value::new(1_u64).unwrap();
    let array = Array::with_lock(&[1_u8, 2], value.get_lock()).unwrap();
    let raws = (RawValue::new(1_u32).unwrap(), RawArray::<u8>::zeroed(9).unwrap());
    array.part(0..1).claim().unwrap()[0] = 3;
    let parcel = Parcel::encode(&(value, array, raws)).unwrap();
    type All = (Value<u64>, Array<u8>, (RawValue<u32>, RawArray<u8>));
    let (value, array, _): All = parcel.decode().unwrap();
    assert_eq!(value.get().unwrap() + u64::from(array.get(0).unwrap()), 4);
    parcel_of_nothing();
}

/// A handle whose journey fails.
fn parcel_of_nothing() {
    let parcel = Parcel::encode(&Value::new(1_u8).unwrap()).unwrap();
    parcel.decode::<Value<i8>>().unwrap_err();
}

#[mp_process::test]
fn objects_created_and_dropped_leave_nothing() {
    let _watchdog = watchdog();
    let child = || {
        (0..100).for_each(|_| cycle());
        let (descriptors, mappings) = possessions();
        (0..cycles()).for_each(|_| cycle());
        let (descriptors_after, mappings_after) = possessions();
        assert_eq!(descriptors_after, descriptors);
        assert!(mappings_after < mappings + 20, "{mappings} mappings became {mappings_after}");
    };
    spawn(child, ()).unwrap().join().unwrap();
}

type Hundred = (Vec<Value<u64>>, Vec<Array<f64>>, Vec<RawValue<u8>>, Vec<RawArray<u8>>);

fn live_with(objects: Hundred, alive: Event, holder: bool) {
    let _guards: Vec<_> = objects.0.iter().filter(|_| holder).map(|v| v.lock().unwrap()).collect();
    alive.set();
    loop {
        thread::park();
    }
}

/// The memory files that the process has.
fn files_of(pid: u32) -> Vec<String> {
    let links = fs::read_dir(format!("/proc/{pid}/fd")).unwrap();
    let target = |link: std::io::Result<fs::DirEntry>| fs::read_link(link.ok()?.path()).ok();
    links.filter_map(target).map(|target| target.to_string_lossy().into_owned()).collect()
}

/// Makes a hundred objects, and a child that has them too.
fn parent_of_one(alive: [Event; 2], shared: Region) {
    let objects: Hundred = (
        (0..25).map(|number| Value::new(number).unwrap()).collect(),
        (0..25).map(|len| Array::zeroed(len).unwrap()).collect(),
        (0..25).map(|number| RawValue::new(number).unwrap()).collect(),
        (0..25).map(|len| RawArray::zeroed(len).unwrap()).collect(),
    );
    let [first, second] = alive;
    let child = spawn(live_with, (objects.clone(), second, false)).unwrap();
    shared.write(0, &child.pid().to_ne_bytes()).unwrap();
    live_with(objects, first, true);
}

/// Starts the tree, kills its root, and looks at what is left in this process.
fn outlive_a_tree() {
    let descriptors = possessions().0;
    let alive = [(); 2].map(|()| Event::new().unwrap());
    let shared = Region::create(Kind::new(1000, "pid"), 0, 64).unwrap();
    let parent = spawn(parent_of_one, (alive.clone(), shared.clone())).unwrap();
    alive.iter().for_each(Event::wait);
    let mut child = [0; 4];
    shared.read(0, &mut child).unwrap();
    let child = u32::from_ne_bytes(child);
    for pid in [parent.pid(), child] {
        let files = files_of(pid);
        let memory = files.iter().filter(|file| file.contains("memfd:mp-region")).count();
        assert!(memory >= 100, "process {pid} has {memory}");
        assert!(!files.iter().any(|file| file.starts_with("/dev/shm")), "{files:?}");
    }
    let child = Pid::from_raw(child.try_into().unwrap()).unwrap();
    let child = pidfd_open(child, PidfdFlags::empty()).unwrap();
    kill(parent);
    // The child dies with its parent.
    assert!(wait_readable(&child, Deadline::NEVER));
    drop((alive, shared, child));
    assert_eq!(possessions().0, descriptors);
}

#[mp_process::test]
fn a_tree_of_processes_that_is_killed_leaves_nothing_of_a_hundred_objects() {
    let _watchdog = watchdog();
    spawn(outlive_a_tree, ()).unwrap().join().unwrap();
}
