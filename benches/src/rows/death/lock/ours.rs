//! Our primitives: whoever is killed, the next one goes on.

use std::thread;

use anyhow::{Result, anyhow};
use mp_sync::{Condition, Event, Lock, LockError, Semaphore};

use crate::rows::death::GOES_ON;
use crate::rows::death::case::{self, Ready, kill, kill_asleep, until_asleep, victim};

pub(super) fn lock(ready: Ready) -> Result<String> {
    let lock = Lock::new()?;
    let (holder, _) = victim(hold, lock.clone())?;
    kill(&holder)?;
    ready.say();
    let told = match lock.lock() {
        Err(LockError::OwnerDied(died)) => {
            drop(died.recover());
            "is told, and "
        }
        Err(error) => return Ok(format!("error: {error}")),
        Ok(_) => "",
    };
    Ok(format!("{told}{GOES_ON}"))
}

fn hold(ready: Ready, lock: Lock) {
    let _guard = lock.lock().expect("nobody else has it");
    ready.say();
    thread::park();
}

pub(super) fn semaphore(ready: Ready) -> Result<String> {
    let semaphore = Semaphore::new(1)?;
    let (holder, _) = victim(acquire, semaphore.clone())?;
    kill(&holder)?;
    ready.say();
    drop(semaphore.acquire());
    Ok(GOES_ON.into())
}

fn acquire(ready: Ready, semaphore: Semaphore) {
    let _permit = semaphore.acquire();
    ready.say();
    thread::park();
}

pub(super) fn event(ready: Ready) -> Result<String> {
    let event = Event::new()?;
    let (waiter, _) = victim(wait, event.clone())?;
    kill_asleep(&waiter)?;
    ready.say();
    event.set();
    event.clear();
    let (other, _) = victim(wait, event.clone())?;
    until_asleep(other.pid());
    event.set();
    Ok(case::outcome(other.join()))
}

fn wait(ready: Ready, event: Event) {
    ready.say();
    event.wait();
}

type Shared = (Lock, Condition);

/// One notification, which the dead waiter must not take with it.
pub(super) fn condition(ready: Ready) -> Result<String> {
    let (lock, condition) = (Lock::new()?, Condition::new()?);
    let (waiter, _) = victim(wait_notified, (lock.clone(), condition.clone()))?;
    until_asleep(waiter.pid());
    let (other, _) = victim(wait_notified, (lock.clone(), condition.clone()))?;
    until_asleep(other.pid());
    kill(&waiter)?;
    ready.say();
    let guard = lock.lock().or_else(LockError::recover).map_err(|error| anyhow!("{error}"))?;
    condition.notify_one();
    drop(guard);
    Ok(case::outcome(other.join()))
}

fn wait_notified(ready: Ready, (lock, condition): Shared) {
    let guard = lock.lock().or_else(LockError::recover).expect("a lock");
    ready.say();
    drop(condition.wait(guard).or_else(LockError::recover).expect("a lock"));
}
