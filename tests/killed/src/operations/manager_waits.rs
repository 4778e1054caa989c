//! Managers: a client that waits, or has a lock, is killed, and nobody else waits for it.

use mp_manager::{
    BarrierProxy, ConditionProxy, EventProxy, LockProxy, Manager, ManagerError, QueueProxy,
    SemaphoreProxy,
};

use super::served::{Served, at_most_once, client, told};
use crate::notes::Notes;
use crate::operation::{Operation, Script, Verdict, ensure};
use crate::partner::Partner;

/// What a victim [reaches](Notes::reach) with a lock, and before it gives that back.
const HELD: u32 = 1;
const RELEASED: u32 = 2;

pub(super) fn operations() -> Vec<Operation> {
    let mut all = vec![put(), got(), got_when_put(), put_when_got()];
    all.extend([locked(), locked_after_another(), acquired(), waited_for(), notified(), came()]);
    all
}

type Queue = QueueProxy<u32>;

fn queue(manager: &Manager) -> Result<Queue, ManagerError> {
    manager.queue(1)
}

fn full(manager: &Manager) -> Result<Queue, ManagerError> {
    let queue = queue(manager)?;
    queue.put(&1)?;
    Ok(queue)
}

/// Takes all that is there, and sees whether the queue works as ever.
fn drained(queue: &Queue) -> Result<Vec<u32>, String> {
    let mut found = Vec::new();
    while let Some(number) = told(queue.try_get())? {
        found.push(number);
    }
    told(queue.put(&9))?;
    let again = told(queue.get())?;
    ensure!(again == 9, "9 was put, and {again} came out");
    Ok(found)
}

fn put() -> Operation {
    let act = |_: &Manager, queue: &Queue, _: &Notes| queue.put(&1).unwrap();
    client("put into a queue", || Served::new(queue), act).check(|served, notes| {
        served.check(|queue, _| at_most_once(drained(queue)?.len() as u32, notes))
    })
}

/// What a victim got it may have lost, but nobody gets it twice.
fn judge_got(served: &mut Served<Queue>, notes: &Notes) -> Verdict {
    served.check(|queue, _| {
        let found = drained(queue)?;
        ensure!(found.is_empty() || found == [1], "there are {found:?}");
        ensure!(found.is_empty() || !notes.is_finished(), "it is there, and was got");
        Ok(())
    })
}

fn get(_: &Manager, queue: &Queue, _: &Notes) {
    assert_eq!(queue.get().unwrap(), 1);
}

fn got() -> Operation {
    client("got from a queue", || Served::new(full), get).check(judge_got)
}

fn got_when_put() -> Operation {
    client("waited for a queue and got", || Served::new(queue), get)
        .assist(|served, _| served.once(|queue| queue.put(&1).unwrap()))
        .check(judge_got)
}

fn put_when_got() -> Operation {
    let act = |_: &Manager, queue: &Queue, _: &Notes| queue.put(&2).unwrap();
    client("waited for room and put", || Served::new(full), act)
        .assist(|served, _| served.once(|queue| assert_eq!(queue.get().unwrap(), 1)))
        .check(|served, notes| {
            served.check(|queue, _| {
                let found = drained(queue)?;
                let twos = found.iter().filter(|&&n| n == 2).count();
                at_most_once(twos as u32, notes)
            })
        })
}

fn lock(manager: &Manager) -> Result<LockProxy, ManagerError> {
    manager.lock()
}

fn lock_and_unlock(_: &Manager, lock: &LockProxy, notes: &Notes) {
    let guard = lock.lock().unwrap();
    notes.reach(HELD);
    notes.reach(RELEASED);
    drop(guard);
}

/// Who dies with the lock is told of, and nobody else.
fn judge_lock(served: &mut Served<LockProxy>, notes: &Notes) -> Verdict {
    served.check(|lock, _| {
        let is_told = told(lock.lock())?.is_abandoned();
        ensure!(is_told || notes.reached() != HELD, "it died with the lock, and nobody is told");
        ensure!(!is_told || !notes.is_finished(), "told of a death after the end");
        let again = told(lock.lock())?;
        ensure!(!again.is_abandoned(), "told twice");
        Ok(())
    })
}

fn locked() -> Operation {
    client("lock taken and given back", || Served::new(lock), lock_and_unlock).check(judge_lock)
}

fn locked_after_another() -> Operation {
    let hold = |lock: &LockProxy, inside: &mut dyn FnMut()| {
        let _guard = lock.lock().unwrap();
        inside();
    };
    client("lock waited for", move || Served::held(lock, hold), lock_and_unlock)
        .assist(|served, _| served.partner.iter().for_each(Partner::go))
        .check(judge_lock)
}

fn acquired() -> Operation {
    let act = |_: &Manager, semaphore: &SemaphoreProxy, _: &Notes| {
        drop(semaphore.acquire().unwrap());
    };
    let make = |manager: &Manager| manager.semaphore(2);
    client("semaphore acquired and given back", move || Served::new(make), act).check(
        |served, _| {
            served.check(|semaphore, _| {
                let free = told(semaphore.available())?;
                ensure!(free == 2, "{free} permits of 2 are there");
                Ok(())
            })
        },
    )
}

fn waited_for() -> Operation {
    let act = |_: &Manager, event: &EventProxy, _: &Notes| event.wait().unwrap();
    let make = |manager: &Manager| manager.event();
    client("event waited for", move || Served::new(make), act)
        .assist(|served, _| served.once(|event| event.set().unwrap()))
        .check(|served, _| {
            served.check(|event, _| {
                told(event.set())?;
                told(event.wait())
            })
        })
}

fn notified() -> Operation {
    let act = |_: &Manager, condition: &ConditionProxy, _: &Notes| {
        let mut guard = condition.lock().unwrap();
        guard.wait().unwrap();
    };
    let notify = |condition: &ConditionProxy| {
        if let Some(_guard) = condition.try_lock().unwrap() {
            condition.notify_all().unwrap();
        }
    };
    let make = |manager: &Manager| manager.condition();
    client("condition waited for", move || Served::new(make), act)
        // It sleeps for the answer that it has the lock, too, before it can be notified.
        .assist(move |served, _| notify(served.proxy()))
        .check(|served, notes| {
            served.check(|condition, _| {
                let guard = told(condition.lock())?;
                let is_told = guard.is_abandoned();
                ensure!(!is_told || !notes.is_finished(), "told of a death after the end");
                Ok(())
            })
        })
}

/// A barrier at which the other one waits, in a process of its own.
fn came() -> Operation {
    let make = |manager: &Manager| manager.barrier(2);
    let wait_there = |barrier: &BarrierProxy, inside: &mut dyn FnMut()| {
        inside();
        barrier.wait().unwrap();
    };
    let act = |_: &Manager, barrier: &BarrierProxy, _: &Notes| {
        barrier.wait().unwrap();
    };
    let script: Script<Served<BarrierProxy>> =
        client("barrier waited at", move || Served::held(make, wait_there), act);
    script.assist(|served, _| served.partner.iter().for_each(Partner::go)).check(|served, _| {
        served.proxy().abort().unwrap();
        served.check(|barrier, _| {
            told(barrier.reset())?;
            let waiting = told(barrier.waiting())?;
            ensure!(waiting == 0, "{waiting} dead wait");
            Ok(())
        })
    })
}
