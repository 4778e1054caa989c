//! The lock and the event of raw_sync.
#![allow(unsafe_code)]

use std::thread;

use anyhow::Result;
use mp_handle::{Kind, Region};
use raw_sync::Timeout;
use raw_sync::events::{Event, EventInit, EventState};
use raw_sync::locks::{LockInit, Mutex};

use crate::rows::death::case::{self, Ready, kill, kill_asleep, until_asleep, victim};

/// Room for a lock or an event, and for what it protects.
const ROOM: usize = 4096;

fn room() -> Result<Region> {
    Ok(Region::create(Kind::new(3, "bench death"), 0, ROOM)?)
}

pub(super) fn lock(ready: Ready) -> Result<String> {
    let region = room()?;
    let start = region.as_ptr();
    // SAFETY: both lie in the region, which outlives the lock, and nobody uses it before.
    let (lock, _) = unsafe { Mutex::new(start, start.add(ROOM / 2)) }.map_err(words)?;
    let (holder, _) = victim(hold, region.clone())?;
    kill(&holder)?;
    ready.say();
    Ok(case::outcome(lock.lock()))
}

fn hold(ready: Ready, region: Region) {
    let start = region.as_ptr();
    // SAFETY: the parent has made a lock there, and the region outlives it.
    let (lock, _) = unsafe { Mutex::from_existing(start, start.add(ROOM / 2)) }.expect("a lock");
    let _guard = lock.lock().expect("nobody else has it");
    ready.say();
    thread::park();
}

pub(super) fn event(ready: Ready) -> Result<String> {
    let region = room()?;
    // SAFETY: it lies in the region, which outlives the event, and nobody uses it before.
    let (event, _) = unsafe { Event::new(region.as_ptr(), false) }.map_err(words)?;
    let (waiter, _) = victim(wait, region.clone())?;
    kill_asleep(&waiter)?;
    ready.say();
    event.set(EventState::Signaled).map_err(words)?;
    event.set(EventState::Clear).map_err(words)?;
    let (other, _) = victim(wait, region.clone())?;
    until_asleep(other.pid());
    event.set(EventState::Signaled).map_err(words)?;
    Ok(case::outcome(other.join()))
}

fn wait(ready: Ready, region: Region) {
    // SAFETY: the parent has made an event there, and the region outlives it.
    let (event, _) = unsafe { Event::from_existing(region.as_ptr()) }.expect("an event");
    ready.say();
    event.wait(Timeout::Infinite).expect("a sound event");
}

/// Its errors are no errors that travel between threads.
fn words(error: impl ToString) -> anyhow::Error {
    anyhow::Error::msg(error.to_string())
}
