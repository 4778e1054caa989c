//! Waking each other: two events, or one condition and a turn.

use std::sync::{Arc, Condvar, Mutex, PoisonError};

use anyhow::Result;
use mp_handle::Region;
use mp_shm::Value;
use mp_sync::{Condition, Event};
use serde::{Deserialize, Serialize};

use super::ours::guard;
use super::raw_sync::RawEvent;
use super::{PAGE, python_pair, row};
use crate::duo::futex::Gate;
use crate::duo::{Pace, Partner, Sample, Team, Work, apart, memory, micros, repeat};
use crate::row::{Row, System};

pub(super) fn rows(pace: Pace) -> Vec<Row> {
    vec![event(pace), condition(pace)]
}

fn event(pace: Pace) -> Row {
    let systems = vec![
        System::new("ours", events(pace)),
        System::limit("futex word", gates(pace)),
        System::ceiling("std Condvar, threads", turns(pace)),
        System::new("raw_sync Event", raw_events(pace)),
        python_pair("CPython Event", "sync.event", pace, micros()),
    ];
    row("event-round-trip", "two events: set one, wait for the other", "us", systems)
}

fn condition(pace: Pace) -> Row {
    let systems = vec![
        System::new("ours", shared_turns(pace)),
        System::ceiling("std Condvar, threads", turns(pace)),
        python_pair("CPython Condition", "sync.condition", pace, micros()),
    ];
    row("condition-round-trip", "one condition: notify, and wait for one's turn", "us", systems)
}

fn events(pace: Pace) -> impl FnOnce() -> Result<Sample> {
    apart(pace, micros(), move |there| {
        let (theirs, mine) = (Event::new()?, Event::new()?);
        let partner = Partner::process(there, answer_event, (theirs.clone(), mine.clone()))?;
        let work = repeat(move || {
            theirs.set();
            mine.wait();
            mine.clear();
            Ok(())
        });
        Ok(Team::pair(partner, work))
    })
}

fn answer_event((mine, theirs): (Event, Event)) -> Result<Work> {
    Ok(repeat(move || {
        mine.wait();
        mine.clear();
        theirs.set();
        Ok(())
    }))
}

/// Whose turn it is, among processes.
#[derive(Clone, Serialize, Deserialize)]
struct SharedTurn {
    theirs: Value<u32>,
    changed: Condition,
}

impl SharedTurn {
    fn give(&self, theirs: u32) -> Result<()> {
        *guard(self.theirs.lock())? = theirs;
        self.changed.notify_one();
        Ok(())
    }

    fn wait(&self, theirs: u32) -> Result<()> {
        let turn = guard(self.theirs.lock())?;
        guard(self.changed.wait_while(turn, |turn| **turn != theirs)).map(drop)
    }
}

fn shared_turns(pace: Pace) -> impl FnOnce() -> Result<Sample> {
    apart(pace, micros(), move |there| {
        let turn = SharedTurn { theirs: Value::new(0)?, changed: Condition::new()? };
        let partner = Partner::process(there, answer_turn, turn.clone())?;
        let work = repeat(move || {
            turn.give(1)?;
            turn.wait(0)
        });
        Ok(Team::pair(partner, work))
    })
}

fn answer_turn(turn: SharedTurn) -> Result<Work> {
    Ok(repeat(move || {
        turn.wait(1)?;
        turn.give(0)
    }))
}

fn gates(pace: Pace) -> impl FnOnce() -> Result<Sample> {
    apart(pace, micros(), move |there| {
        let memory = memory(PAGE)?;
        let partner = Partner::process(there, answer_gate, memory.clone())?;
        let [there, here] = both_gates(memory);
        let work = repeat(move || {
            there.open()?;
            here.pass()
        });
        Ok(Team::pair(partner, work))
    })
}

fn both_gates(memory: Region) -> [Gate; 2] {
    [Gate::new(memory.clone(), 0), Gate::new(memory, PAGE / 2)]
}

fn answer_gate(memory: Region) -> Result<Work> {
    let [here, there] = both_gates(memory);
    Ok(repeat(move || {
        here.pass()?;
        there.open()
    }))
}

fn raw_events(pace: Pace) -> impl FnOnce() -> Result<Sample> {
    apart(pace, micros(), move |there| {
        let (first, second) = (memory(PAGE)?, memory(PAGE)?);
        RawEvent::create(&first)?;
        RawEvent::create(&second)?;
        let both = (first.clone(), second.clone());
        let partner = Partner::process(there, answer_raw, both)?;
        let (there, here) = (RawEvent::open(first)?, RawEvent::open(second)?);
        let work = repeat(move || {
            there.set()?;
            here.wait()
        });
        Ok(Team::pair(partner, work))
    })
}

fn answer_raw((here, there): (Region, Region)) -> Result<Work> {
    let (here, there) = (RawEvent::open(here)?, RawEvent::open(there)?);
    Ok(repeat(move || {
        here.wait()?;
        there.set()
    }))
}

/// Whose turn it is, among threads.
#[derive(Default)]
struct Turn {
    theirs: Mutex<bool>,
    changed: Condvar,
}

impl Turn {
    fn give(&self, theirs: bool) {
        *self.theirs.lock().unwrap_or_else(PoisonError::into_inner) = theirs;
        self.changed.notify_one();
    }

    fn wait(&self, theirs: bool) {
        let turn = self.theirs.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.changed.wait_while(turn, |turn| *turn != theirs));
    }
}

fn turns(pace: Pace) -> impl FnOnce() -> Result<Sample> {
    apart(pace, micros(), move |there| {
        let turn = Arc::new(Turn::default());
        let other = Arc::clone(&turn);
        let answer = move || {
            other.wait(true);
            other.give(false);
            Ok(())
        };
        let partner = Partner::thread(there, move || Ok(repeat(answer)))?;
        let work = repeat(move || {
            turn.give(true);
            turn.wait(false);
            Ok(())
        });
        Ok(Team::pair(partner, work))
    })
}
