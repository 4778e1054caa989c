//! Numbers in shared memory, changed under a lock.

use std::sync::atomic::Ordering;

use anyhow::Result;
use mp_handle::Region;
use mp_shm::{Array, RawArray, RawValue, Value};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::bare::{Futex, Robust};
use super::{PAGE, SharedLock, python_alone, python_pair, row};
use crate::duo::{Pace, Partner, Sample, Team, Work, alone, apart, mega, memory, nanos, repeat};
use crate::row::{Row, System};

pub(super) fn rows(pace: Pace) -> Vec<Row> {
    vec![add_alone(pace), add_by_two(pace), set_element(pace)]
}

/// What one process does to a number again and again, wherever that is.
type Change<M> = fn(M) -> Result<Work>;

/// Fresh memory, with a lock at its beginning.
fn locked_memory<L: SharedLock>() -> Result<Region> {
    let memory = memory(2 * PAGE)?;
    L::create(&memory)?;
    Ok(memory)
}

/// Behind the page of the lock.
const NUMBER: usize = PAGE;

/// Reads and writes, as a program that has the lock may.
fn add_locked<L: SharedLock>(memory: Region) -> Result<Work> {
    let lock = L::open(memory.clone())?;
    Ok(repeat(move || {
        let number = memory.atomic_u64(NUMBER)?;
        lock.with(|| number.store(number.load(Ordering::Relaxed) + 1, Ordering::Relaxed))
    }))
}

fn add_atomically(memory: Region) -> Result<Work> {
    Ok(repeat(move || {
        memory.atomic_u64(NUMBER)?.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }))
}

fn value() -> Result<Value<u64>> {
    Ok(Value::new(0)?)
}

fn raw_value() -> Result<RawValue<u64>> {
    Ok(RawValue::new(0)?)
}

fn update(value: Value<u64>) -> Result<Work> {
    Ok(repeat(move || {
        value.update(|number| number + 1)?;
        Ok(())
    }))
}

fn fetch_add(value: RawValue<u64>) -> Result<Work> {
    Ok(repeat(move || {
        value.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }))
}

fn add_alone(pace: Pace) -> Row {
    let systems = vec![
        System::new("ours, Value", one(pace, value, update)),
        System::new("ours, RawValue", one(pace, raw_value, fetch_add)),
        System::limit("atomic add", one(pace, locked_memory::<Futex>, add_atomically)),
        System::limit("futex word, add", one(pace, locked_memory::<Futex>, add_locked::<Futex>)),
        System::limit(
            "robust mutex, add",
            one(pace, locked_memory::<Robust>, add_locked::<Robust>),
        ),
        python_alone("CPython Value", "sync.value", pace, nanos()),
    ];
    row("value-add-alone", "lock, add 1, unlock, nobody else wants it", "ns", systems)
}

fn one<M: 'static>(
    pace: Pace,
    make: fn() -> Result<M>,
    change: Change<M>,
) -> impl FnOnce() -> Result<Sample> {
    alone(pace, nanos(), move || change(make()?))
}

fn add_by_two(pace: Pace) -> Row {
    let systems = vec![
        System::new("ours, Value", by_two(pace, value, update)),
        System::new("ours, RawValue", by_two(pace, raw_value, fetch_add)),
        System::limit("atomic add", by_two(pace, locked_memory::<Futex>, add_atomically)),
        System::limit("futex word, add", by_two(pace, locked_memory::<Futex>, add_locked::<Futex>)),
        System::limit(
            "robust mutex, add",
            by_two(pace, locked_memory::<Robust>, add_locked::<Robust>),
        ),
        python_pair("CPython Value", "sync.value_by_two", pace, mega(2)),
    ];
    row("value-add-2", "the same by two processes at once, both together", "M/s", systems)
}

fn by_two<M, F>(pace: Pace, make: fn() -> Result<M>, change: F) -> impl FnOnce() -> Result<Sample>
where
    M: Clone + Serialize + DeserializeOwned + 'static,
    F: mp_process::Function<(M,), Output = Result<Work>> + Fn(M) -> Result<Work>,
{
    apart(pace, mega(2), move |there| {
        let memory = make()?;
        let work = change(memory.clone())?;
        Ok(Team::pair(Partner::process(there, change, memory)?, work))
    })
}

/// The numbers of the array.
const LEN: usize = 1000;

fn set_locked<L: SharedLock>(memory: Region) -> Result<Work> {
    let lock = L::open(memory.clone())?;
    let mut next = 0;
    Ok(repeat(move || {
        let number = memory.atomic_u32(NUMBER + next * size_of::<u32>())?;
        next = (next + 1) % LEN;
        lock.with(|| number.store(next as u32, Ordering::Relaxed))
    }))
}

fn set(array: Array<u32>) -> Result<Work> {
    let mut next = 0;
    Ok(repeat(move || {
        next = (next + 1) % LEN;
        Ok(array.set(next, next as u32)?)
    }))
}

fn store(array: RawArray<u32>) -> Result<Work> {
    let mut next = 0;
    Ok(repeat(move || {
        next = (next + 1) % LEN;
        Ok(array.store(next, next as u32, Ordering::Relaxed)?)
    }))
}

fn set_element(pace: Pace) -> Row {
    let systems = vec![
        System::new("ours, Array", one(pace, || Ok(Array::zeroed(LEN)?), set)),
        System::new("ours, RawArray", one(pace, || Ok(RawArray::zeroed(LEN)?), store)),
        System::limit("futex word, store", one(pace, locked_memory::<Futex>, set_locked::<Futex>)),
        System::limit(
            "robust mutex, store",
            one(pace, locked_memory::<Robust>, set_locked::<Robust>),
        ),
        python_alone("CPython Array", "sync.array", pace, nanos()),
    ];
    row("array-set", "lock, set one of 1000 numbers, unlock", "ns", systems)
}
