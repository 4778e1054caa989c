//! Locks, queues and the like: who waits is woken, and what the dead had is given back.

mod common {
    pub(crate) mod random;
    pub(crate) mod watchdog;
}

use std::time::Duration;

use common::random::Random;
use common::watchdog::watchdog;
use mp_manager::{
    BarrierProxy, ConditionProxy, DictProxy, EventProxy, JoinableQueueProxy, LockProxy, Manager,
    ManagerError, QueueProxy, SemaphoreProxy,
};
use mp_process::{Process, spawn};

const SOON: Duration = Duration::from_millis(5);

fn kill(victim: Process<()>) {
    victim.kill().unwrap();
    victim.wait();
}

fn hold(lock: LockProxy, held: EventProxy) {
    let guard = lock.lock().unwrap();
    held.set().unwrap();
    std::thread::park();
    drop(guard);
}

#[mp_process::test]
fn the_lock_of_a_killed_client_is_free_at_once() {
    let _watchdog = watchdog();
    let manager = Manager::start().unwrap();
    let (lock, held) = (manager.lock().unwrap(), manager.event().unwrap());
    let victim = spawn(hold, (lock.clone(), held.clone())).unwrap();
    held.wait().unwrap();
    assert!(lock.lock_timeout(SOON).unwrap().is_none() && lock.is_locked().unwrap());
    kill(victim);
    let guard = lock.try_lock().unwrap().unwrap();
    assert!(guard.is_abandoned());
    drop(guard);
    assert!(!lock.try_lock().unwrap().unwrap().is_abandoned());
}

fn lock_and_unlock(lock: LockProxy, semaphore: SemaphoreProxy, condition: ConditionProxy) {
    drop((lock.lock().unwrap(), semaphore.acquire().unwrap(), condition.lock().unwrap()));
}

#[mp_process::test]
fn who_knows_that_a_client_has_let_go_finds_it_so() {
    let _watchdog = watchdog();
    let manager = Manager::start().unwrap();
    let (lock, semaphore) = (manager.lock().unwrap(), manager.semaphore(1).unwrap());
    let condition = manager.condition().unwrap();
    for round in 0..100 {
        let all = (lock.clone(), semaphore.clone(), condition.clone());
        spawn(lock_and_unlock, all).unwrap().join().unwrap();
        let is_so = match round % 5 {
            0 => lock.try_lock().unwrap().is_some(),
            1 => !lock.is_locked().unwrap(),
            2 => semaphore.try_acquire().unwrap().is_some(),
            3 => semaphore.available().unwrap() == 1,
            _ => condition.try_lock().unwrap().is_some(),
        };
        assert!(is_so, "round {round}");
    }
}

fn count_under_lock(lock: LockProxy, dict: DictProxy<(), u32>, times: u32) {
    for _ in 0..times {
        let _guard = lock.lock().unwrap();
        let n = dict.get(&()).unwrap().unwrap_or(0);
        dict.set(&(), &(n + 1)).unwrap();
    }
}

#[mp_process::test]
fn a_lock_is_held_by_one_at_a_time() {
    let _watchdog = watchdog();
    let manager = Manager::start().unwrap();
    let (lock, dict) = (manager.lock().unwrap(), manager.dict().unwrap());
    let children = [(); 3].map(|()| spawn(count_under_lock, (lock.clone(), dict.clone(), 100)));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| count_under_lock(lock.clone(), dict.clone(), 100));
        }
    });
    children.into_iter().for_each(|child| child.unwrap().join().unwrap());
    assert_eq!(dict.get(&()).unwrap(), Some(500));
}

#[mp_process::test]
fn an_rlock_is_its_threads_until_the_last_guard_is_dropped() {
    let _watchdog = watchdog();
    let manager = Manager::start().unwrap();
    let lock = manager.rlock().unwrap();
    let is_free = || {
        std::thread::scope(|scope| {
            scope.spawn(|| lock.try_lock().unwrap().is_some()).join().unwrap()
        })
    };
    let outer = lock.lock().unwrap();
    let inner = lock.lock().unwrap();
    drop(outer);
    assert!(!is_free());
    drop(inner);
    assert!(is_free());
}

fn take_two(semaphore: SemaphoreProxy, taken: EventProxy) {
    let permits = (semaphore.acquire().unwrap(), semaphore.acquire().unwrap());
    taken.set().unwrap();
    std::thread::park();
    drop(permits);
}

#[mp_process::test]
fn permits_of_a_killed_client_come_back() {
    let _watchdog = watchdog();
    let manager = Manager::start().unwrap();
    let semaphore = manager.bounded_semaphore(2).unwrap();
    let taken = manager.event().unwrap();
    let victim = spawn(take_two, (semaphore.clone(), taken.clone())).unwrap();
    taken.wait().unwrap();
    assert!(semaphore.try_acquire().unwrap().is_none());
    kill(victim);
    let both = (semaphore.acquire().unwrap(), semaphore.acquire().unwrap());
    drop(both);
    assert_eq!(semaphore.available().unwrap(), 2);
    assert!(matches!(semaphore.release(1), Err(ManagerError::Misuse { .. })));
}

#[mp_process::test]
fn a_queue_gives_each_value_to_one_in_order() {
    let _watchdog = watchdog();
    let manager = Manager::start().unwrap();
    let (queue, sums) = (manager.queue::<u32>(3).unwrap(), manager.queue(0).unwrap());
    let add_up = |queue: QueueProxy<u32>, sums: QueueProxy<u32>| {
        let values: Vec<u32> =
            std::iter::from_fn(|| Some(queue.get().unwrap()).filter(|value| *value > 0)).collect();
        assert!(values.is_sorted());
        sums.put(&values.iter().sum()).unwrap();
    };
    let children = [(); 3].map(|()| spawn(add_up, (queue.clone(), sums.clone())).unwrap());
    (1..=300).for_each(|value| queue.put(&value).unwrap());
    (0..3).for_each(|_| queue.put(&0).unwrap());
    let total: u32 = (0..3).map(|_| sums.get().unwrap()).sum();
    assert_eq!(total, 300 * 301 / 2);
    children.into_iter().for_each(|child| child.join().unwrap());
    assert_eq!(queue.try_get().unwrap(), None);
    assert_eq!(queue.get_timeout(SOON).unwrap(), None);
}

#[mp_process::test]
fn those_who_wait_in_a_queue_delay_nobody() {
    let _watchdog = watchdog();
    let manager = Manager::start().unwrap();
    let queue = manager.queue::<u32>(0).unwrap();
    let other = manager.queue::<u32>(0).unwrap();
    std::thread::scope(|scope| {
        let waiting: Vec<_> = (0..8).map(|_| scope.spawn(|| queue.get().unwrap())).collect();
        other.put(&1).unwrap();
        assert_eq!(other.get().unwrap(), 1);
        (0..8).for_each(|n| queue.put(&n).unwrap());
        let mut got: Vec<_> = waiting.into_iter().map(|thread| thread.join().unwrap()).collect();
        got.sort_unstable();
        assert_eq!(got, (0..8).collect::<Vec<_>>());
    });
}

fn take_one(queue: JoinableQueueProxy<u32>, taken: EventProxy) {
    queue.get().unwrap();
    taken.set().unwrap();
    std::thread::park();
}

#[mp_process::test]
fn what_a_killed_client_had_taken_keeps_nobody_waiting() {
    let _watchdog = watchdog();
    let manager = Manager::start().unwrap();
    let (queue, taken) = (manager.joinable_queue(0).unwrap(), manager.event().unwrap());
    queue.put(&1).unwrap();
    queue.put(&2).unwrap();
    let victim = spawn(take_one, (queue.clone(), taken.clone())).unwrap();
    taken.wait().unwrap();
    assert_eq!(queue.get().unwrap(), 2);
    queue.task_done().unwrap();
    assert!(matches!(queue.task_done(), Err(ManagerError::Misuse { .. })));
    assert!(!queue.join_timeout(SOON).unwrap());
    kill(victim);
    queue.join().unwrap();
}

fn wait_for_turn(condition: ConditionProxy, turns: DictProxy<(), u32>, mine: u32) {
    let mut guard = condition.lock().unwrap();
    while turns.get(&()).unwrap() != Some(mine) {
        guard.wait().unwrap();
    }
    turns.set(&(), &(mine + 1)).unwrap();
    condition.notify_all().unwrap();
}

#[mp_process::test]
fn a_condition_wakes_those_who_wait() {
    let _watchdog = watchdog();
    let manager = Manager::start().unwrap();
    let (condition, turns) = (manager.condition().unwrap(), manager.dict().unwrap());
    let start = |n| spawn(wait_for_turn, (condition.clone(), turns.clone(), n)).unwrap();
    let children = [3, 2, 1, 0].map(start);
    let mut guard = condition.lock().unwrap();
    assert!(!guard.wait_timeout(SOON).unwrap());
    turns.set(&(), &0).unwrap();
    condition.notify_all().unwrap();
    drop(guard);
    children.into_iter().for_each(|child| child.join().unwrap());
    assert_eq!(turns.get(&()).unwrap(), Some(4));
}

fn sleep_on(condition: ConditionProxy, asleep: EventProxy) {
    let mut guard = condition.lock().unwrap();
    asleep.set().unwrap();
    guard.wait().unwrap();
}

#[mp_process::test]
fn the_death_of_one_who_sleeps_loses_no_notification() {
    let _watchdog = watchdog();
    let manager = Manager::start().unwrap();
    let condition = manager.condition().unwrap();
    let start = || {
        let asleep = manager.event().unwrap();
        let child = spawn(sleep_on, (condition.clone(), asleep.clone())).unwrap();
        asleep.wait().unwrap();
        child
    };
    let (victim, other) = (start(), start());
    {
        let guard = condition.lock().unwrap();
        // Notified, it stands in line for the lock, and dies there.
        condition.notify_one().unwrap();
        kill(victim);
        drop(guard);
    }
    other.join().unwrap();
}

#[mp_process::test]
fn a_barrier_breaks_when_one_who_waits_dies() {
    let _watchdog = watchdog();
    let manager = Manager::start().unwrap();
    let barrier = manager.barrier(3).unwrap();
    let wait = |barrier: BarrierProxy| {
        barrier.wait().unwrap();
    };
    let victim = spawn(wait, (barrier.clone(),)).unwrap();
    while barrier.waiting().unwrap() < 1 {
        std::thread::yield_now();
    }
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| barrier.wait().unwrap());
        while barrier.waiting().unwrap() < 2 {
            std::thread::yield_now();
        }
        kill(victim);
        assert_eq!(waiting.join().unwrap(), None);
    });
    assert!(barrier.is_broken().unwrap());
    barrier.reset().unwrap();
    assert_eq!(barrier.wait_timeout(SOON).unwrap(), None);
}

fn do_all(lock: LockProxy, queue: QueueProxy<u32>, sums: DictProxy<u32, u64>, number: u32) {
    for n in 0..u64::MAX {
        let guard = lock.lock().unwrap();
        queue.put(&number).unwrap();
        queue.get().unwrap();
        drop(guard);
        sums.upsert_with(&number, &0, |sum: &mut u64| *sum += 1, ()).unwrap();
        sums.set(&(number + 1000), &(n + 1)).unwrap();
    }
}

#[mp_process::test]
fn many_clients_killed_at_random_leave_exact_sums_and_free_locks() {
    let _watchdog = watchdog();
    let manager = Manager::start().unwrap();
    let (lock, queue) = (manager.lock().unwrap(), manager.queue(0).unwrap());
    let sums = manager.dict::<u32, u64>().unwrap();
    let mut random = Random::new(11);
    let start = |n| spawn(do_all, (lock.clone(), queue.clone(), sums.clone(), n)).unwrap();
    let mut clients: Vec<Process<()>> = (0..16).map(start).collect();
    sums.wait_for(&1003).unwrap();
    while !clients.is_empty() {
        let place = random.below(clients.len() as u32) as usize;
        kill(clients.swap_remove(place));
        drop(lock.lock().unwrap());
    }
    for number in 0..16 {
        let sum = sums.get(&number).unwrap().unwrap_or(0);
        let told = sums.get(&(number + 1000)).unwrap().unwrap_or(0);
        assert!(sum == told || sum == told + 1, "{number}: {sum} done, {told} acknowledged");
    }
    while manager.objects().unwrap().len() > 3 {
        std::thread::yield_now();
    }
}
