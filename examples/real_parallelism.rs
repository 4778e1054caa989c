//! Two processes compute at the same time, on two processors if there are two.

use std::fs;
use std::hint::black_box;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::SystemTime;

use mp::handle::{Kind, Region};
use multiprocess as mp;
use serde::{Deserialize, Serialize};

const SIGHTINGS: Kind = Kind::new(1001, "sightings");

/// When a process has computed; and, if it has seen the other at work on another processor, on
/// which ones the two were.
#[derive(Debug, Serialize, Deserialize)]
struct Shift {
    begin: SystemTime,
    end: SystemTime,
    seen: Option<(u32, u32)>,
}

/// Computes until one of the two has seen the other at work on another processor.
fn compute(me: usize, memory: Region) -> Result<Shift, String> {
    let word = |index: usize| memory.atomic_u32(4 * index).map_err(|error| error.to_string());
    let (mine, others, met) = (word(me)?, word(1 - me)?, word(2)?);
    let begin = SystemTime::now();
    loop {
        black_box((0..100_000).map(|i: u64| black_box(i).pow(2)).sum::<u64>());
        let cpu = current_cpu().ok_or("the system does not say where this process runs")?;
        mine.store(cpu + 1, Ordering::Relaxed);
        let other = others.load(Ordering::Relaxed);
        let seen = other != 0 && (other != cpu + 1 || mp::cpu_count() == 1);
        if seen || met.load(Ordering::Relaxed) == 1 {
            met.store(1, Ordering::Relaxed);
            let seen = seen.then(|| (cpu, other - 1));
            return Ok(Shift { begin, end: SystemTime::now(), seen });
        }
    }
}

/// The processor that this process runs on: the 39th field of its `stat`, of which the second,
/// the name in parentheses, may contain anything.
fn current_cpu() -> Option<u32> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    stat.rsplit_once(')')?.1.split_whitespace().nth(36)?.parse().ok()
}

#[mp::main]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let memory = Region::create(SIGHTINGS, 0, 3 * size_of::<AtomicU32>())?;
    let processes = [mp::spawn(compute, (0, memory.clone()))?, mp::spawn(compute, (1, memory))?];
    let [one, two] = processes.map(mp::Process::join);
    let (one, two) = (one??, two??);
    let (here, there) = one.seen.or(two.seen).ok_or("neither has seen the other")?;
    println!("processors: {here} and {there} of {}", mp::cpu_count());
    println!("overlap: {:?}", one.end.min(two.end).duration_since(one.begin.max(two.begin))?);
    Ok(())
}
