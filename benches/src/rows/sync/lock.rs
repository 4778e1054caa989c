//! Locks: nobody else wants it, two want it, and the one who has it is killed.

use std::hint::black_box;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::Result;
use mp_handle::Region;
use mp_sync::Lock;
use rustix::time::{ClockId, clock_gettime};

use super::bare::{Futex, Robust, Semaphore};
use super::raw_sync::RawMutex;
use super::{PAGE, SharedLock, python_alone, python_pair, row};
use crate::duo::{
    Pace, Partner, Place, Sample, Team, Work, alone, apart, mega, memory, millis, nanos, repeat,
};
use crate::row::{Row, System};

pub(super) fn rows(pace: Pace) -> Vec<Row> {
    vec![uncontended(pace), contended(pace), owner_killed()]
}

fn uncontended(pace: Pace) -> Row {
    let systems = vec![
        System::new("ours", alone(pace, nanos(), one::<Lock>)),
        System::limit("futex word", alone(pace, nanos(), one::<Futex>)),
        System::limit("pthread mutex, robust", alone(pace, nanos(), one::<Robust>)),
        System::limit("sem_t", alone(pace, nanos(), one::<Semaphore>)),
        System::ceiling(
            "std Mutex, threads",
            alone(pace, nanos(), || Ok(std_lock(Arc::default()))),
        ),
        System::new("raw_sync Mutex", alone(pace, nanos(), one::<RawMutex>)),
        python_alone("CPython Lock", "sync.lock", pace, nanos()),
    ];
    row("lock-alone", "lock and unlock, nobody else wants it", "ns", systems)
}

/// A lock that this process alone uses.
pub(super) fn one<L: SharedLock>() -> Result<Work> {
    let memory = memory(PAGE)?;
    L::create(&memory)?;
    lock_and_unlock::<L>(memory)
}

fn lock_and_unlock<L: SharedLock>(memory: Region) -> Result<Work> {
    let lock = L::open(memory)?;
    Ok(repeat(move || lock.with(|| ())))
}

fn std_lock(lock: Arc<Mutex<()>>) -> Work {
    repeat(move || {
        drop(black_box(&*lock).lock().unwrap_or_else(PoisonError::into_inner));
        Ok(())
    })
}

fn contended(pace: Pace) -> Row {
    let systems = vec![
        System::new("ours", two::<Lock>(pace)),
        System::limit("futex word", two::<Futex>(pace)),
        System::limit("pthread mutex, robust", two::<Robust>(pace)),
        System::limit("sem_t", two::<Semaphore>(pace)),
        System::ceiling("std Mutex, threads", std_two(pace)),
        System::new("raw_sync Mutex", two::<RawMutex>(pace)),
        python_pair("CPython Lock", "sync.lock_by_two", pace, mega(2)),
    ];
    row("lock-2", "the same by two processes at once, both together", "M/s", systems)
}

fn two<L: SharedLock>(pace: Pace) -> impl FnOnce() -> Result<Sample> {
    apart(pace, mega(2), move |there| {
        let memory = memory(PAGE)?;
        L::create(&memory)?;
        let partner = Partner::process(there, lock_and_unlock::<L>, memory.clone())?;
        Ok(Team::pair(partner, lock_and_unlock::<L>(memory)?))
    })
}

fn std_two(pace: Pace) -> impl FnOnce() -> Result<Sample> {
    apart(pace, mega(2), move |there| {
        let lock = Arc::new(Mutex::new(()));
        let other = Arc::clone(&lock);
        let partner = Partner::thread(there, move || Ok(std_lock(other)))?;
        Ok(Team::pair(partner, std_lock(lock)))
    })
}

fn owner_killed() -> Row {
    let systems = vec![
        System::new("ours", || Ok(killed::<Lock>)),
        System::limit("pthread mutex, robust", || Ok(killed::<Robust>)),
        System::new("raw_sync Mutex", || Ok(killed::<RawMutex>)),
        super::super::python("CPython Lock", "sync.lock_owner_killed", [], millis()),
    ];
    row("lock-owner-killed", "its owner is killed: somebody who waits has it", "ms", systems)
}

/// Where the waiter says when it had the lock.
const TAKEN_AT: usize = PAGE;

/// Milliseconds from the kill of the owner to the moment at which the waiter has the lock.
fn killed<L: SharedLock>() -> Result<f64> {
    let memory = memory(PAGE + 64)?;
    L::create(&memory)?;
    let mut owner = Partner::process(Place::ANYWHERE, hold::<L>, memory.clone())?;
    let mut waiter = Partner::process(Place::ANYWHERE, take::<L>, memory.clone())?;
    owner.order(1)?;
    while memory.atomic_u64(TAKEN_AT)?.load(Ordering::Acquire) == 0 {
        thread::sleep(Duration::from_millis(1));
    }
    waiter.order(1)?;
    // Not measured: time for the waiter to fall asleep.
    thread::sleep(Duration::from_millis(10));
    let begin = now()?;
    owner.kill()?;
    waiter.finish()?;
    let taken = memory.atomic_u64(TAKEN_AT)?.load(Ordering::Acquire);
    Ok(taken.saturating_sub(begin) as f64 / 1e6)
}

/// Takes the lock, and never gives it back.
fn hold<L: SharedLock>(memory: Region) -> Result<Work> {
    let lock = L::open(memory.clone())?;
    Ok(repeat(move || {
        let taken = memory.atomic_u64(TAKEN_AT)?;
        lock.with(|| {
            taken.store(1, Ordering::Release);
            loop {
                thread::park();
            }
        })
    }))
}

/// Takes the lock, and says when.
fn take<L: SharedLock>(memory: Region) -> Result<Work> {
    let lock = L::open(memory.clone())?;
    Ok(repeat(move || {
        let taken = memory.atomic_u64(TAKEN_AT)?;
        let mut time = Ok(0);
        lock.with(|| time = now())?;
        taken.store(time?, Ordering::Release);
        Ok(())
    }))
}

/// Nanoseconds on the clock that all processes share.
fn now() -> Result<u64> {
    let time = clock_gettime(ClockId::Monotonic);
    Ok(u64::try_from(time.tv_sec)? * 1_000_000_000 + u64::try_from(time.tv_nsec)?)
}
