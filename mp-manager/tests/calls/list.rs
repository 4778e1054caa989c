//! Calls of a list, and what a `Vec` makes of them.
#![allow(clippy::unit_arg, reason = "calls without a result are shown as all others are")]

use std::fmt::Debug;

use mp_manager::{ListProxy, ManagerError};
use serde::{Deserialize, Serialize};

use crate::common::random::Random;

/// A call, and its arguments.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Call {
    Get(usize),
    Set(usize, u32),
    Push(u32),
    Extend(Vec<u32>),
    Insert(usize, u32),
    Remove(usize),
    RemoveValue(u32),
    Pop { front: bool },
    Position(u32),
    Count(u32),
    Reverse,
    Swap(usize, usize),
    Slice(usize, usize),
    Splice(usize, usize, Vec<u32>),
    CompareAndSet(usize, u32, u32),
    Update(usize, u32),
    Sort,
    SortByKey,
    Clear,
    Snapshot,
    Pages,
}

/// Places about as many as there are values, so that some are out of range.
pub(crate) fn draw(random: &mut Random) -> Call {
    let (place, other) = (random.below(20) as usize, random.below(20) as usize);
    let value = random.below(8);
    let values = |random: &mut Random| (0..random.below(5)).map(|_| random.below(8)).collect();
    match random.below(28) {
        0 => Call::Get(place),
        1..3 => Call::Set(place, value),
        3..7 => Call::Push(value),
        7..10 => Call::Extend(values(random)),
        10..13 => Call::Insert(place, value),
        13 => Call::Remove(place),
        14 => Call::RemoveValue(value),
        15 => Call::Pop { front: value < 4 },
        16 => Call::Position(value),
        17 => Call::Count(value),
        18 => Call::Reverse,
        19 => Call::Swap(place, other),
        20 => Call::Slice(place.min(other), place.max(other)),
        21 => Call::Splice(place.min(other), place.max(other), values(random)),
        22 => Call::CompareAndSet(place, value, random.below(8)),
        23 => Call::Update(place, value),
        24 => [Call::Sort, Call::SortByKey][place % 2].clone(),
        25 if value == 0 => Call::Clear,
        26 => Call::Snapshot,
        _ => Call::Pages,
    }
}

fn show(result: impl Debug) -> String {
    format!("{result:?}")
}

/// A place that is not there is no panic, but an error.
fn in_range<T>(result: Result<T, ManagerError>) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(ManagerError::OutOfRange { .. }) => None,
        Err(error) => panic!("{error}"),
    }
}

fn add(value: &mut u32, n: u32) -> u32 {
    std::mem::replace(value, (*value + n) % 8)
}

fn parity(value: u32) -> u32 {
    value % 2
}

pub(crate) fn on_server(list: &ListProxy<u32>, call: Call) -> String {
    match call {
        Call::Get(place) => show(list.get(place).unwrap()),
        Call::Set(place, value) => show(in_range(list.set(place, &value))),
        Call::Push(value) => show(list.push(&value).unwrap()),
        Call::Extend(values) => show(list.extend(values).unwrap()),
        Call::Insert(place, value) => show(in_range(list.insert(place, &value))),
        Call::Remove(place) => show(list.remove(place).unwrap()),
        Call::RemoveValue(value) => show(list.remove_value(&value).unwrap()),
        Call::Pop { front: true } => show(list.pop_front().unwrap()),
        Call::Pop { front: false } => show(list.pop().unwrap()),
        Call::Position(value) => {
            show((list.position(&value).unwrap(), list.contains(&value).unwrap()))
        }
        Call::Count(value) => show((list.count(&value).unwrap(), list.len().unwrap())),
        Call::Reverse => show(list.reverse().unwrap()),
        Call::Swap(one, other) => show(in_range(list.swap(one, other))),
        Call::Slice(start, end) => show(list.slice(start..end).unwrap()),
        Call::Splice(start, end, values) => show(in_range(list.splice(start..end, values))),
        Call::CompareAndSet(place, expected, new) => {
            show(in_range(list.compare_and_set(place, &expected, &new)))
        }
        Call::Update(place, n) => show(in_range(list.update_with(place, add, (n,)))),
        Call::Sort => show(list.sort().unwrap()),
        Call::SortByKey => show(list.sort_by_key(parity).unwrap()),
        Call::Clear => show(list.clear().unwrap()),
        Call::Snapshot => show(list.snapshot().unwrap()),
        Call::Pages => show(list.iter().map(Result::unwrap).collect::<Vec<_>>()),
    }
}

pub(crate) fn on_model(list: &mut Vec<u32>, call: Call) -> String {
    let len = list.len();
    let position = |list: &[u32], value| list.iter().position(|other| *other == value);
    match call {
        Call::Get(place) => show(list.get(place)),
        Call::Set(place, value) => {
            show(list.get_mut(place).map(|old| std::mem::replace(old, value)))
        }
        Call::Push(value) => show(list.push(value)),
        Call::Extend(values) => show(list.extend(values)),
        Call::Insert(place, value) => show((place <= len).then(|| list.insert(place, value))),
        Call::Remove(place) => show((place < len).then(|| list.remove(place))),
        Call::RemoveValue(value) => {
            show(position(list, value).map(|place| list.remove(place)).is_some())
        }
        Call::Pop { front: true } => show((len > 0).then(|| list.remove(0))),
        Call::Pop { front: false } => show(list.pop()),
        Call::Position(value) => show((position(list, value), list.contains(&value))),
        Call::Count(value) => show((list.iter().filter(|other| **other == value).count(), len)),
        Call::Reverse => show(list.reverse()),
        Call::Swap(one, other) => show((one.max(other) < len).then(|| list.swap(one, other))),
        Call::Slice(start, end) => show(&list[start.min(len)..end.min(len)]),
        Call::Splice(start, end, values) => {
            show((end <= len).then(|| list.splice(start..end, values).collect::<Vec<_>>()))
        }
        Call::CompareAndSet(place, expected, new) => show(list.get_mut(place).map(|value| {
            let is_expected = *value == expected;
            *value = if is_expected { new } else { *value };
            is_expected
        })),
        Call::Update(place, n) => show(list.get_mut(place).map(|value| add(value, n))),
        Call::Sort => show(list.sort_unstable()),
        Call::SortByKey => show(list.sort_by_key(|value| parity(*value))),
        Call::Clear => show(list.clear()),
        Call::Snapshot | Call::Pages => show(&*list),
    }
}
