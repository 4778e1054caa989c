//! What another process does while the victim is held between any two instructions, and dies: what
//! it gave back before is no loss to anybody.

use mp_queue::JoinableQueue;
use mp_shm::{Array, ArrayPart};
use mp_sync::{Barrier, Lock, RwLock, Semaphore};

use crate::notes::Notes;
use crate::operation::{Operation, Verdict, ensure, operation};
use crate::partner::{Partner, wait_until};

/// What both have, and the other.
struct Shared<T> {
    object: T,
    partner: Partner,
    /// The partner's end was looked at.
    is_joined: bool,
}

impl<T> Shared<T> {
    /// The other is within `hold`, up to its end.
    fn new(object: T, hold: impl FnOnce(&T, &mut dyn FnMut())) -> Shared<T> {
        let partner = Partner::holding(|inside| hold(&object, inside));
        Shared { object, partner, is_joined: false }
    }

    /// Lets the other go, and end.
    fn end_other(&mut self) {
        if !self.is_joined {
            self.is_joined = true;
            self.partner.join().expect("it does what it is there for");
        }
    }
}

/// An operation at each place of which the other goes and ends.
fn meanwhile<T: 'static>(
    name: &str,
    set_up: impl Fn() -> Shared<T> + 'static,
    act: impl Fn(&T) + 'static,
    check: impl Fn(&T) -> Verdict + 'static,
) -> Operation {
    operation(name, move |_| set_up())
        .victim(move |shared, _| {
            Notes::mark();
            act(&shared.object);
        })
        .meanwhile(|shared, _| shared.end_other())
        .check(move |shared, _| {
            shared.end_other();
            check(&shared.object)
        })
}

pub(super) fn operations() -> Vec<Operation> {
    let mut all = parts();
    all.extend([locked(), written(), acquired(), joined(), passed()]);
    all
}

fn in_order<T, E: ToString>(taken: Result<T, E>) -> Verdict {
    taken.map(drop).map_err(|error| error.to_string())
}

fn parts() -> Vec<Operation> {
    let set_up = || {
        let part: ArrayPart<u32> = Array::zeroed(8).unwrap().part(2..6);
        Shared::new(part, |part, inside| {
            let _guard = part.claim().unwrap();
            inside();
        })
    };
    let check = |part: &ArrayPart<u32>| in_order(part.array().lock());
    vec![
        meanwhile(
            "ArrayPart: claimed, while another gives it back",
            set_up,
            |part| drop(part.claim().unwrap()),
            check,
        ),
        meanwhile(
            "Array: locked, while a part is given back",
            set_up,
            |part| drop(part.array().lock().unwrap()),
            check,
        ),
    ]
}

fn locked() -> Operation {
    let set_up = || {
        Shared::new(Lock::new().unwrap(), |lock, inside| {
            let _guard = lock.lock().unwrap();
            inside();
        })
    };
    meanwhile(
        "Lock: taken, while another gives it back",
        set_up,
        |lock| drop(lock.lock().unwrap()),
        |lock| in_order(lock.lock()),
    )
}

fn written() -> Operation {
    let set_up = || {
        Shared::new(RwLock::new().unwrap(), |lock, inside| {
            let _guard = lock.read().unwrap();
            inside();
        })
    };
    meanwhile(
        "RwLock to write: taken, while a reader leaves",
        set_up,
        |lock| drop(lock.write().unwrap()),
        |lock| in_order(lock.write()),
    )
}

fn acquired() -> Operation {
    let set_up = || {
        Shared::new(Semaphore::new(1).unwrap(), |semaphore, inside| {
            let _permit = semaphore.acquire();
            inside();
        })
    };
    meanwhile(
        "Semaphore: acquired, while another gives back",
        set_up,
        |semaphore| drop(semaphore.acquire()),
        |semaphore| {
            let free = semaphore.available();
            ensure!(free == 1, "{free} permits of 1 are there");
            Ok(())
        },
    )
}

/// Nothing is lost with a process that has done all that it took.
fn joined() -> Operation {
    let set_up = || {
        let queue = JoinableQueue::<u32>::new().unwrap();
        queue.put(1).unwrap();
        Shared::new(queue, |queue, inside| {
            queue.get().unwrap();
            inside();
            queue.task_done().unwrap();
        })
    };
    meanwhile(
        "JoinableQueue: joined, while the last task is done",
        set_up,
        |queue| queue.join().unwrap(),
        |queue| in_order(queue.join()),
    )
}

/// Who has passed a barrier may end, and the others pass too.
fn passed() -> Operation {
    let set_up = |_: &Notes| {
        let barrier = Barrier::new(2).unwrap();
        let other = barrier.clone();
        let partner = Partner::holding(|inside| {
            inside();
            other.wait().unwrap();
        });
        Shared { object: barrier, partner, is_joined: false }
    };
    operation("Barrier: waited at, while the other comes", set_up)
        .victim(|shared, _| {
            Notes::mark();
            shared.object.wait().unwrap();
        })
        .meanwhile(|shared, _| {
            shared.partner.go();
            wait_until(|| shared.partner.has_ended() || shared.partner.is_asleep());
        })
        .check(|shared, _| {
            shared.end_other();
            ensure!(!shared.object.is_broken(), "the barrier is broken");
            Ok(())
        })
}
