//! What users of Python's `multiprocessing` complain about, and what holds here instead.

mod common {
    pub(crate) mod watchdog;
}

use std::thread;
use std::time::{Duration, Instant};

use common::watchdog::watchdog;
use mp_sync::{
    Barrier, BoundedSemaphore, Condition, Event, Lock, RLock, RwLock, Semaphore, SystemSemaphore,
};

const TIMEOUT: Duration = Duration::from_millis(20);

/// Runs a wait for what does not come; it has to end, and not early.
fn ends(wait: impl FnOnce(Duration) -> bool) {
    let start = Instant::now();
    assert!(!wait(TIMEOUT), "what cannot come came");
    assert!(start.elapsed() >= TIMEOUT);
}

/// "`JoinableQueue.join()`, `Barrier` etc. without uniform timeouts".
#[test]
fn every_wait_has_a_time_out() {
    let _watchdog = watchdog();
    let (lock, recursive, shared) =
        (Lock::new().unwrap(), RLock::new().unwrap(), RwLock::new().unwrap());
    let _guards = (lock.lock().unwrap(), recursive.lock().unwrap(), shared.write().unwrap());
    let (semaphore, bounded) = (Semaphore::new(0).unwrap(), BoundedSemaphore::new(1).unwrap());
    let _permit = bounded.acquire();
    let name = format!("complaints-{}", std::process::id());
    let system = SystemSemaphore::create(&name, 0).unwrap();
    SystemSemaphore::unlink(&name).unwrap();
    let (event, barrier) = (Event::new().unwrap(), Barrier::new(2).unwrap());
    let (condition, free) = (Condition::new().unwrap(), Lock::new().unwrap());
    thread::scope(|scope| {
        scope.spawn(|| {
            ends(|timeout| lock.lock_timeout(timeout).unwrap().is_some());
            ends(|timeout| recursive.lock_timeout(timeout).unwrap().is_some());
            ends(|timeout| shared.read_timeout(timeout).unwrap().is_some());
            ends(|timeout| shared.write_timeout(timeout).unwrap().is_some());
            ends(|timeout| semaphore.acquire_timeout(timeout).is_some());
            ends(|timeout| bounded.acquire_timeout(timeout).is_some());
            ends(|timeout| system.acquire_timeout(timeout));
            ends(|timeout| event.wait_timeout(timeout));
            ends(|timeout| barrier.wait_timeout(timeout).is_ok());
            ends(|timeout| {
                let guard = free.lock().unwrap();
                condition.wait_while_timeout(guard, timeout, |_| true).unwrap().1
            });
        });
    });
}
