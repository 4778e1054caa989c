//! What the objects of a manager do, for one process and for several.

mod common {
    pub(crate) mod watchdog;
}

use std::collections::HashSet;

use common::watchdog::watchdog;
use mp_manager::{DictProxy, ListProxy, Manager, ManagerError, Proxy, Transaction};
use mp_process::spawn;

#[mp_process::test]
fn smoke() {
    let _watchdog = watchdog();
    let manager = Manager::start().unwrap();
    let dict = manager.dict::<String, u32>().unwrap();
    dict.set("one", &1).unwrap();
    assert_eq!(dict.get("one").unwrap(), Some(1));
    assert_eq!(dict.get("two").unwrap(), None);
}

#[mp_process::test]
fn a_dict_does_what_dicts_do() {
    let _watchdog = watchdog();
    let manager = Manager::start().unwrap();
    let dict = manager.dict::<String, i32>().unwrap();
    assert_eq!(dict.insert("b", &1).unwrap(), None);
    assert_eq!(dict.insert("b", &2).unwrap(), Some(1));
    dict.extend([("a".to_owned(), 3), ("c".to_owned(), 4)]).unwrap();
    assert_eq!(dict.keys().unwrap(), ["b", "a", "c"]);
    assert_eq!(dict.values().unwrap(), [2, 3, 4]);
    assert_eq!(dict.get_or_insert("a", &9).unwrap(), 3);
    assert_eq!(dict.get_or_insert("d", &9).unwrap(), 9);
    assert!(dict.contains_key("d").unwrap() && !dict.contains_key("e").unwrap());
    assert_eq!(dict.remove("b").unwrap(), Some(2));
    assert_eq!(dict.pop_last().unwrap(), Some(("d".into(), 9)));
    assert_eq!(dict.pop_first().unwrap(), Some(("a".into(), 3)));
    assert_eq!(dict.get_many::<String>(["c".to_owned(), "a".to_owned()]).unwrap(), [Some(4), None]);
    assert_eq!(dict.pop_if("c", |value: &mut i32| *value > 9, ()).unwrap(), None);
    assert_eq!(dict.pop_if("c", |value: &mut i32| *value > 3, ()).unwrap(), Some(4));
    assert!(dict.is_empty().unwrap());
    dict.set("x", &1).unwrap();
    dict.clear().unwrap();
    assert_eq!(dict.snapshot().unwrap(), []);
}

#[mp_process::test]
fn a_large_dict_is_read_in_pages() {
    let _watchdog = watchdog();
    let manager = Manager::start().unwrap();
    let dict = manager.dict::<u32, String>().unwrap();
    dict.extend((0..20_000).map(|n| (n, format!("the value of {n}")))).unwrap();
    let read: Vec<(u32, String)> = dict.iter().map(Result::unwrap).collect();
    assert_eq!(read, (0..20_000).map(|n| (n, format!("the value of {n}"))).collect::<Vec<_>>());
    assert_eq!(dict.snapshot().unwrap(), read);
}

#[mp_process::test]
fn a_list_does_what_lists_do() {
    let _watchdog = watchdog();
    let manager = Manager::start().unwrap();
    let list = manager.list::<String>().unwrap();
    let texts = |texts: &[&str]| texts.iter().map(ToString::to_string).collect::<Vec<_>>();
    list.extend(texts(&["c", "a", "b"])).unwrap();
    list.push(&"a".into()).unwrap();
    list.insert(1, &"x".into()).unwrap();
    assert_eq!(list.snapshot().unwrap(), ["c", "x", "a", "b", "a"]);
    assert_eq!(list.position(&"a".into()).unwrap(), Some(2));
    assert_eq!(list.count(&"a".into()).unwrap(), 2);
    assert!(list.contains(&"x".into()).unwrap() && !list.contains(&"y".into()).unwrap());
    assert!(list.remove_value(&"a".into()).unwrap());
    assert_eq!(list.set(0, &"z".into()).unwrap(), "c");
    assert_eq!(list.get(0).unwrap().as_deref(), Some("z"));
    assert_eq!(list.get(9).unwrap(), None);
    assert!(matches!(list.set(9, &"z".into()), Err(ManagerError::OutOfRange { len: 4, .. })));
    list.sort().unwrap();
    assert_eq!(list.snapshot().unwrap(), ["a", "b", "x", "z"]);
    list.reverse().unwrap();
    list.swap(0, 3).unwrap();
    assert_eq!(list.iter().map(Result::unwrap).collect::<Vec<_>>(), ["a", "x", "b", "z"]);
    assert_eq!(list.remove(1).unwrap().as_deref(), Some("x"));
    assert_eq!(list.pop().unwrap().as_deref(), Some("z"));
    assert_eq!(list.pop_front().unwrap().as_deref(), Some("a"));
    let shout = |text: &mut String, times: usize| *text += &"!".repeat(times);
    list.update_with(0, shout, (3,)).unwrap();
    assert_eq!(list.snapshot().unwrap(), ["b!!!"]);
    list.clear().unwrap();
    assert_eq!(list.pop().unwrap(), None);
}

#[mp_process::test]
fn values_longer_than_a_ring_travel() {
    let _watchdog = watchdog();
    let manager = Manager::start().unwrap();
    let dict = manager.dict::<u32, Vec<u8>>().unwrap();
    for len in [10_000, 33_000, 70_000, 5_000_000] {
        let value: Vec<u8> = (0..len).map(|n| n as u8).collect();
        dict.set(&1, &value).unwrap();
        assert_eq!(dict.get(&1).unwrap(), Some(value));
    }
}

fn add_up(totals: DictProxy<String, u64>, times: u64) {
    for _ in 0..times {
        totals.upsert_with("sum", &0, |sum: &mut u64, n: u64| *sum += n, (2,)).unwrap();
    }
}

#[mp_process::test]
fn no_update_is_lost() {
    let _watchdog = watchdog();
    let manager = Manager::start().unwrap();
    let totals = manager.dict().unwrap();
    let children = [(); 4].map(|()| spawn(add_up, (totals.clone(), 500)).unwrap());
    for child in children {
        child.join().unwrap();
    }
    assert_eq!(totals.get("sum").unwrap(), Some(4000));
}

#[mp_process::test]
fn threads_share_a_connection() {
    let _watchdog = watchdog();
    let manager = Manager::start().unwrap();
    let totals = manager.dict().unwrap();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| add_up(totals.clone(), 200));
        }
    });
    assert_eq!(totals.get("sum").unwrap(), Some(3200));
}

#[mp_process::test]
fn mutation_of_a_nested_list_is_seen_by_all() {
    let _watchdog = watchdog();
    let manager = Manager::start().unwrap();
    let dict = manager.dict::<String, ListProxy<u32>>().unwrap();
    dict.set("list", &manager.list().unwrap()).unwrap();
    let child = spawn(
        |dict: DictProxy<String, ListProxy<u32>>| {
            dict.get("list").unwrap().unwrap().push(&7).unwrap();
        },
        (dict.clone(),),
    );
    child.unwrap().join().unwrap();
    assert_eq!(dict.get("list").unwrap().unwrap().snapshot().unwrap(), [7]);
    assert_eq!(manager.objects().unwrap().len(), 2);
    dict.clear().unwrap();
    assert_eq!(manager.objects().unwrap().len(), 1);
}

#[mp_process::test]
fn a_proxy_lives_while_it_travels() {
    let _watchdog = watchdog();
    let manager = Manager::start().unwrap();
    // The child ends before anybody looks at what it returned.
    let make = |manager: Manager| {
        let list = manager.list::<u32>().unwrap();
        list.push(&5).unwrap();
        list
    };
    let child = spawn(make, (manager.clone(),)).unwrap();
    child.wait();
    std::thread::sleep(std::time::Duration::from_millis(100));
    let list = child.join().unwrap();
    assert_eq!(list.snapshot().unwrap(), [5]);
    drop(list);
    // The lease of the journey ends when the parcel's descriptor is closed.
    while !manager.objects().unwrap().is_empty() {
        std::thread::yield_now();
    }
}

struct Counter {
    value: u64,
}

impl Counter {
    fn new(value: u64) -> Self {
        Counter { value }
    }

    fn add(&mut self, n: u64) -> u64 {
        self.value += n;
        self.value
    }
}

#[mp_process::test]
fn objects_of_any_type_are_served() {
    let _watchdog = watchdog();
    let manager = Manager::start().unwrap();
    let counter = manager.create(Counter::new, (40,)).unwrap();
    let add = |counter: Proxy<Counter>| counter.call(Counter::add, (1,)).unwrap();
    assert_eq!(spawn(add, (counter.clone(),)).unwrap().join().unwrap(), 41);
    assert_eq!(add(counter), 42);
}

#[mp_process::test]
fn a_panic_is_told_to_its_caller_alone() {
    let _watchdog = watchdog();
    let manager = Manager::start().unwrap();
    let dict = manager.dict::<u8, u8>().unwrap();
    dict.set(&1, &1).unwrap();
    let fail = |value: &mut u8| {
        *value = 9;
        assert!(*value == 1, "on purpose");
    };
    let result = dict.update_with(&1, fail, ());
    let Err(ManagerError::Panicked(panic)) = result else { panic!("{result:?}") };
    assert_eq!(panic.message, "on purpose");
    assert_eq!(dict.get(&1).unwrap(), Some(1));
    let result = manager.create(|| -> u8 { panic!("at birth") }, ());
    assert!(matches!(result, Err(ManagerError::Panicked(_))), "{result:?}");
    assert_eq!(manager.objects().unwrap().len(), 1);
}

fn spend(entries: &mut Transaction<u32, i32>, amount: i32) -> i32 {
    let keys = entries.keys();
    for key in &keys {
        let left = entries.get(key).unwrap() - amount;
        entries.set(key, &left);
    }
    entries.remove(&keys[0]);
    entries.set(&99, &amount);
    assert!(amount < 100, "too much");
    entries.len() as i32
}

#[mp_process::test]
fn a_transaction_is_done_whole_or_not_at_all() {
    let _watchdog = watchdog();
    let manager = Manager::start().unwrap();
    let dict = manager.dict::<u32, i32>().unwrap();
    dict.extend([(1, 10), (2, 20), (3, 30)]).unwrap();
    let failed = dict.transaction(spend, (100,));
    assert!(matches!(failed, Err(ManagerError::Panicked(_))));
    assert_eq!(dict.snapshot().unwrap(), [(1, 10), (2, 20), (3, 30)]);
    assert_eq!(dict.transaction(spend, (5,)).unwrap(), 3);
    assert_eq!(dict.snapshot().unwrap(), [(2, 15), (3, 25), (99, 5)]);
}

#[mp_process::test]
fn sets_and_namespaces_are_served() {
    let _watchdog = watchdog();
    let manager = Manager::start().unwrap();
    let set = manager.set::<u32>().unwrap();
    set.extend(0..10).unwrap();
    assert_eq!(set.remove_many([1, 2, 50]).unwrap(), 2);
    assert!(set.contains_all([3, 4]).unwrap() && !set.contains_all([3, 1]).unwrap());
    let all: HashSet<u32> = set.iter().map(Result::unwrap).collect();
    assert_eq!(all, [0, 3, 4, 5, 6, 7, 8, 9].into());
    let namespace = manager.namespace().unwrap();
    namespace.set("list", &vec![1, 2]).unwrap();
    namespace.set("name", "x").unwrap();
    assert!(namespace.remove("name").unwrap() && !namespace.remove("name").unwrap());
    assert!(matches!(namespace.get::<String>("list"), Err(ManagerError::Decode(_))));
}
