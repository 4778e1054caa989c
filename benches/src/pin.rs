//! Which processors are used, and how far they are from each other.

use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// Round trips in one batch, and batches: the median of these is what counts.
const TRIPS: u32 = 2_000;
const BATCHES: usize = 5;

/// Keeps this thread, and all that it starts from now on, on these processors: `none`, or a list
/// such as `0,2-3`.
pub(crate) fn pin(list: &str) -> Result<Option<String>> {
    if list == "none" {
        return Ok(None);
    }
    let mut set = CpuSet::new();
    for processor in parse(list)? {
        set.set(processor);
    }
    sched_setaffinity(None, &set).with_context(|| format!("processors {list}"))?;
    Ok(Some(list.to_owned()))
}

fn parse(list: &str) -> Result<Vec<usize>> {
    let mut processors = Vec::new();
    for part in list.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last): (usize, usize) = (first.trim().parse()?, last.trim().parse()?);
        ensure!(first <= last, "{part} is empty");
        ensure!(last < CpuSet::MAX_CPU, "there is no processor {last}");
        processors.extend(first..=last);
    }
    Ok(processors)
}

/// The processors that this thread may use.
pub(crate) fn allowed() -> Result<Vec<usize>> {
    let set = sched_getaffinity(None)?;
    Ok((0..CpuSet::MAX_CPU).filter(|processor| set.is_set(*processor)).collect())
}

/// Nanoseconds that a word of memory takes from one processor to another and back; `None` if there
/// is one only. Nobody sleeps meanwhile.
pub(crate) fn round_trip() -> Result<Option<f64>> {
    let [one, other, ..] = allowed()?[..] else { return Ok(None) };
    let word = AtomicU32::new(0);
    thread::scope(|scope| {
        let partner = scope.spawn(|| bounce(&word, other, 1));
        let seconds = scope.spawn(|| bounce(&word, one, 0)).join();
        let _ = partner.join();
        let seconds = seconds.ok().context("a thread panicked")?;
        Ok(Some(seconds / f64::from(TRIPS) * 1e9))
    })
}

/// Waits for each number of its own parity, and answers with the next; returns the seconds of a
/// batch.
fn bounce(word: &AtomicU32, processor: usize, parity: u32) -> f64 {
    let mut set = CpuSet::new();
    set.set(processor);
    // If the processor is gone since it was allowed, the trip is shorter; it is no worse than that.
    let _ = sched_setaffinity(None, &set);
    let mut number = parity;
    let mut batch = || {
        let begin = Instant::now();
        for _ in 0..TRIPS {
            while word.load(Ordering::Acquire) != number {
                std::hint::spin_loop();
            }
            word.store(number + 1, Ordering::Release);
            number += 2;
        }
        begin.elapsed().as_secs_f64()
    };
    let batches = (0..BATCHES).map(|_| batch()).collect();
    crate::stats::median(batches).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_have_numbers_and_ranges() {
        assert_eq!(parse("0,2-4").unwrap(), [0, 2, 3, 4]);
        assert!(parse("").is_err());
        assert!(parse("3-1").is_err());
        assert!(parse("99999").is_err());
    }

    #[test]
    fn a_round_trip_takes_time_if_there_are_two_processors() {
        match round_trip().unwrap() {
            Some(nanoseconds) => assert!(nanoseconds > 0.0),
            None => assert_eq!(allowed().unwrap().len(), 1),
        }
    }
}
