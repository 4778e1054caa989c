//! Many clients at once, of whom some are killed at random while they hold locks and permits, wait
//! in queues and at a condition, and update counters: the rest works on, nothing is lost, and the
//! server is as before when all are gone.
//!
//! The long form has 64 clients: `MP_CLIENTS=64 MP_ROUNDS=200 cargo test -p mp-manager --test chaos`.

mod common {
    pub(crate) mod random;
    pub(crate) mod watchdog;
}

use std::fs;
use std::time::Duration;

use common::random::Random;
use common::watchdog::watchdog;
use mp_manager::{
    ConditionProxy, DictProxy, LockProxy, Manager, QueueProxy, SemaphoreProxy, Transaction,
};
use mp_process::{Process, spawn};
use serde::{Deserialize, Serialize};

fn number_from(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|number| number.parse().ok()).unwrap_or(default)
}

/// What all clients share.
#[derive(Clone, Serialize, Deserialize)]
struct World {
    lock: LockProxy,
    permits: SemaphoreProxy,
    condition: ConditionProxy,
    queue: QueueProxy<u32>,
    sums: DictProxy<u32, u64>,
    /// What each client knows to be done.
    told: DictProxy<u32, u64>,
}

const PERMITS: u64 = 3;

/// The key of the sum of all clients.
const TOTAL: u32 = u32::MAX;

impl World {
    fn new(manager: &Manager) -> World {
        World {
            lock: manager.lock().unwrap(),
            permits: manager.bounded_semaphore(PERMITS).unwrap(),
            condition: manager.condition().unwrap(),
            queue: manager.queue(0).unwrap(),
            sums: manager.dict().unwrap(),
            told: manager.dict().unwrap(),
        }
    }
}

/// Adds one to the sum of a client, and to that of all.
fn count(sums: &mut Transaction<u32, u64>, number: u32) {
    for key in [number, TOTAL] {
        let sum = sums.get(&key).unwrap_or(0);
        sums.set(&key, &(sum + 1));
    }
}

fn work(world: World, number: u32, rounds: u64) {
    for round in 1..=rounds {
        let guard = world.lock.lock().unwrap();
        let permit = world.permits.acquire().unwrap();
        world.queue.put(&number).unwrap();
        drop(guard);
        // Whoever's it is: there is one for each who waits.
        world.queue.get().unwrap();
        drop(permit);
        let mut asleep = world.condition.lock().unwrap();
        world.condition.notify_one().unwrap();
        asleep.wait_timeout(Duration::from_micros(200)).unwrap();
        drop(asleep);
        world.sums.transaction(count, (number,)).unwrap();
        world.told.set(&number, &round).unwrap();
    }
}

/// Has so many clients work, and every tenth of them killed; returns the numbers of the killed.
fn run(world: &World, clients: u64, rounds: u64, random: &mut Random) -> Vec<u32> {
    let start = |number| spawn(work, (world.clone(), number, rounds)).unwrap();
    let mut working: Vec<(u32, Process<()>)> =
        (0..clients as u32).map(|number| (number, start(number))).collect();
    let mut killed = Vec::new();
    for _ in 0..clients.div_ceil(10) {
        let place = random.below(working.len() as u32) as usize;
        let (number, victim) = working.swap_remove(place);
        // It is in the middle of something, or just at its start.
        world
            .told
            .wait_for_timeout(&number, Duration::from_millis(random.below(40).into()))
            .unwrap();
        victim.kill().unwrap();
        victim.wait();
        killed.push(number);
    }
    working.into_iter().for_each(|(_, client)| client.join().unwrap());
    killed
}

/// A figure of the server process, in bytes or pieces.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Usage {
    memory: u64,
    descriptors: usize,
    objects: usize,
}

fn usage(manager: &Manager) -> Usage {
    let status = fs::read_to_string(format!("/proc/{}/status", manager.pid())).unwrap();
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    let kib: u64 = resident.trim().trim_end_matches(" kB").parse().unwrap();
    let descriptors = fs::read_dir(format!("/proc/{}/fd", manager.pid())).unwrap().count();
    Usage { memory: kib << 10, descriptors, objects: manager.objects().unwrap().len() }
}

/// Waits until the server has buried the dead.
fn wait_for_rest(manager: &Manager, before: Usage) -> Usage {
    loop {
        let now = usage(manager);
        if now.descriptors <= before.descriptors && now.objects <= before.objects {
            return now;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[mp_process::test]
fn killed_clients_cost_the_others_nothing_and_leave_nothing() {
    let _watchdog = watchdog();
    let (clients, rounds) = (number_from("MP_CLIENTS", 20), number_from("MP_ROUNDS", 60));
    let manager = Manager::start().unwrap();
    let mut random = Random::new(number_from("MP_SEED", 5));
    let world = World::new(&manager);
    let start = usage(&manager);
    let mut settled = None;
    for _ in 0..3 {
        world.sums.clear().unwrap();
        world.told.clear().unwrap();
        let killed = run(&world, clients, rounds, &mut random);
        check_sums(&world, clients as u32, rounds, &killed);
        let after = wait_for_rest(&manager, start);
        check_locks(&world);
        // The first time the server's own tables and stacks grow; then never again.
        let most = *settled.get_or_insert(after.memory + (2 << 20));
        assert!(after.memory <= most, "from {start:?} to {after:?}");
    }
}

fn check_sums(world: &World, clients: u32, rounds: u64, killed: &[u32]) {
    let sum_of = |number: &u32| world.sums.get(number).unwrap().unwrap_or(0);
    let mut total = 0;
    for number in 0..clients {
        let told = world.told.get(&number).unwrap().unwrap_or(0);
        let sum = sum_of(&number);
        let is_killed = killed.contains(&number);
        let may_be_ahead = u64::from(is_killed);
        assert!((told..=told + may_be_ahead).contains(&sum), "{number}: {sum} done, {told} told");
        assert!(is_killed || sum == rounds, "{number}: {sum} of {rounds}");
        total += sum;
    }
    assert_eq!(sum_of(&TOTAL), total);
}

/// All that the dead had is free, and who asks now gets it.
fn check_locks(world: &World) {
    drop(world.lock.lock().unwrap());
    assert!(!world.lock.is_locked().unwrap());
    drop(world.condition.lock().unwrap());
    let permits: Vec<_> = (0..PERMITS).map(|_| world.permits.acquire().unwrap()).collect();
    drop(permits);
    assert_eq!(world.permits.available().unwrap(), PERMITS);
    world.queue.clear().unwrap();
    assert_eq!(world.queue.try_get().unwrap(), None);
}
