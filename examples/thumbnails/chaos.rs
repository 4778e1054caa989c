//! Kills workers at random while they work.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use multiprocess::Pool;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

/// How often a task may be tried again, and a worker be replaced that was not ready yet. More than
/// all kills together, so that not even a task that is hit by every one of them runs out of tries.
pub(crate) const RETRIES: u32 = MOST_KILLS + 1;
const MOST_KILLS: u32 = 99;

/// Does `work`, and kills a worker of `pool` every few tens of milliseconds meanwhile.
///
/// Returns what the work returned and how many workers were killed.
pub(crate) fn around<T>(pool: &Pool, work: impl FnOnce() -> T) -> (T, u32) {
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let killer = scope.spawn(|| kill_until(&over, pool));
        let outcome = work();
        over.store(true, Ordering::Relaxed);
        killer.thread().unpark();
        (outcome, killer.join().expect("the killer does not panic"))
    })
}

fn kill_until(over: &AtomicBool, pool: &Pool) -> u32 {
    let mut kills = 0;
    while kills < MOST_KILLS {
        thread::park_timeout(Duration::from_millis(random(5..50)));
        if over.load(Ordering::Relaxed) {
            break;
        }
        kills += u32::from(kill_one(pool).is_some());
    }
    kills
}

/// Kills one worker, by its pidfd: the pool may just have replaced a worker that had died, and
/// the pid alone may by now be somebody else's. A pid that the pool names before and after the
/// pidfd was opened is the worker's own.
fn kill_one(pool: &Pool) -> Option<()> {
    let workers = pool.worker_pids();
    let victim = *workers.get(random(0..workers.len().max(1) as u64) as usize)?;
    let pidfd = pidfd_open(Pid::from_raw(victim.cast_signed())?, PidfdFlags::empty()).ok()?;
    if !pool.worker_pids().contains(&victim) {
        return None;
    }
    pidfd_send_signal(&pidfd, Signal::KILL).ok()
}

/// A number of a range that is not empty; each `RandomState` brings a fresh random seed.
fn random(range: std::ops::Range<u64>) -> u64 {
    range.start + RandomState::new().hash_one(()) % (range.end - range.start)
}
