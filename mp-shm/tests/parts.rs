//! Parts of an array: each element has one user at a time, and a dead one is told.

mod common {
    pub(crate) mod parcel;
    pub(crate) mod watchdog;
}

use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use common::parcel::arrive;
use common::watchdog::watchdog;
use mp_process::{Process, spawn};
use mp_shm::{Array, ArrayPart};
use mp_sync::{Event, Lock, LockError};

const SHORT: Duration = Duration::from_millis(5);
/// As many parts can be in use.
const CLAIMS: usize = 80;

fn array(len: usize) -> Array<u64> {
    Array::zeroed(len).unwrap()
}

fn hold(part: ArrayPart<u64>, held: Event) {
    let mut elements = part.claim().unwrap();
    elements.fill(7);
    held.set();
    loop {
        thread::park();
    }
}

/// Starts a process that has the part, half changed.
fn holder(part: &ArrayPart<u64>) -> Process<()> {
    let held = Event::new().unwrap();
    let holder = spawn(hold, (part.clone(), held.clone())).unwrap();
    held.wait();
    holder
}

fn kill(victim: Process<()>) -> u32 {
    let pid = victim.pid();
    victim.kill().unwrap();
    victim.join().unwrap_err();
    pid
}

#[test]
fn smoke() {
    let array = array(10);
    let parts = array.split(3);
    let ranges: Vec<_> = parts.iter().map(ArrayPart::range).collect();
    assert_eq!(ranges, [0..3, 3..6, 6..10]);
    let mut guards: Vec<_> = parts.iter().map(|part| part.claim().unwrap()).collect();
    guards.iter_mut().enumerate().for_each(|(at, part)| part.fill(at as u64));
    drop(guards);
    assert_eq!(array.to_vec().unwrap(), [0, 0, 0, 1, 1, 1, 2, 2, 2, 2]);
}

#[test]
fn parts_are_inside_of_the_array_whatever_is_asked_for() {
    let three = array(3);
    assert_eq!(three.split(5).iter().map(|part| part.range().len()).sum::<usize>(), 3);
    assert!(three.split(0).is_empty());
    assert_eq!(three.part(1..99).range(), 1..3);
    assert_eq!(three.part(7..9).range(), 3..3);
    let (start, end) = (2, 1);
    assert!(three.part(start..end).claim().unwrap().is_empty());
    assert!(array(0).split(2)[1].claim().unwrap().is_empty());
    // Of another, longer array.
    let long = arrive(&array(9).part(1..9));
    assert_eq!(long.claim().unwrap().len(), 8);
}

#[test]
fn who_overlaps_waits_and_who_does_not_works() {
    let _watchdog = watchdog();
    let array = array(10);
    let middle = array.part(2..5);
    let guard = middle.claim().unwrap();
    for range in [0..3, 4..10, 3..4, 0..10, 2..5] {
        let part = arrive(&array.part(range));
        assert!(part.try_claim().unwrap().is_none());
        let start = Instant::now();
        assert!(part.claim_timeout(SHORT).unwrap().is_none());
        assert!(start.elapsed() >= SHORT);
    }
    for range in [0..2, 5..10, 3..3] {
        drop(array.part(range).try_claim().unwrap().unwrap());
    }
    let (sender, events) = mpsc::channel();
    thread::scope(|scope| {
        scope.spawn(|| {
            let part = array.part(4..6);
            let _guard = part.claim().unwrap();
            sender.send("claimed").unwrap();
        });
        assert!(events.recv_timeout(SHORT).is_err());
        drop(guard);
        assert_eq!(events.recv(), Ok("claimed"));
    });
}

#[test]
fn the_whole_waits_for_all_parts() {
    let _watchdog = watchdog();
    let array = array(4);
    let parts = array.split(2);
    let mut guards: Vec<_> = parts.iter().map(|part| part.claim().unwrap()).collect();
    for _ in 0..2 {
        assert!(array.try_lock().unwrap().is_none());
        assert!(array.lock_timeout(SHORT).unwrap().is_none());
        guards.pop();
    }
    let guard = array.lock().unwrap();
    assert!(matches!(parts[0].claim(), Err(LockError::AlreadyHeld)));
    thread::scope(|scope| {
        scope.spawn(|| assert!(parts[0].claim_timeout(SHORT).unwrap().is_none()));
    });
    drop(guard);
    assert!(parts[0].try_claim().unwrap().is_some());
}

#[test]
fn the_holder_of_a_shared_lock_gets_no_array_with_a_part_in_use() {
    let lock = Lock::new().unwrap();
    let array: Array<u8> = Array::zeroed_with_lock(4, &lock).unwrap();
    let part = array.part(0..1);
    let claimed = part.claim().unwrap();
    let mut guard = lock.lock().unwrap();
    assert!(array.borrow(&guard).is_none());
    assert!(array.borrow_mut(&mut guard).is_none());
    drop(claimed);
    assert_eq!(array.borrow(&guard), Some(&[0; 4][..]));
}

#[mp_process::test]
fn processes_that_overlap_never_meet() {
    let _watchdog = watchdog();
    let array = array(100);
    // Each adds to a window of its own, half of it somebody else's too, in two steps.
    let work = |array: Array<u64>, number: usize, go: Event| {
        go.wait();
        let part = array.part(number * 20..number * 20 + 40);
        for _ in 0..2_000 {
            let mut elements = part.claim().unwrap();
            let seen = elements.to_vec();
            elements.iter_mut().zip(seen).for_each(|(element, seen)| *element = seen + 1);
        }
    };
    let go = Event::new().unwrap();
    let children: Vec<_> =
        (0..4).map(|number| spawn(work, (array.clone(), number, go.clone())).unwrap()).collect();
    go.set();
    children.into_iter().for_each(|child| child.join().unwrap());
    let sums: Vec<u64> = array.lock().unwrap().chunks(20).map(|chunk| chunk.iter().sum()).collect();
    assert_eq!(sums, [40_000, 80_000, 80_000, 80_000, 40_000]);
}

/// Nobody dies here: a part that is given back while another looks at it is no death.
#[test]
fn who_gives_back_in_time_is_not_taken_for_dead() {
    let _watchdog = watchdog();
    let array = array(CLAIMS - 1);
    let (parts, whole) = (array.split(CLAIMS - 1), array.part(0..CLAIMS - 1));
    thread::scope(|scope| {
        let holder = scope.spawn(|| {
            for _ in 0..500 {
                let guards: Vec<_> = parts.iter().map(|part| part.claim().unwrap()).collect();
                drop(guards);
            }
        });
        while !holder.is_finished() {
            drop(whole.try_claim().unwrap());
        }
    });
}

#[mp_process::test]
fn what_a_dead_process_had_is_told_until_somebody_recovers() {
    let _watchdog = watchdog();
    let array = array(6);
    let parts = array.split(2);
    let beside = parts[1].claim().unwrap();
    let pid = kill(holder(&parts[0]));
    // What the other one has is none of its business, but it stays told.
    drop(beside);
    let Err(LockError::OwnerDied(died)) = parts[0].claim() else { panic!("nobody died") };
    assert_eq!(died.process(), Some(pid));
    assert_eq!(*died.into_inner(), [7; 3]);
    assert!(matches!(parts[1].try_claim(), Err(LockError::OwnerDied(_))));
    let Err(error) = array.lock() else { panic!("nobody died") };
    let mut guard = error.recover().unwrap();
    guard.fill(0);
    drop(guard);
    drop(parts[0].claim().unwrap());
    assert_eq!(array.to_vec().unwrap(), [0; 6]);
}

#[mp_process::test]
fn who_waits_for_a_process_learns_of_its_death() {
    let _watchdog = watchdog();
    let array = array(4);
    let holder = holder(&array.part(1..3));
    let waiting = Event::new().unwrap();
    let wait = |array: Array<u64>, waiting: Event| {
        waiting.set();
        match array.lock() {
            Err(LockError::OwnerDied(died)) => died.process(),
            _ => None,
        }
    };
    let waiter = spawn(wait, (array.clone(), waiting.clone())).unwrap();
    waiting.wait();
    let pid = kill(holder);
    assert_eq!(waiter.join().unwrap(), Some(pid));
}

#[test]
fn only_so_many_parts_are_in_use() {
    let array = array(CLAIMS + 1);
    let parts = array.split(CLAIMS + 1);
    let guards: Vec<_> = parts[..CLAIMS].iter().map(|part| part.claim().unwrap()).collect();
    assert!(matches!(parts[CLAIMS].claim(), Err(LockError::TooManyUsers)));
    drop(guards);
    drop(parts[CLAIMS].claim().unwrap());
}

#[mp_process::test]
fn a_dead_process_makes_room_in_a_full_table_and_is_not_forgotten() {
    let _watchdog = watchdog();
    let array = array(CLAIMS + 1);
    let parts = array.split(CLAIMS + 1);
    let pid = kill(holder(&parts[0]));
    let guards: Vec<_> = parts[1..CLAIMS].iter().map(|part| part.claim().unwrap()).collect();
    drop(parts[CLAIMS].claim().unwrap());
    drop(guards);
    let Err(LockError::OwnerDied(died)) = parts[0].claim() else { panic!("its death was lost") };
    assert_eq!(died.process(), Some(pid));
}

#[test]
fn a_guard_may_be_given_back_by_another_thread() {
    let array = array(2);
    let part = array.part(0..1);
    let guard = part.claim().unwrap();
    thread::scope(|scope| {
        scope.spawn(move || drop(guard));
    });
    assert!(array.try_lock().unwrap().is_some());
}

#[test]
fn a_guard_that_is_forgotten_keeps_its_elements() {
    let array = array(2);
    let part = array.part(0..1);
    std::mem::forget(part.claim().unwrap());
    assert!(arrive(&part).try_claim().unwrap().is_none());
    assert!(array.part(1..2).try_claim().unwrap().is_some());
}
