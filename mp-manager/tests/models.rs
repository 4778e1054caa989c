//! Dicts and lists against models: whatever several processes do in any order, each call gives what
//! an `IndexMap` or a `Vec` would have given.
//!
//! `MP_STEPS` sets how many calls a test makes; some hundreds by default.

mod common {
    pub(crate) mod random;
    pub(crate) mod watchdog;
}

mod calls {
    pub(crate) mod dict;
    pub(crate) mod list;
}

use std::fmt::Debug;

use calls::{dict, list};
use common::random::Random;
use common::watchdog::watchdog;
use indexmap::IndexMap;
use mp_manager::{DictProxy, ListProxy, Manager, QueueProxy};
use mp_process::{Process, spawn};
use serde::Serialize;
use serde::de::DeserializeOwned;

fn steps() -> usize {
    std::env::var("MP_STEPS").ok().and_then(|steps| steps.parse().ok()).unwrap_or(600)
}

/// Processes that do what they are told, one call at a time.
struct Crew<C> {
    calls: Vec<QueueProxy<Option<C>>>,
    results: QueueProxy<String>,
    processes: Vec<Process<()>>,
}

impl<C: Serialize + DeserializeOwned> Crew<C> {
    fn start(
        manager: &Manager,
        mut start: impl FnMut(QueueProxy<Option<C>>, QueueProxy<String>) -> Process<()>,
    ) -> Crew<C> {
        let results = manager.queue(0).unwrap();
        let calls: Vec<QueueProxy<Option<C>>> = (0..3).map(|_| manager.queue(0).unwrap()).collect();
        let processes = calls.iter().map(|queue| start(queue.clone(), results.clone())).collect();
        Crew { calls, results, processes }
    }

    /// Has any one of them make a call; returns what it got.
    fn make(&self, call: C, random: &mut Random) -> String {
        let whose = random.below(self.calls.len() as u32) as usize;
        self.calls[whose].put(&Some(call)).unwrap();
        self.results.get().unwrap()
    }

    fn end(self) {
        self.calls.iter().for_each(|queue| queue.put(&None).unwrap());
        self.processes.into_iter().for_each(|process| process.join().unwrap());
    }
}

/// Makes the calls of a queue, up to a `None`.
fn obey<C: Serialize + DeserializeOwned>(
    calls: &QueueProxy<Option<C>>,
    results: &QueueProxy<String>,
    make: impl Fn(C) -> String,
) {
    while let Some(call) = calls.get().unwrap() {
        results.put(&make(call)).unwrap();
    }
}

fn check<C: Debug + Clone + Serialize + DeserializeOwned>(
    crew: &Crew<C>,
    seed: u64,
    draw: impl Fn(&mut Random) -> C,
    mut expect: impl FnMut(C) -> String,
) {
    let mut random = Random::new(seed);
    for step in 0..steps() {
        let call = draw(&mut random);
        let expected = expect(call.clone());
        let result = crew.make(call.clone(), &mut random);
        assert_eq!(result, expected, "seed {seed}, step {step}: {call:?}");
    }
}

#[mp_process::test]
fn a_dict_of_several_processes_is_an_index_map() {
    let _watchdog = watchdog();
    let manager = Manager::start().unwrap();
    for seed in [1, 2, 3] {
        let shared = manager.dict::<u8, u32>().unwrap();
        let work = |dict: DictProxy<u8, u32>, calls: QueueProxy<_>, results: QueueProxy<_>| {
            obey(&calls, &results, |call| dict::on_server(&dict, call));
        };
        let crew = Crew::start(&manager, |calls, results| {
            spawn(work, (shared.clone(), calls, results)).unwrap()
        });
        let mut model = IndexMap::new();
        check(&crew, seed, dict::draw, |call| dict::on_model(&mut model, call));
        crew.end();
    }
}

#[mp_process::test]
fn a_list_of_several_processes_is_a_vec() {
    let _watchdog = watchdog();
    let manager = Manager::start().unwrap();
    for seed in [4, 5, 6] {
        let shared = manager.list::<u32>().unwrap();
        let work = |list: ListProxy<u32>, calls: QueueProxy<_>, results: QueueProxy<_>| {
            obey(&calls, &results, |call| list::on_server(&list, call));
        };
        let crew = Crew::start(&manager, |calls, results| {
            spawn(work, (shared.clone(), calls, results)).unwrap()
        });
        let mut model = Vec::new();
        check(&crew, seed, list::draw, |call| list::on_model(&mut model, call));
        crew.end();
    }
}

/// Works on keys of its own, and checks each answer against a map of its own.
fn work_alone(dict: DictProxy<(u32, u8), u32>, number: u32) {
    let mut random = Random::new(u64::from(number) + 100);
    let mut model = IndexMap::new();
    for step in 0..steps() as u32 {
        let key = (number, random.below(20) as u8);
        match random.below(4) {
            0 => assert_eq!(dict.remove(&key).unwrap(), model.shift_remove(&key)),
            1 => assert_eq!(dict.get(&key).unwrap(), model.get(&key).copied()),
            _ => assert_eq!(dict.insert(&key, &step).unwrap(), model.insert(key, step)),
        }
    }
    let mine = dict.snapshot().unwrap().into_iter().filter(|((owner, _), _)| *owner == number);
    assert!(mine.eq(model), "the keys of {number}, in order");
}

#[mp_process::test]
fn processes_at_the_same_time_do_not_disturb_each_other() {
    let _watchdog = watchdog();
    let manager = Manager::start().unwrap();
    let dict = manager.dict().unwrap();
    let workers: Vec<_> =
        (0..4).map(|number| spawn(work_alone, (dict.clone(), number)).unwrap()).collect();
    workers.into_iter().for_each(|worker| worker.join().unwrap());
}
