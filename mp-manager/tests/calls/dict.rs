//! Calls of a dict, and what an `IndexMap` makes of them.
#![allow(clippy::unit_arg, reason = "calls without a result are shown as all others are")]

use std::fmt::Debug;

use indexmap::IndexMap;
use mp_manager::{DictProxy, Transaction};
use serde::{Deserialize, Serialize};

use crate::common::random::Random;

/// A call, and its arguments.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Call {
    Get(u8),
    Set(u8, u32),
    Insert(u8, u32),
    Remove(u8),
    Contains(u8),
    Pop { first: bool },
    Clear,
    Extend(Vec<(u8, u32)>),
    GetMany(Vec<u8>),
    RemoveMany(Vec<u8>),
    RetainMany(Vec<u8>),
    GetOrInsert(u8, u32),
    GetOrInsertWith(u8, u32),
    CompareAndSet(u8, Option<u32>, Option<u32>),
    Update(u8, u32),
    Upsert(u8, u32),
    PopIf(u8, u32),
    Swap(u8, u8),
    Snapshot,
    Pages,
}

/// Few keys and fewer values, so that they meet.
pub(crate) fn draw(random: &mut Random) -> Call {
    let key = random.below(12) as u8;
    let value = random.below(4);
    let keys = |random: &mut Random| {
        (0..random.below(8)).map(|_| random.below(12) as u8).collect::<Vec<_>>()
    };
    let maybe = |random: &mut Random| Some(random.below(4)).filter(|value| *value > 0);
    match random.below(24) {
        0 => Call::Get(key),
        1..3 => Call::Set(key, value),
        3..5 => Call::Insert(key, value),
        5..7 => Call::Remove(key),
        7 => Call::Contains(key),
        8 => Call::Pop { first: value < 2 },
        9 if value == 0 => Call::Clear,
        10 => Call::Extend(keys(random).into_iter().map(|key| (key, value)).collect()),
        11 => Call::GetMany(keys(random)),
        12 => Call::RemoveMany(keys(random)),
        13 => Call::RetainMany(keys(random)),
        14 => Call::GetOrInsert(key, value),
        15 => Call::GetOrInsertWith(key, value),
        16..18 => Call::CompareAndSet(key, maybe(random), maybe(random)),
        18 => Call::Update(key, value),
        19 => Call::Upsert(key, value),
        20 => Call::PopIf(key, value),
        21 => Call::Swap(key, random.below(12) as u8),
        22 => Call::Snapshot,
        _ => Call::Pages,
    }
}

fn show(result: impl Debug) -> String {
    format!("{result:?}")
}

fn add(value: &mut u32, n: u32) -> u32 {
    std::mem::replace(value, *value + n)
}

fn swap(entries: &mut Transaction<u8, u32>, one: u8, other: u8) -> usize {
    let values = (entries.get(&one), entries.get(&other));
    if let (Some(first), Some(second)) = values {
        entries.set(&one, &second);
        entries.set(&other, &first);
    } else {
        entries.remove(&one);
    }
    entries.len()
}

pub(crate) fn on_server(dict: &DictProxy<u8, u32>, call: Call) -> String {
    match call {
        Call::Get(key) => show(dict.get(&key).unwrap()),
        Call::Set(key, value) => show(dict.set(&key, &value).unwrap()),
        Call::Insert(key, value) => show(dict.insert(&key, &value).unwrap()),
        Call::Remove(key) => show(dict.remove(&key).unwrap()),
        Call::Contains(key) => show((dict.contains_key(&key).unwrap(), dict.len().unwrap())),
        Call::Pop { first: true } => show(dict.pop_first().unwrap()),
        Call::Pop { first: false } => show(dict.pop_last().unwrap()),
        Call::Clear => show(dict.clear().unwrap()),
        Call::Extend(entries) => show(dict.extend(entries).unwrap()),
        Call::GetMany(keys) => show(dict.get_many::<u8>(keys).unwrap()),
        Call::RemoveMany(keys) => show(dict.remove_many::<u8>(keys).unwrap()),
        Call::RetainMany(keys) => show(dict.retain_many::<u8>(keys).unwrap()),
        Call::GetOrInsert(key, value) => show(dict.get_or_insert(&key, &value).unwrap()),
        Call::GetOrInsertWith(key, value) => {
            show(dict.get_or_insert_with(&key, |n: u32| n + 1, (value,)).unwrap())
        }
        Call::CompareAndSet(key, expected, new) => {
            show(dict.compare_and_set(&key, expected.as_ref(), new.as_ref()).unwrap())
        }
        Call::Update(key, n) => show(dict.update_with(&key, add, (n,)).unwrap()),
        Call::Upsert(key, n) => show(dict.upsert_with(&key, &7, add, (n,)).unwrap()),
        Call::PopIf(key, n) => {
            show(dict.pop_if(&key, |value: &mut u32, n: u32| *value > n, (n,)).unwrap())
        }
        Call::Swap(one, other) => show(dict.transaction(swap, (one, other)).unwrap()),
        Call::Snapshot => show(dict.snapshot().unwrap()),
        Call::Pages => show(dict.iter().map(Result::unwrap).collect::<Vec<_>>()),
    }
}

pub(crate) fn on_model(map: &mut IndexMap<u8, u32>, call: Call) -> String {
    match call {
        Call::Get(key) => show(map.get(&key)),
        Call::Set(key, value) => show(map.extend([(key, value)])),
        Call::Insert(key, value) => show(map.insert(key, value)),
        Call::Remove(key) => show(map.shift_remove(&key)),
        Call::Contains(key) => show((map.contains_key(&key), map.len())),
        Call::Pop { first: true } => show(map.shift_remove_index(0)),
        Call::Pop { first: false } => show(map.pop()),
        Call::Clear => show(map.clear()),
        Call::Extend(entries) => show(map.extend(entries)),
        Call::GetMany(keys) => show(keys.iter().map(|key| map.get(key)).collect::<Vec<_>>()),
        Call::RemoveMany(keys) => {
            show(keys.iter().filter(|key| map.shift_remove(*key).is_some()).count())
        }
        Call::RetainMany(keys) => {
            let before = map.len();
            map.retain(|key, _| keys.contains(key));
            show(before - map.len())
        }
        Call::GetOrInsert(key, value) => show(*map.entry(key).or_insert(value)),
        Call::GetOrInsertWith(key, value) => show(*map.entry(key).or_insert(value + 1)),
        Call::CompareAndSet(key, expected, new) => show(compare_and_set(map, key, expected, new)),
        Call::Update(key, n) => show(map.get_mut(&key).map(|value| add(value, n))),
        Call::Upsert(key, n) => show(add(map.entry(key).or_insert(7), n)),
        Call::PopIf(key, n) => {
            let is_more = map.get(&key).is_some_and(|value| *value > n);
            show(is_more.then(|| map.shift_remove(&key)).flatten())
        }
        Call::Swap(one, other) => {
            match (map.get(&one).copied(), map.get(&other).copied()) {
                (Some(first), Some(second)) => map.extend([(one, second), (other, first)]),
                _ => drop(map.shift_remove(&one)),
            }
            show(map.len())
        }
        Call::Snapshot | Call::Pages => show(map.iter().collect::<Vec<_>>()),
    }
}

fn compare_and_set(
    map: &mut IndexMap<u8, u32>,
    key: u8,
    expected: Option<u32>,
    new: Option<u32>,
) -> bool {
    if map.get(&key).copied() != expected {
        return false;
    }
    match new {
        Some(value) => drop(map.insert(key, value)),
        None => drop(map.shift_remove(&key)),
    }
    true
}
