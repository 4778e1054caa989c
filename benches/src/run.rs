//! Measuring a row: its systems take turns, so that the moods of the machine meet all alike.

use anyhow::{Context, Result, ensure};

use crate::report::{Figures, Outcome, RowReport};
use crate::row::{Better, Measure, Row, System};

/// A system on the track.
struct Entrant {
    name: &'static str,
    measure: Result<Measure>,
    samples: Vec<f64>,
}

impl Entrant {
    fn new(system: System) -> Self {
        let mut entrant =
            Self { name: system.name, measure: (system.setup)(), samples: Vec::new() };
        // The first time is never like the others.
        entrant.sample();
        entrant.samples.clear();
        entrant
    }

    fn sample(&mut self) {
        let Ok(measure) = &mut self.measure else { return };
        match measure() {
            Ok(sample) => self.samples.push(sample),
            Err(error) => self.measure = Err(error),
        }
    }
}

/// Measures each system of the row `runs` times.
pub(crate) fn measure(row: Row, runs: usize) -> RowReport {
    let Row { name, about, unit, better, ballast, systems } = row;
    let outcomes = match self::ballast(ballast) {
        Err(error) => {
            let none = |system: System| Outcome::missing(system.name, format!("{error:#}"));
            systems.into_iter().map(none).collect()
        }
        Ok(_ballast) => race(systems, better, runs),
    };
    RowReport { name, about, unit, better, outcomes }
}

fn race(systems: Vec<System>, better: Better, runs: usize) -> Vec<Outcome> {
    let mut entrants: Vec<_> = systems.into_iter().map(Entrant::new).collect();
    for run in 0..runs {
        // There and back again, so that nobody always comes after the same one.
        if run % 2 == 0 {
            entrants.iter_mut().for_each(Entrant::sample);
        } else {
            entrants.iter_mut().rev().for_each(Entrant::sample);
        }
    }
    let ours = entrants.first().map(|ours| ours.samples.clone()).unwrap_or_default();
    let judge = |entrant: Entrant| match entrant.measure {
        Err(error) => Outcome::missing(entrant.name, format!("{error:#}")),
        Ok(_) => Outcome {
            system: entrant.name,
            figures: Some(figures(&ours, &entrant.samples, better)),
            missing: None,
        },
    };
    entrants.into_iter().map(judge).collect()
}

fn figures(ours: &[f64], samples: &[f64], better: Better) -> Figures {
    let advantages = ours.iter().zip(samples).map(|(ours, theirs)| match better {
        Better::Lower => theirs / ours,
        Better::Higher => ours / theirs,
    });
    let advantages = sorted(advantages.collect());
    let samples = sorted(samples.to_vec());
    Figures {
        median: median(&samples),
        min: samples[0],
        max: samples[samples.len() - 1],
        // Without a figure of ours there is nothing to compare with.
        advantage: (!advantages.is_empty()).then(|| median(&advantages)),
    }
}

fn sorted(mut samples: Vec<f64>) -> Vec<f64> {
    samples.sort_by(f64::total_cmp);
    samples
}

/// Of an even number, the mean of the two in the middle.
fn median(sorted: &[f64]) -> f64 {
    (sorted[(sorted.len() - 1) / 2] + sorted[sorted.len() / 2]) / 2.0
}

/// So much heap, every page of it touched, if the machine can spare three times as much: a peer
/// in another process may have its own.
fn ballast(bytes: usize) -> Result<Vec<u8>> {
    if bytes > 0 {
        let needed = bytes / 1024 * 3;
        let available = available_kib()?;
        ensure!(available >= needed, "{needed} KiB of memory needed, {available} KiB available");
    }
    Ok(vec![1; bytes])
}

fn available_kib() -> Result<usize> {
    let all = std::fs::read_to_string("/proc/meminfo")?;
    let line = all.lines().find_map(|line| line.strip_prefix("MemAvailable:"));
    let number = line.and_then(|line| line.split_whitespace().next()).context("MemAvailable")?;
    Ok(number.parse()?)
}
