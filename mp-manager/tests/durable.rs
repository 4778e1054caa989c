//! What is kept on disk is there again, however the server ended.
//!
//! `MP_DEATHS` sets how often a server is killed under load; a few times by default.

mod common {
    pub(crate) mod random;
    pub(crate) mod watchdog;
}

mod calls {
    pub(crate) mod dict;
    pub(crate) mod list;
}

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use calls::{dict, list};
use common::random::Random;
use common::watchdog::watchdog;
use indexmap::IndexMap;
use mp_manager::{DictProxy, Durability, ListProxy, Manager, ManagerError};
use mp_process::{Process, spawn};

/// A path that nobody else has; what is there is removed in the end.
struct Place(PathBuf);

impl Place {
    fn new() -> Place {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("mp-manager-durable-{}-{count}", std::process::id());
        let directory = std::env::temp_dir().join(name);
        fs::create_dir_all(&directory).unwrap();
        Place(directory)
    }

    fn file(&self) -> PathBuf {
        self.0.join("store")
    }

    fn start(&self) -> Manager {
        Manager::builder().persist(self.file()).start().unwrap()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn kill_server(manager: &Manager) {
    let pid = rustix::process::Pid::from_raw(manager.pid() as i32).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
}

fn deaths() -> u32 {
    std::env::var("MP_DEATHS").ok().and_then(|deaths| deaths.parse().ok()).unwrap_or(6)
}

#[mp_process::test]
fn whatever_was_called_a_killed_server_comes_back_with_it() {
    let _watchdog = watchdog();
    let place = Place::new();
    let mut random = Random::new(21);
    let (mut map, mut values) = (IndexMap::new(), Vec::new());
    for _ in 0..deaths() {
        let manager = place.start();
        let shared = manager.durable_dict::<u8, u32>("a dict").unwrap();
        let row = manager.durable_list::<u32>("a list").unwrap();
        assert_eq!(shared.snapshot().unwrap(), map.clone().into_iter().collect::<Vec<_>>());
        assert_eq!(row.snapshot().unwrap(), values);
        for step in 0..100 + random.below(100) {
            let call = dict::draw(&mut random);
            let expected = dict::on_model(&mut map, call.clone());
            assert_eq!(dict::on_server(&shared, call.clone()), expected, "{step}: {call:?}");
            let call = list::draw(&mut random);
            let expected = list::on_model(&mut values, call.clone());
            assert_eq!(list::on_server(&row, call.clone()), expected, "{step}: {call:?}");
        }
        kill_server(&manager);
    }
}

/// Adds one after the other until the server is gone; returns how many it was told are added.
fn count_while_it_lives(sums: DictProxy<u32, u64>, log: ListProxy<(u32, u64)>, number: u32) -> u64 {
    let mut told = 0;
    loop {
        let added = sums.upsert_with(&number, &0, |sum: &mut u64| *sum += 1, ());
        let added = added.and_then(|()| log.push(&(number, told + 1)));
        match added {
            Ok(()) => told += 1,
            Err(error) if error.is_server_lost() => return told,
            Err(error) => panic!("{error}"),
        }
    }
}

#[mp_process::test]
fn what_was_acknowledged_is_there_after_a_kill_under_load() {
    let _watchdog = watchdog();
    let mut random = Random::new(17);
    for death in 0..deaths() {
        let place = Place::new();
        let manager = if death % 2 == 0 {
            place.start()
        } else {
            let builder = Manager::builder().persist_with(place.file(), Durability::PowerLoss);
            builder.start().unwrap()
        };
        let sums = manager.durable_dict::<u32, u64>("sums").unwrap();
        let log = manager.durable_list::<(u32, u64)>("log").unwrap();
        let start = |n| spawn(count_while_it_lives, (sums.clone(), log.clone(), n)).unwrap();
        let clients: Vec<Process<u64>> = (0..4).map(start).collect();
        for number in 0..4 {
            sums.wait_for(&number).unwrap();
        }
        std::thread::sleep(std::time::Duration::from_micros(random.below(20_000).into()));
        kill_server(&manager);
        let told: Vec<u64> = clients.into_iter().map(|client| client.join().unwrap()).collect();
        drop((manager, sums, log));

        let manager = place.start();
        let sums = manager.durable_dict::<u32, u64>("sums").unwrap();
        let log = manager.durable_list::<(u32, u64)>("log").unwrap().snapshot().unwrap();
        for (number, told) in (0..4).zip(told) {
            let sum = sums.get(&number).unwrap().unwrap();
            assert!((told..=told + 1).contains(&sum), "{number}: {sum} kept, {told} told");
            let mine = log.iter().filter(|(owner, _)| *owner == number).map(|(_, n)| *n);
            assert!(mine.clone().eq(1..=mine.count() as u64), "{number}: in order, none lost");
            let logged = log.iter().filter(|(owner, _)| *owner == number).count() as u64;
            assert!((told..=told + 1).contains(&logged), "{number}: {logged} kept, {told} told");
        }
    }
}

#[mp_process::test]
fn one_server_at_a_time_has_a_store() {
    let _watchdog = watchdog();
    let place = Place::new();
    let first = place.start();
    let error = Manager::builder().persist(place.file()).start().unwrap_err().to_string();
    assert!(error.contains("is in use by another server"), "{error}");
    first.shutdown();
    place.start();
}

/// It may be killed before that if the disk is slow: so it gets some tries.
#[mp_process::test]
fn an_orderly_end_leaves_one_file() {
    let _watchdog = watchdog();
    let place = Place::new();
    let is_single = || fs::read_dir(&place.0).unwrap().count() == 1;
    loop {
        let manager = place.start();
        manager.durable_list("list").unwrap().push(&1).unwrap();
        manager.shutdown();
        if is_single() {
            return;
        }
    }
}

#[mp_process::test]
fn what_is_no_store_of_ours_is_refused_and_left_alone() {
    let _watchdog = watchdog();
    let place = Place::new();
    let text = "these are somebody's notes, and no database at all\n".repeat(100);
    fs::write(place.file(), &text).unwrap();
    let error = Manager::builder().persist(place.file()).start().unwrap_err().to_string();
    assert!(error.contains("not a database"), "{error}");
    assert_eq!(fs::read_to_string(place.file()).unwrap(), text);
    let nowhere = place.file().join("below a file");
    let error = Manager::builder().persist(nowhere).start().unwrap_err().to_string();
    assert!(error.contains("cannot open"), "{error}");
}

#[mp_process::test]
fn a_name_is_of_one_type_until_it_is_forgotten() {
    let _watchdog = watchdog();
    let place = Place::new();
    let manager = place.start();
    let dict = manager.durable_dict::<u8, u8>("it").unwrap();
    dict.set(&1, &2).unwrap();
    assert!(matches!(manager.durable_list::<u8>("it"), Err(ManagerError::Misuse { .. })));
    assert!(manager.durable_dict::<u8, u8>("it").unwrap().is_same(&dict));
    assert!(manager.forget_durable("it").unwrap() && !manager.forget_durable("it").unwrap());
    // Who has it, has it still.
    dict.set(&1, &3).unwrap();
    assert!(manager.durable_list::<u8>("it").unwrap().is_empty().unwrap());
    kill_server(&manager);
    let manager = place.start();
    assert_eq!(manager.durable_names().unwrap(), ["it"]);
    assert!(manager.durable_dict::<u8, u8>("it").is_err());
}

#[mp_process::test]
fn a_proxy_cannot_be_kept() {
    let _watchdog = watchdog();
    let place = Place::new();
    let manager = place.start();
    let dict = manager.durable_dict::<u8, ListProxy<u8>>("lists").unwrap();
    let error = dict.set(&1, &manager.list().unwrap()).unwrap_err();
    assert_eq!(error.to_string(), "a proxy cannot be kept on disk");
    assert_eq!(dict.len().unwrap(), 0);
}

#[mp_process::test]
fn a_server_that_keeps_nothing_says_so() {
    let _watchdog = watchdog();
    let manager = Manager::start().unwrap();
    let error = manager.durable_dict::<u8, u8>("it").unwrap_err().to_string();
    assert!(error.contains("Builder::persist"), "{error}");
}
