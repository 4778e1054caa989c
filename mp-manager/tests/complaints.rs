//! What users of Python's managers complain about, and what is promised here instead.

mod common {
    pub(crate) mod watchdog;
}

use std::fs;

use common::watchdog::watchdog;
use mp_manager::{DictProxy, EventProxy, LockProxy, Manager};
use mp_process::spawn;

fn descriptors() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}

fn threads() -> usize {
    fs::read_dir("/proc/self/task").unwrap().count()
}

fn make_dicts(manager: &Manager, count: usize) -> Vec<DictProxy<u32, u32>> {
    (0..count).map(|_| manager.dict().unwrap()).collect()
}

/// Makes many objects, and calls them from several threads.
fn make_and_call(manager: Manager) {
    let first = make_dicts(&manager, 1);
    let before = (descriptors(), threads());
    let dicts = make_dicts(&manager, 200);
    assert_eq!((descriptors(), threads()), before, "no connection, no thread for an object");
    std::thread::scope(|scope| {
        for dict in &dicts[..8] {
            scope.spawn(|| dict.set(&1, &2).unwrap());
        }
    });
    assert_eq!(descriptors(), before.0, "none for a thread");
    assert_eq!(dicts[7].get(&1).unwrap(), Some(2));
    drop((first, dicts));
}

/// In Python each object takes three new connections with a handshake each, and each thread one
/// more.
#[mp_process::test]
fn all_objects_and_threads_of_a_process_share_one_connection() {
    let _watchdog = watchdog();
    let manager = Manager::start().unwrap();
    // In a process of its own, where no other test opens anything.
    spawn(make_and_call, (manager.clone(),)).unwrap().join().unwrap();
}

/// In Python `d["list"].append(1)` changes a copy, which is thrown away.
#[mp_process::test]
fn a_change_of_a_value_inside_a_dict_is_not_lost() {
    let _watchdog = watchdog();
    let manager = Manager::start().unwrap();
    let dict = manager.dict::<String, Vec<u32>>().unwrap();
    dict.set("list", &vec![]).unwrap();
    let append = |dict: DictProxy<String, Vec<u32>>, n: u32| {
        let push = |list: &mut Vec<u32>, n: u32| list.push(n);
        dict.update_with("list", push, (n,)).unwrap().unwrap();
    };
    let children = [1, 2, 3].map(|n| spawn(append, (dict.clone(), n)).unwrap());
    children.into_iter().for_each(|child| child.join().unwrap());
    let mut list = dict.get("list").unwrap().unwrap();
    list.sort_unstable();
    assert_eq!(list, [1, 2, 3]);
}

/// In Python it stays locked for ever.
#[mp_process::test]
fn a_lock_whose_holder_is_killed_is_not_locked() {
    let _watchdog = watchdog();
    let manager = Manager::start().unwrap();
    let (lock, is_held) = (manager.lock().unwrap(), manager.event().unwrap());
    let hold = |lock: LockProxy, is_held: EventProxy| {
        let _guard = lock.lock().unwrap();
        is_held.set().unwrap();
        std::thread::park();
    };
    let holder = spawn(hold, (lock.clone(), is_held.clone())).unwrap();
    is_held.wait().unwrap();
    holder.kill().unwrap();
    assert!(lock.lock().unwrap().is_abandoned(), "and whoever is next is told");
}
