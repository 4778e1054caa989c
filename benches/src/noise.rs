//! Was the machine quiet? Before and after each row it is asked to do the same few things.
//!
//! A row is noisy, and all outputs say why, if in its time
//!
//! - a fixed loop of arithmetic took over 15 % longer, before or after, than ever in this run;
//! - the round trip between two processors changed by a factor of 2: virtual ones are moved about;
//! - processes that are not ours took more than 8 % of the processors;
//! - the hypervisor gave more than 2 % of them to somebody else.

use std::fmt;
use std::hint::black_box;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use rustix::param::clock_ticks_per_second;
use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

use crate::pin::round_trip;
use crate::stats::median;

const SLOWER: f64 = 1.15;
const MOVED: f64 = 2.0;
const FOREIGN: f64 = 0.08;
const STOLEN: f64 = 0.02;

/// The clocks of the kernel count in ticks: less than a few of them say nothing.
const TICKS: f64 = 0.05;

/// What the machine was like at one time.
#[derive(Clone, Copy, Debug)]
struct Reading {
    /// Seconds that the loop took.
    seconds: f64,
    /// Nanoseconds from one processor to another and back.
    round_trip: Option<f64>,
    /// When the reading began, and when it was done.
    clocks: [Clocks; 2],
}

/// Seconds, counted from some time in the past.
#[derive(Clone, Copy, Debug)]
struct Clocks {
    now: f64,
    /// Of all processors together.
    busy: f64,
    /// Those that the hypervisor gave to somebody else.
    stolen: f64,
    /// Spent by this process, and by all that it has waited for.
    ours: f64,
}

/// Between the beginning of the run and its end.
#[derive(Serialize, Deserialize)]
pub(crate) struct Drift {
    /// How long a fixed loop took, in microseconds.
    loop_us: [f64; 2],
    /// From one processor to another and back, in nanoseconds, if there are two.
    round_trip_ns: [Option<f64>; 2],
}

/// Takes readings, and remembers how fast this machine can be.
pub(crate) struct Meter {
    processors: f64,
    first: Reading,
    last: Reading,
    fastest: f64,
}

impl Meter {
    pub(crate) fn new() -> Result<Self> {
        let processors = std::thread::available_parallelism()?.get() as f64;
        let first = Reading::take()?;
        Ok(Self { processors, first, last: first, fastest: first.seconds })
    }

    /// Whatever came between the last reading and this one is not what is measured.
    pub(crate) fn begin(&mut self) -> Result<()> {
        self.read().map(drop)
    }

    /// Why not to trust what was measured since the beginning.
    pub(crate) fn end(&mut self) -> Result<Vec<String>> {
        let before = self.read()?;
        Ok(reasons(self.fastest, self.processors, &before, &self.last))
    }

    pub(crate) fn drift(&self) -> Drift {
        Drift {
            loop_us: [self.first, self.last].map(|reading| reading.seconds * 1e6),
            round_trip_ns: [self.first, self.last].map(|reading| reading.round_trip),
        }
    }

    /// Returns the reading before this one.
    fn read(&mut self) -> Result<Reading> {
        let reading = Reading::take()?;
        self.fastest = self.fastest.min(reading.seconds);
        Ok(std::mem::replace(&mut self.last, reading))
    }
}

fn reasons(fastest: f64, processors: f64, before: &Reading, after: &Reading) -> Vec<String> {
    let mut reasons = Vec::new();
    let slower = before.seconds.max(after.seconds) / fastest;
    if slower > SLOWER {
        reasons.push(format!("the processor was {:.0} % slower", (slower - 1.0) * 100.0));
    }
    if let (Some(one), Some(other)) = (before.round_trip, after.round_trip)
        && one.max(other) > MOVED * one.min(other)
    {
        reasons.push(format!("core to core and back: {one:.0} ns before, {other:.0} ns after"));
    }
    let ([_, begin], [end, _]) = (before.clocks, after.clocks);
    let capacity = (end.now - begin.now) * processors;
    let mut share = |who, seconds: f64, most| {
        if seconds > TICKS && seconds > most * capacity {
            reasons.push(format!("{who} took {:.0} % of the time", 100.0 * seconds / capacity));
        }
    };
    share("other processes", (end.busy - begin.busy) - (end.ours - begin.ours), FOREIGN);
    share("the hypervisor", end.stolen - begin.stolen, STOLEN);
    reasons
}

impl Reading {
    fn take() -> Result<Self> {
        let begin = Clocks::read()?;
        let seconds = calibrate();
        let round_trip = round_trip()?;
        Ok(Self { seconds, round_trip, clocks: [begin, Clocks::read()?] })
    }
}

impl Clocks {
    fn read() -> Result<Self> {
        let all = std::fs::read_to_string("/proc/stat")?;
        let line = all.lines().next().context("/proc/stat is empty")?;
        let [user, nice, system, _idle, _io, interrupts, soft, stolen, ..] = seconds(line)[..]
        else {
            bail!("/proc/stat has too few columns");
        };
        let own = std::fs::read_to_string("/proc/self/stat")?;
        // The name of the program, in parentheses, may contain spaces.
        let (_, own) = own.rsplit_once(')').context("/proc/self/stat has no name")?;
        let ours = seconds(own).get(10..14).context("/proc/self/stat is too short")?.iter().sum();
        let now = clock_gettime(ClockId::Monotonic);
        Ok(Self {
            now: now.tv_sec as f64 + now.tv_nsec as f64 / 1e9,
            busy: user + nice + system + interrupts + soft,
            stolen,
            ours,
        })
    }
}

/// The columns after the first, from ticks.
fn seconds(line: &str) -> Vec<f64> {
    let second = clock_ticks_per_second() as f64;
    let ticks = line.split_whitespace().skip(1).map_while(|ticks| ticks.parse::<f64>().ok());
    ticks.map(|ticks| ticks / second).collect()
}

/// How long a fixed amount of arithmetic takes, with no memory in it and no system call.
fn calibrate() -> f64 {
    let once = || {
        let begin = Instant::now();
        let mut state = black_box(1_u64);
        for _ in 0..400_000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        }
        black_box(state);
        begin.elapsed().as_secs_f64()
    };
    let samples: Vec<f64> = (0..9).map(|_| once()).collect();
    median(samples).unwrap_or_default()
}

impl fmt::Display for Drift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [before, after] = self.loop_us;
        write!(f, "before and after: a fixed loop {before:.0} and {after:.0} us")?;
        match self.round_trip_ns {
            [Some(before), Some(after)] => {
                write!(f, ", from core to core and back {before:.0} and {after:.0} ns")
            }
            _ => f.write_str(", one processor only"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUIET: Clocks = Clocks { now: 0.0, busy: 0.0, stolen: 0.0, ours: 0.0 };

    fn reading(seconds: f64, round_trip: f64, clocks: Clocks) -> Reading {
        Reading { seconds, round_trip: Some(round_trip), clocks: [clocks; 2] }
    }

    #[test]
    fn our_own_work_is_no_noise() {
        let after = Clocks { now: 1.0, busy: 2.0, stolen: 0.0, ours: 1.95 };
        let quiet = reasons(1.0, 2.0, &reading(1.0, 400.0, QUIET), &reading(1.1, 500.0, after));
        assert_eq!(quiet, [""; 0]);
    }

    #[test]
    fn work_of_others_is_noise() {
        let after = Clocks { now: 1.0, busy: 1.2, stolen: 0.1, ours: 1.0 };
        let noisy = reasons(1.0, 2.0, &reading(1.0, 400.0, QUIET), &reading(1.0, 400.0, after));
        let expected =
            ["other processes took 10 % of the time", "the hypervisor took 5 % of the time"];
        assert_eq!(noisy, expected);
    }

    #[test]
    fn slower_or_moved_processors_are_noise() {
        let noisy = reasons(1.0, 2.0, &reading(1.2, 400.0, QUIET), &reading(1.0, 60.0, QUIET));
        let expected =
            ["the processor was 20 % slower", "core to core and back: 400 ns before, 60 ns after"];
        assert_eq!(noisy, expected);
    }

    #[test]
    fn own_time_passes_while_we_compute() {
        let begin = Clocks::read().unwrap();
        while Clocks::read().unwrap().ours < begin.ours + 0.02 {
            std::hint::black_box(calibrate());
        }
        assert!(Clocks::read().unwrap().now > begin.now);
    }
}
