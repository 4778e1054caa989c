//! Barriers: two processes wait for each other.

use std::sync::{Arc, Barrier as StdBarrier};

use anyhow::Result;
use mp_handle::Region;
use mp_sync::Barrier;

use super::bare::Meeting;
use super::{PAGE, python_pair, row};
use crate::duo::{Pace, Partner, Sample, Team, Work, apart, memory, micros, repeat};
use crate::row::{Row, System};

pub(super) fn rows(pace: Pace) -> Vec<Row> {
    let systems = vec![
        System::new("ours", barrier(pace)),
        System::limit("futex word", meeting(pace)),
        System::ceiling("std Barrier, threads", std_barrier(pace)),
        python_pair("CPython Barrier", "sync.barrier", pace, micros()),
    ];
    vec![row("barrier-2", "two processes meet at a barrier, once", "us", systems)]
}

fn barrier(pace: Pace) -> impl FnOnce() -> Result<Sample> {
    apart(pace, micros(), move |there| {
        let barrier = Barrier::new(2)?;
        let partner = Partner::process(there, meet_at, barrier.clone())?;
        Ok(Team::pair(partner, meet_at(barrier)?))
    })
}

fn meet_at(barrier: Barrier) -> Result<Work> {
    Ok(repeat(move || {
        barrier.wait()?;
        Ok(())
    }))
}

fn meeting(pace: Pace) -> impl FnOnce() -> Result<Sample> {
    apart(pace, micros(), move |there| {
        let memory = memory(PAGE)?;
        let partner = Partner::process(there, meet, memory.clone())?;
        Ok(Team::pair(partner, meet(memory)?))
    })
}

fn meet(memory: Region) -> Result<Work> {
    let meeting = Meeting::new(memory);
    Ok(repeat(move || meeting.wait()))
}

fn std_barrier(pace: Pace) -> impl FnOnce() -> Result<Sample> {
    apart(pace, micros(), move |there| {
        let barrier = Arc::new(StdBarrier::new(2));
        let other = Arc::clone(&barrier);
        let partner = Partner::thread(there, move || Ok(std_meet(other)))?;
        Ok(Team::pair(partner, std_meet(barrier)))
    })
}

fn std_meet(barrier: Arc<StdBarrier>) -> Work {
    repeat(move || {
        barrier.wait();
        Ok(())
    })
}
