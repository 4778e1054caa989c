//! A pool that a manager serves: several clients share its workers, and nobody hangs.

mod common {
    pub(crate) mod watchdog;
}

use std::fs;
use std::path::PathBuf;
use std::process;
use std::time::Duration;

use common::watchdog::watchdog;
use mp_manager::{Manager, ManagerError, PoolProxy};
use mp_pool::{Calls, TaskErrorKind};
use mp_process::spawn;

fn double(n: u32) -> u32 {
    n * 2
}

fn wait_until(mut is_so: impl FnMut() -> bool) {
    while !is_so() {
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[mp_process::test]
fn its_workers_are_the_servers() {
    let _watchdog = watchdog();
    let manager = Manager::start().unwrap();
    let pool = manager.pool(2).unwrap();
    let parent = || std::os::unix::process::parent_id();
    assert_eq!(pool.apply(parent, ()).unwrap(), manager.pid());
    assert_eq!(pool.map(double, 0..1000).unwrap(), (0..1000).map(double).collect::<Vec<_>>());
    assert_eq!(pool.starmap(|a: u32, b: u32| a - b, [(3, 1), (5, 2)]).unwrap(), [2, 3]);
    assert_eq!(pool.imap(double, 0..5).map(Result::unwrap).sum::<u32>(), 20);
    assert_eq!(pool.submit(double, (21,)).result().unwrap(), 42);
    let shared = pool.task(|table: &Vec<u32>, n: usize| table[n]).with(&vec![7, 8]).map([1, 0]);
    assert_eq!(shared.unwrap(), [8, 7]);
}

fn map_many(pool: PoolProxy) -> Vec<u32> {
    pool.map(double, 0..500).unwrap()
}

#[mp_process::test]
fn several_clients_share_it() {
    let _watchdog = watchdog();
    let manager = Manager::start().unwrap();
    let pool = manager.pool(2).unwrap();
    let clients = [(); 3].map(|()| spawn(map_many, (pool.clone(),)).unwrap());
    let mine = map_many(pool);
    clients.into_iter().for_each(|client| assert_eq!(client.join().unwrap(), mine));
}

fn fragile(n: u32) -> u32 {
    match n {
        3 => process::abort(),
        5 => panic!("five"),
        n => n,
    }
}

#[mp_process::test]
fn the_death_of_a_worker_is_the_error_of_its_item() {
    let _watchdog = watchdog();
    let manager = Manager::start().unwrap();
    let pool = manager.pool(2).unwrap();
    for (n, result) in (0..8).zip(pool.try_map(fragile, 0..8)) {
        match n {
            3 => {
                let error = result.unwrap_err();
                assert!(matches!(error.kind, TaskErrorKind::WorkerLost { .. }), "{error}");
                assert_eq!(error.index(), Some(3));
            }
            5 => assert!(matches!(result.unwrap_err().kind, TaskErrorKind::Panicked(_))),
            n => assert_eq!(result.unwrap(), n),
        }
    }
}

fn sleep(_: u32) {
    std::thread::sleep(Duration::from_secs(3600));
}

#[mp_process::test]
fn a_long_task_delays_no_other_object_and_ends_with_its_server() {
    let _watchdog = watchdog();
    let manager = Manager::start().unwrap();
    let pool = manager.pool(1).unwrap();
    let dict = manager.dict::<u32, u32>().unwrap();
    std::thread::scope(|scope| {
        let long = scope.spawn(|| pool.apply(sleep, (1,)));
        dict.set(&1, &2).unwrap();
        assert_eq!(dict.get(&1).unwrap(), Some(2));
        let pid = rustix::process::Pid::from_raw(manager.pid() as i32).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
        let error = long.join().unwrap().unwrap_err();
        assert!(error.to_string().contains("is gone"), "{error}");
    });
}

/// Leaves a file of this number, and ends when there is one with the name "go".
fn leave(directory: PathBuf, n: u32) {
    fs::write(directory.join(n.to_string()), "").unwrap();
    wait_until(|| directory.join("go").exists());
}

fn want_many(manager: Manager, pool: PoolProxy, directory: PathBuf) {
    // It is there as long as the server knows of this client.
    let _mark = manager.list::<u8>().unwrap();
    let items = (0..120).map(|n| (directory.clone(), n));
    pool.task(leave).chunk_size(60).starmap(items).unwrap();
}

#[mp_process::test]
fn what_a_killed_client_wanted_is_not_begun() {
    let _watchdog = watchdog();
    let directory = std::env::temp_dir().join(format!("mp-manager-pool-{}", process::id()));
    let _ = fs::remove_dir_all(&directory);
    fs::create_dir(&directory).unwrap();
    let left = || fs::read_dir(&directory).unwrap().count();
    let manager = Manager::start().unwrap();
    let pool = manager.pool(1).unwrap();
    let client = spawn(want_many, (manager.clone(), pool.clone(), directory.clone())).unwrap();
    wait_until(|| left() > 0);
    client.kill().unwrap();
    client.wait();
    wait_until(|| manager.objects().unwrap().len() == 1);
    // The pool takes what it is told in turn: this is refused, and so it knows of the end as well.
    assert!(matches!(pool.join(), Err(ManagerError::Misuse { .. })));
    fs::write(directory.join("go"), "").unwrap();
    // The pool is everybody's again.
    assert_eq!(pool.apply(double, (4,)).unwrap(), 8);
    assert!(left() <= 61, "what had not begun was done for nobody");
    fs::remove_dir_all(&directory).unwrap();
}

#[mp_process::test]
fn it_is_closed_for_all_and_joined() {
    let _watchdog = watchdog();
    let manager = Manager::start().unwrap();
    let pool = manager.pool(1).unwrap();
    assert!(matches!(pool.join(), Err(ManagerError::Misuse { .. })));
    pool.close().unwrap();
    assert_eq!(pool.apply(double, (5,)).unwrap_err().kind, TaskErrorKind::PoolClosed);
    pool.join().unwrap();
    assert!(pool.join_timeout(Duration::from_secs(60)).unwrap());
    drop(pool);
    wait_until(|| manager.objects().unwrap().is_empty());
}

#[mp_process::test]
fn a_pool_without_workers_is_an_error() {
    let _watchdog = watchdog();
    let manager = Manager::start().unwrap();
    let error = manager.pool(0).unwrap_err();
    assert!(matches!(error, ManagerError::Misuse { .. }), "{error}");
    assert!(manager.objects().unwrap().is_empty());
}

#[mp_process::test]
fn a_handle_does_not_go_by_way_of_the_server() {
    let _watchdog = watchdog();
    let manager = Manager::start().unwrap();
    let pool = manager.pool(1).unwrap();
    let dict = manager.dict::<u32, u32>().unwrap();
    let touch = |dict: mp_manager::DictProxy<u32, u32>| dict.set(&1, &1).is_ok();
    let error = pool.apply(touch, (dict,)).unwrap_err();
    assert!(matches!(error.kind, TaskErrorKind::Unsupported { .. }), "{error}");
}
