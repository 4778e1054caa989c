//! Clients are killed, the server is killed, functions never return: nobody else hangs, nothing
//! is left behind.

mod common {
    pub(crate) mod random;
    pub(crate) mod watchdog;
}

use std::time::{Duration, Instant};

use common::random::Random;
use common::watchdog::watchdog;
use mp_manager::{DictProxy, ListProxy, Manager, ManagerError, Proxy};
use mp_process::{Process, spawn};

/// How many clients a test kills: `MP_DEATHS`, or a few.
fn deaths() -> u32 {
    std::env::var("MP_DEATHS").ok().and_then(|deaths| deaths.parse().ok()).unwrap_or(20)
}

fn a_moment(random: &mut Random) {
    let end = Instant::now() + Duration::from_micros(random.below(5000).into());
    while Instant::now() < end {
        std::hint::spin_loop();
    }
}

fn wait_until(mut is_so: impl FnMut() -> bool) {
    while !is_so() {
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Adds one to the sum, and only then to what it was told of.
fn count_for_ever(sums: DictProxy<u32, u64>, told: DictProxy<u32, u64>, number: u32) {
    let add_one = |sum: &mut u64| *sum += 1;
    for n in 1.. {
        sums.upsert_with(&number, &0, add_one, ()).unwrap();
        told.set(&number, &n).unwrap();
    }
}

#[mp_process::test]
fn acknowledged_updates_of_killed_clients_are_there() {
    let _watchdog = watchdog();
    let manager = Manager::start().unwrap();
    let (sums, told) = (manager.dict().unwrap(), manager.dict().unwrap());
    let mut random = Random::new(7);
    for number in 0..deaths() {
        let client = spawn(count_for_ever, (sums.clone(), told.clone(), number)).unwrap();
        sums.wait_for(&number).unwrap();
        a_moment(&mut random);
        client.kill().unwrap();
        client.wait();
        // Its last requests may still be served.
        let both = || (sums.get(&number).unwrap(), told.get(&number).unwrap().unwrap_or(0));
        wait_until(|| matches!(both(), (Some(sum), told) if sum == told || sum == told + 1));
    }
}

fn make_for_ever(manager: Manager, list: ListProxy<DictProxy<u32, u32>>) {
    loop {
        let dict = manager.dict().unwrap();
        dict.set(&1, &1).unwrap();
        list.push(&dict).unwrap();
        let taken = list.pop().unwrap().unwrap();
        assert_eq!(taken.get(&1).unwrap(), Some(1));
        spawn(drop::<DictProxy<u32, u32>>, (taken,)).unwrap().join().unwrap();
    }
}

#[mp_process::test]
fn killed_clients_leave_no_objects() {
    let _watchdog = watchdog();
    let manager = Manager::start().unwrap();
    let list = manager.list().unwrap();
    let mut random = Random::new(3);
    for _ in 0..deaths() {
        let client = spawn(make_for_ever, (manager.clone(), list.clone())).unwrap();
        a_moment(&mut random);
        a_moment(&mut random);
        client.kill().unwrap();
        client.wait();
    }
    list.clear().unwrap();
    wait_until(|| manager.objects().unwrap().len() == 1);
}

fn kill_server(manager: &Manager) {
    let pid = rustix::process::Pid::from_raw(manager.pid() as i32).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
}

#[mp_process::test]
fn the_death_of_the_server_is_told_at_once() {
    let _watchdog = watchdog();
    let manager = Manager::start().unwrap();
    let dict = manager.dict::<u32, u32>().unwrap();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| dict.wait_for(&1));
        let also = scope.spawn(|| dict.wait_for_timeout(&2, Duration::from_secs(3600)));
        dict.set(&3, &3).unwrap();
        kill_server(&manager);
        assert!(waiting.join().unwrap().unwrap_err().is_server_lost());
        assert!(also.join().unwrap().unwrap_err().is_server_lost());
    });
    let error = dict.get(&3).unwrap_err();
    assert_eq!(error.to_string(), format!("the manager server with pid {} is gone", manager.pid()));
    assert!(manager.list::<u8>().unwrap_err().is_server_lost());
}

#[mp_process::test]
fn a_proxy_of_a_dead_server_does_not_arrive() {
    let _watchdog = watchdog();
    let manager = Manager::start().unwrap();
    let parcel = mp_handle::Parcel::encode(&manager.list::<u8>().unwrap()).unwrap();
    manager.shutdown();
    let error = parcel.decode::<ListProxy<u8>>().unwrap_err();
    assert!(error.to_string().ends_with("is gone"), "{error}");
}

#[mp_process::test]
fn whoever_ends_the_server_waits_for_its_end() {
    let _watchdog = watchdog();
    for _ in 0..20 {
        let manager = Manager::start().unwrap();
        let list = manager.list::<u8>().unwrap();
        spawn(Manager::shutdown, (manager.clone(),)).unwrap().join().unwrap();
        assert!(list.push(&1).unwrap_err().is_server_lost());
    }
}

fn sleep_there(stuck: Proxy<u32>) {
    stuck.call(|_: &mut u32| std::thread::sleep(Duration::from_secs(3600)), ()).unwrap();
}

#[mp_process::test]
fn a_function_that_never_returns_keeps_others_from_nothing() {
    let _watchdog = watchdog();
    let manager = Manager::start().unwrap();
    let dict = manager.dict::<u32, u32>().unwrap();
    for _ in 0..3 {
        let stuck = manager.create(|| 0_u32, ()).unwrap();
        let victim: Process<()> = spawn(sleep_there, (stuck.clone(),)).unwrap();
        let is_busy = |object: &mp_manager::ObjectInfo| object.kind == "busy";
        wait_until(|| manager.objects().unwrap().iter().any(is_busy));
        dict.set(&1, &2).unwrap();
        assert_eq!(dict.get(&1).unwrap(), Some(2));
        victim.kill().unwrap();
        victim.wait();
    }
}

#[mp_process::test]
fn those_who_wait_for_a_busy_object_get_their_turn() {
    let _watchdog = watchdog();
    let manager = Manager::start().unwrap();
    let slow = manager.create(|| 0_u32, ()).unwrap();
    let add = |n: &mut u32, ms: u64| {
        std::thread::sleep(Duration::from_millis(ms));
        *n += 1;
        *n
    };
    let mut results: Vec<u32> = std::thread::scope(|scope| {
        let start = |_| scope.spawn(|| slow.call(add, (30,)).unwrap());
        let calls: Vec<_> = (0..5).map(start).collect();
        calls.into_iter().map(|call| call.join().unwrap()).collect()
    });
    results.sort_unstable();
    assert_eq!(results, [1, 2, 3, 4, 5]);
}

#[mp_process::test]
fn an_initializer_that_panics_is_an_error() {
    let _watchdog = watchdog();
    let failed = Manager::builder().initializer(|n: u32| assert!(n > 3, "{n} is few"), (3,));
    let error = failed.start().unwrap_err();
    assert!(matches!(error, ManagerError::NotStarted { .. }), "{error}");
    assert!(error.to_string().contains("3 is few"), "{error}");
}

#[mp_process::test]
fn whoever_knocks_first_need_not_enter_first() {
    let _watchdog = watchdog();
    let manager = Manager::start().unwrap();
    let list = manager.list::<u32>().unwrap();
    for _ in 0..5 {
        let push = |list: ListProxy<u32>| list.push(&1).unwrap();
        let children: Vec<_> = (0..8).map(|_| spawn(push, (list.clone(),)).unwrap()).collect();
        children.into_iter().for_each(|child| child.join().unwrap());
    }
    assert_eq!(list.len().unwrap(), 40);
}
