//! Semaphores, and locks that many may read under, while nobody else wants them.

use std::hint::black_box;
use std::sync::{PoisonError, RwLock as StdRwLock};

use anyhow::Result;
use mp_sync::{RwLock, Semaphore};

use super::bare;
use super::lock::one;
use super::ours::said;
use super::raw_sync::RawRead;
use super::{python_alone, row};
use crate::duo::{Pace, Work, alone, nanos, repeat};
use crate::row::{Row, System};

pub(super) fn rows(pace: Pace) -> Vec<Row> {
    vec![semaphore(pace), read(pace)]
}

fn semaphore(pace: Pace) -> Row {
    let systems = vec![
        System::new("ours", alone(pace, nanos(), acquire)),
        System::limit("sem_t", alone(pace, nanos(), one::<bare::Semaphore>)),
        python_alone("CPython Semaphore", "sync.semaphore", pace, nanos()),
    ];
    row("semaphore-alone", "acquire and release, nobody else wants it", "ns", systems)
}

fn acquire() -> Result<Work> {
    let semaphore = Semaphore::new(1)?;
    Ok(repeat(move || {
        drop(semaphore.acquire());
        Ok(())
    }))
}

fn read(pace: Pace) -> Row {
    let std_read = || {
        let lock = StdRwLock::new(());
        Ok(repeat(move || {
            drop(black_box(&lock).read().unwrap_or_else(PoisonError::into_inner));
            Ok(())
        }))
    };
    let systems = vec![
        System::new("ours", alone(pace, nanos(), our_read)),
        System::limit("pthread rwlock", alone(pace, nanos(), one::<bare::RwLock>)),
        System::ceiling("std RwLock, threads", alone(pace, nanos(), std_read)),
        System::new("raw_sync RwLock", alone(pace, nanos(), one::<RawRead>)),
        System::absent("CPython", "has no such lock"),
    ];
    row("rwlock-read-alone", "lock for reading and unlock, nobody else wants it", "ns", systems)
}

fn our_read() -> Result<Work> {
    let lock = RwLock::new()?;
    Ok(repeat(move || lock.read().map(drop).map_err(said)))
}
