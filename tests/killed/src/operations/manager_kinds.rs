//! Managers: a client is killed over an object of each other kind, and leaves nothing with it.

use mp_manager::{
    DictProxy, JoinableQueueProxy, ListProxy, Manager, PoolProxy, Proxy, RLockProxy, SetProxy,
};
use mp_pool::Calls;

use super::served::{Served, at_most_once, client, told};
use crate::notes::Notes;
use crate::operation::{Operation, ensure};

/// What a victim [reaches](Notes::reach) with a lock, and before it gives that back.
const HELD: u32 = 1;
const RELEASED: u32 = 2;

pub(super) fn operations() -> Vec<Operation> {
    let mut all = lists();
    all.extend([inserted(), called(), found_by_name(), waited_for(), watched()]);
    all.extend([locked_twice(), done(), joined(), mapped()]);
    all
}

fn add_one(number: &mut u32) {
    *number += 1;
}

/// One change of two elements, of which there is all or nothing.
fn lists() -> Vec<Operation> {
    fn changed(name: &str, act: fn(&ListProxy<u32>)) -> Operation {
        let make = |manager: &Manager| {
            let list = manager.list::<u32>()?;
            list.extend([0, 0])?;
            Ok(list)
        };
        let act = move |_: &Manager, list: &ListProxy<u32>, _: &Notes| act(list);
        client(name, move || Served::new(make), act).check(|served, notes| {
            served.check(|list, _| {
                let found = told(list.snapshot())?;
                let count = found.iter().filter(|&&number| number == 1).count();
                ensure!([0, 2].contains(&count), "half of a change: {found:?}");
                at_most_once(u32::from(count == 2), notes)
            })
        })
    }
    vec![
        changed("list extended", |list| list.extend([1, 1]).unwrap()),
        changed("slice of a list replaced", |list| {
            assert_eq!(list.splice(0..2, [1, 1]).unwrap(), [0, 0]);
        }),
        changed("list read in pages and extended", |list| {
            assert_eq!(list.iter().count(), 2);
            list.extend([1, 1]).unwrap();
        }),
    ]
}

fn inserted() -> Operation {
    let act = |_: &Manager, set: &SetProxy<u32>, _: &Notes| assert!(set.insert(&1).unwrap());
    client("inserted into a set", || Served::new(Manager::set), act)
        .check(|served, notes| served.check(|set, _| at_most_once(told(set.len())? as u32, notes)))
}

fn called() -> Operation {
    let make = |manager: &Manager| manager.create(|| 0_u32, ());
    let act = |_: &Manager, number: &Proxy<u32>, _: &Notes| number.call(add_one, ()).unwrap();
    client("object called", move || Served::new(make), act).check(|served, notes| {
        served.check(|number, _| at_most_once(told(number.snapshot())?, notes))
    })
}

/// A name that the dead gave stays, as others may know it by now; it can be taken back.
fn found_by_name() -> Operation {
    type List = ListProxy<u32>;
    let act = |manager: &Manager, list: &List, _: &Notes| {
        manager.publish("name", list).unwrap();
        manager.find::<List>("name").unwrap().push(&1).unwrap();
    };
    client("published and found", || Served::new(Manager::list), act).check(|served, notes| {
        served.check(|list, manager| {
            let is_there = told(manager.published())? == ["name"];
            ensure!(is_there || !notes.is_finished(), "what was published is not there");
            if is_there {
                told(manager.unpublish("name"))?;
            }
            at_most_once(told(list.len())? as u32, notes)
        })
    })
}

type Dict = DictProxy<u32, u32>;

fn waited_for() -> Operation {
    let act = |_: &Manager, dict: &Dict, _: &Notes| assert_eq!(dict.wait_for(&1).unwrap(), 7);
    client("key waited for", || Served::new(Manager::dict), act)
        .assist(|served, _| served.once(|dict| dict.set(&1, &7).unwrap()))
        .check(|served, _| served.check(|dict, _| told(dict.set(&1, &8))))
}

fn watched() -> Operation {
    let act = |_: &Manager, dict: &Dict, _: &Notes| {
        let mut watch = dict.watch(&1).unwrap();
        dict.set(&1, &6).unwrap();
        assert_eq!(watch.next().unwrap(), Some(6));
    };
    client("key watched", || Served::new(Manager::dict), act)
        .check(|served, _| served.check(|dict, _| told(dict.set(&1, &8))))
}

fn locked_twice() -> Operation {
    let act = |_: &Manager, lock: &RLockProxy, notes: &Notes| {
        let outer = lock.lock().unwrap();
        let inner = lock.lock().unwrap();
        notes.reach(HELD);
        drop(inner);
        notes.reach(RELEASED);
        drop(outer);
    };
    client("rlock taken twice and given back", || Served::new(Manager::rlock), act).check(
        |served, notes| {
            served.check(|lock, _| {
                let is_told = told(lock.lock())?.is_abandoned();
                ensure!(is_told || notes.reached() != HELD, "nobody is told that it died with it");
                ensure!(!is_told || !notes.is_finished(), "told of a death after the end");
                ensure!(!told(lock.lock())?.is_abandoned(), "told twice");
                Ok(())
            })
        },
    )
}

type Tasks = JoinableQueueProxy<u32>;

/// What the dead had taken counts as done.
fn done() -> Operation {
    let make = |manager: &Manager| {
        let queue = manager.joinable_queue(0)?;
        queue.put(&1)?;
        Ok(queue)
    };
    let act = |_: &Manager, queue: &Tasks, _: &Notes| {
        queue.get().unwrap();
        queue.task_done().unwrap();
    };
    client("task got and done", move || Served::new(make), act).check(|served, notes| {
        served.check(|queue, _| {
            if let Some(number) = told(queue.try_get())? {
                ensure!(number == 1 && !notes.is_finished(), "{number} was got and done");
                told(queue.task_done())?;
            }
            told(queue.join())
        })
    })
}

fn joined() -> Operation {
    let make = |manager: &Manager| {
        let queue = manager.joinable_queue(0)?;
        queue.put(&1)?;
        Ok(queue)
    };
    let act = |_: &Manager, queue: &Tasks, _: &Notes| queue.join().unwrap();
    let finish = |queue: &Tasks| {
        queue.get().unwrap();
        queue.task_done().unwrap();
    };
    client("tasks joined", move || Served::new(make), act)
        .assist(move |served, _| served.once(finish))
        .check(move |served, _| {
            served.once(finish);
            served.check(|queue, _| told(queue.join()))
        })
}

/// A pool does what others want, and its workers go with the last proxy.
fn mapped() -> Operation {
    let act = |_: &Manager, pool: &PoolProxy, _: &Notes| {
        assert_eq!(pool.map(|n: u32| n + 1, [1, 2]).unwrap(), [2, 3]);
    };
    let make = |manager: &Manager| manager.pool(1);
    client("pool asked", move || Served::new(make), act).check(|served, _| {
        served.check(|pool, _| {
            let found = pool.map(|n: u32| n + 1, [7, 8]).map_err(|error| error.to_string())?;
            ensure!(found == [8, 9], "7 and 8 and one more are {found:?}");
            Ok(())
        })
    })
}
