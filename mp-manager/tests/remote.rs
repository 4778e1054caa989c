//! Programs that reach a server by its address: what they can do, and what becomes of them when it
//! dies. Here another program is a child that is given nothing but address and key.

mod common {
    pub(crate) mod watchdog;
}

use std::net::SocketAddr;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use common::watchdog::watchdog;
use mp_manager::{
    Address, AuthKey, DictProxy, EventProxy, ListProxy, LockProxy, Manager, ManagerError,
    QueueProxy,
};
use mp_process::spawn;

const KEY: &str = "a long secret";

fn loopback() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

/// A server that other programs reach, and where.
fn reachable() -> (Manager, Address) {
    let manager = Manager::builder().address(loopback()).key(KEY).start().unwrap();
    let address = manager.address().unwrap().unwrap();
    (manager, address)
}

fn remote(address: &Address) -> Manager {
    Manager::connect(address, KEY).unwrap()
}

fn wait_until(mut is_so: impl FnMut() -> bool) {
    while !is_so() {
        thread::sleep(Duration::from_millis(1));
    }
}

#[mp_process::test]
fn all_objects_work_from_another_program() {
    let _watchdog = watchdog();
    let (manager, address) = reachable();
    fn use_all(address: Address) {
        let manager = remote(&address);
        let dict = manager.dict::<String, Vec<u32>>().unwrap();
        dict.set("a", &vec![1, 2]).unwrap();
        assert_eq!(dict.get("a").unwrap(), Some(vec![1, 2]));
        let list = manager.list::<u32>().unwrap();
        list.extend(0..1000).unwrap();
        assert_eq!(list.iter().map(Result::unwrap).sum::<u32>(), 499_500);
        let queue = manager.queue::<String>(0).unwrap();
        queue.put(&"x".repeat(1 << 20)).unwrap();
        assert_eq!(queue.get().unwrap().len(), 1 << 20);
        drop(manager.lock().unwrap().lock().unwrap());
        manager.event().unwrap().set().unwrap();
        assert!(!manager.set::<u8>().unwrap().contains(&1).unwrap());
        assert_eq!(manager.value(&1.5).unwrap().get().unwrap(), 1.5);
        assert_eq!(manager.array([1, 2, 3]).unwrap().snapshot().unwrap(), [1, 2, 3]);
    }
    spawn(use_all, (address,)).unwrap().join().unwrap();
    // What it had is given back, if not at once.
    wait_until(|| manager.objects().unwrap().is_empty());
}

#[mp_process::test]
fn published_objects_are_found() {
    let _watchdog = watchdog();
    let (manager, address) = reachable();
    let ages: DictProxy<String, u8> = manager.dict().unwrap();
    manager.publish("ages", &ages).unwrap();
    spawn(
        |address: Address| {
            let manager = remote(&address);
            assert_eq!(manager.published().unwrap(), ["ages"]);
            let ages: DictProxy<String, u8> = manager.find("ages").unwrap();
            ages.set("Ann", &30).unwrap();
            manager.publish("mine", &manager.list::<u8>().unwrap()).unwrap();
        },
        (address,),
    )
    .unwrap()
    .join()
    .unwrap();
    assert_eq!(ages.get("Ann").unwrap(), Some(30));
    // What is published outlives its publisher.
    assert_eq!(manager.find::<ListProxy<u8>>("mine").unwrap().len().unwrap(), 0);
    manager.unpublish("mine").unwrap();
    assert!(matches!(manager.unpublish("mine"), Err(ManagerError::NotPublished { .. })));
    wait_until(|| manager.objects().unwrap().len() == 1);
}

#[mp_process::test]
fn a_name_stands_for_one_object_of_one_type() {
    let manager = Manager::start().unwrap();
    let list: ListProxy<u8> = manager.list().unwrap();
    manager.publish("list", &list).unwrap();
    manager.publish("list", &list).unwrap();
    let other = manager.publish("list", &manager.list::<u8>().unwrap());
    assert!(matches!(other, Err(ManagerError::AlreadyPublished { .. })));
    let wrong = manager.find::<ListProxy<u16>>("list");
    let ManagerError::WrongType { reason, .. } = wrong.unwrap_err() else { panic!() };
    assert_eq!(reason, "\"list\" is a ListProxy<u8>, not a ListProxy<u16>");
    assert!(matches!(manager.find::<QueueProxy<u8>>("list"), Err(ManagerError::WrongType { .. })));
    assert!(list.is_same(&manager.find("list").unwrap()));
    let elsewhere = Manager::start().unwrap();
    let foreign = elsewhere.publish("list", &list);
    assert!(matches!(foreign, Err(ManagerError::Misuse { .. })));
    assert!(elsewhere.published().unwrap().is_empty());
}

/// The proxy comes with all that it takes to use it.
#[mp_process::test]
fn a_proxy_that_travels_needs_no_ambient_key() {
    let _watchdog = watchdog();
    let (_manager, address) = reachable();
    fn first(address: Address) -> ListProxy<u32> {
        let manager = remote(&address);
        let list: ListProxy<u32> = manager.list().unwrap();
        let push = |list: ListProxy<u32>, n: u32| list.push(&n).unwrap();
        spawn(push, (list.clone(), 1)).unwrap().join().unwrap();
        // One that outlives all of its proxies in this process, on its way back.
        list
    }
    let list = spawn(first, (address.clone(),)).unwrap().join().unwrap();
    assert_eq!(list.snapshot().unwrap(), [1]);
    let make = |manager: Manager| manager.list::<u32>().unwrap();
    let made = spawn(make, (remote(&address),)).unwrap().join().unwrap();
    assert_eq!(made.len().unwrap(), 0);
}

#[mp_process::test]
fn proxies_inside_remote_objects_are_shared() {
    let _watchdog = watchdog();
    let (manager, address) = reachable();
    let outer: DictProxy<String, ListProxy<u8>> = manager.dict().unwrap();
    manager.publish("outer", &outer).unwrap();
    let there = remote(&address);
    let same: DictProxy<String, ListProxy<u8>> = there.find("outer").unwrap();
    let inner = there.list().unwrap();
    same.set("inner", &inner).unwrap();
    outer.get("inner").unwrap().unwrap().push(&7).unwrap();
    assert_eq!(inner.snapshot().unwrap(), [7]);
    drop(inner);
    assert_eq!(same.get("inner").unwrap().unwrap().snapshot().unwrap(), [7]);
}

#[mp_process::test]
fn the_key_goes_to_no_server() {
    let (_manager, address) = reachable();
    let there = remote(&address);
    let dict: DictProxy<u8, Manager> = there.dict().unwrap();
    let kept = dict.set(&1, &there);
    assert!(matches!(kept, Err(ManagerError::Encode(_))), "{kept:?}");
}

#[mp_process::test]
fn threads_share_one_connection() {
    let _watchdog = watchdog();
    let (_manager, address) = reachable();
    let queue: QueueProxy<u32> = remote(&address).queue(0).unwrap();
    thread::scope(|scope| {
        let getters: Vec<_> = (0..4).map(|_| scope.spawn(|| queue.get().unwrap())).collect();
        for n in 0..4 {
            remote(&address).list::<u8>().unwrap().push(&1).unwrap();
            queue.put(&n).unwrap();
        }
        let sum: u32 = getters.into_iter().map(|getter| getter.join().unwrap()).sum();
        assert_eq!(sum, 6);
    });
}

#[mp_process::test]
fn a_killed_client_gives_all_back() {
    let _watchdog = watchdog();
    let (manager, address) = reachable();
    let (lock, locked) = (manager.lock().unwrap(), manager.event().unwrap());
    manager.publish("lock", &lock).unwrap();
    manager.publish("locked", &locked).unwrap();
    let hold = |address: Address| {
        let manager = remote(&address);
        let _list = manager.list::<u8>().unwrap();
        let lock: LockProxy = manager.find("lock").unwrap();
        let guard = lock.lock();
        manager.find::<EventProxy>("locked").unwrap().set().unwrap();
        drop((thread::park(), guard));
    };
    let client = spawn(hold, (address,)).unwrap();
    locked.wait().unwrap();
    assert!(lock.try_lock().unwrap().is_none());
    client.kill().unwrap();
    drop(lock.lock());
    wait_until(|| manager.objects().unwrap().len() == 2);
}

#[mp_process::test]
fn pending_and_later_calls_say_that_the_server_died() {
    let _watchdog = watchdog();
    let (manager, address) = reachable();
    let there = remote(&address);
    let queue: QueueProxy<u8> = there.queue(0).unwrap();
    let list = there.list::<u8>().unwrap();
    let pid = rustix::process::Pid::from_raw(manager.pid() as i32).unwrap();
    let pending = thread::spawn(move || queue.get().unwrap_err());
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    let pending = pending.join().unwrap();
    assert_eq!(pending.to_string(), format!("the manager server at {address} is gone"));
    assert!(pending.is_server_lost());
    assert!(list.push(&1).unwrap_err().is_server_lost());
    assert!(there.join_timeout(Duration::ZERO).unwrap());
    assert!(Manager::connect(&address, KEY).is_err());
}

#[mp_process::test]
fn a_stand_alone_server_ends_when_it_is_told_to() {
    let _watchdog = watchdog();
    let server = Manager::builder().key(KEY).server().unwrap();
    let address = server.address().unwrap().clone();
    let program = thread::spawn(move || server.serve_forever());
    let there = remote(&address);
    let list = there.list::<u8>().unwrap();
    assert!(!there.join_timeout(Duration::from_millis(1)).unwrap());
    there.shutdown();
    program.join().unwrap().unwrap();
    assert!(list.len().unwrap_err().is_server_lost());
}

#[mp_process::test]
fn who_sees_the_end_of_a_server_finds_its_address_free() {
    let _watchdog = watchdog();
    let mut address = Address::from(loopback());
    for _ in 0..10 {
        let server = Manager::builder().address(address).key(KEY).server().unwrap();
        address = server.address().unwrap().clone();
        let program = thread::spawn(move || server.serve_forever());
        remote(&address).shutdown();
        assert!(Manager::connect(&address, KEY).is_err());
        let next = Manager::builder().address(address.clone()).key(KEY).server();
        assert!(next.is_ok(), "{next:?}");
        drop(next);
        program.join().unwrap().unwrap();
    }
}

/// A path of which nothing is left in the end.
fn private() -> PathBuf {
    match Address::private().unwrap() {
        Address::Unix(path) => path,
        other => panic!("{other}"),
    }
}

#[mp_process::test]
fn a_path_needs_no_key_and_nothing_is_left_of_it() {
    let _watchdog = watchdog();
    let path = private();
    let manager = Manager::builder().address(path.clone()).start().unwrap();
    assert!(path.exists());
    let there = Manager::connector(path.clone()).connect().unwrap();
    there.list::<u8>().unwrap().push(&1).unwrap();
    // Who thinks that there is a key is wrong as well.
    let other = Manager::connect(path.clone(), KEY);
    assert!(matches!(other, Err(ManagerError::NotAdmitted { .. })), "{other:?}");
    manager.shutdown();
    assert!(!path.exists() && !path.parent().unwrap().exists());
}

#[mp_process::test]
fn an_internet_address_needs_a_key() {
    for key in ["", KEY] {
        let manager = Manager::builder().address(loopback()).key(key).start();
        assert_eq!(manager.is_ok(), !key.is_empty());
    }
    assert!(Manager::builder().address(loopback()).start().is_err());
    assert!(Manager::connect(Address::from(loopback()), "").is_err());
}

#[mp_process::test]
fn an_address_that_is_taken_is_an_error_at_the_start() {
    let (_manager, address) = reachable();
    let second = Manager::builder().address(address).key(KEY).start();
    assert!(matches!(second, Err(ManagerError::NotStarted { .. })), "{second:?}");
}

#[mp_process::test]
fn a_key_alone_means_the_loopback_interface() {
    let key = AuthKey::random().unwrap();
    let manager = Manager::builder().key(key.clone()).start().unwrap();
    let Some(Address::Tcp(address)) = manager.address().unwrap() else { panic!() };
    assert!(address.ip().is_loopback());
    assert!(Manager::connect(address, key).unwrap().objects().unwrap().is_empty());
    assert_eq!(Manager::start().unwrap().address().unwrap(), None);
}

/// Who finds another server where the one of its proxy was is not fooled.
#[mp_process::test]
fn a_proxy_is_not_one_of_the_next_server_at_the_same_address() {
    let _watchdog = watchdog();
    let (manager, address) = reachable();
    let list = remote(&address).list::<u8>().unwrap();
    manager.shutdown();
    let next = Manager::builder().address(address.clone()).key(KEY).start().unwrap();
    assert!(list.push(&1).unwrap_err().is_server_lost());
    let there = remote(&address);
    assert_eq!(there.pid(), next.pid());
    assert!(list.push(&1).unwrap_err().is_server_lost());
}
