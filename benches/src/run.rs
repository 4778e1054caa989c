//! Measuring a row: its systems take turns, so that the moods of the machine meet all alike.
//!
//! Those that answer by words do so side by side: words are no times, and who hangs takes long.

use std::thread::{self, JoinHandle};

use anyhow::{Context, Result, anyhow, ensure};

use crate::report::Outcome;
use crate::row::{Answer, Better, Measure, Row, System};
use crate::stats::Figures;

/// A system on the track.
struct Entrant {
    index: usize,
    outcome: Outcome,
    measure: Option<Measure>,
    words: Option<JoinHandle<Result<String>>>,
}

/// A system that is not to be asked, by its place in the row, and why.
pub(crate) type Excluded = (usize, String);

/// Measures each system of the row `runs` times. `announce` is told whose turn it is.
pub(crate) fn measure(
    row: Row,
    runs: usize,
    excluded: &[Excluded],
    announce: &mut dyn FnMut(usize),
) -> Vec<Outcome> {
    let needed = row.ballast.saturating_mul(row.systems.len() + 1);
    match ballast(row.ballast, needed) {
        Ok(_ballast) => race(row.systems, row.better, runs, excluded, announce),
        Err(error) => {
            let none = |system: &System| Outcome::missing(system, format!("{error:#}"));
            row.systems.iter().map(none).collect()
        }
    }
}

fn race(
    systems: Vec<System>,
    better: Better,
    runs: usize,
    excluded: &[Excluded],
    announce: &mut dyn FnMut(usize),
) -> Vec<Outcome> {
    let enter = |(index, system): (usize, System)| match excluded.iter().find(|e| e.0 == index) {
        Some((_, why)) => Entrant::idle(index, Outcome::missing(&system, why.clone())),
        None => Entrant::new(index, system, announce),
    };
    let mut entrants: Vec<_> = systems.into_iter().enumerate().map(enter).collect();
    entrants.iter_mut().for_each(|entrant| entrant.hear(announce));
    for run in 0..runs {
        // There and back again, so that nobody always comes after the same one.
        if run % 2 == 0 {
            entrants.iter_mut().for_each(|entrant| entrant.sample(announce));
        } else {
            entrants.iter_mut().rev().for_each(|entrant| entrant.sample(announce));
        }
    }
    let ours = entrants.first().map(|ours| ours.outcome.samples.clone()).unwrap_or_default();
    let judge = |entrant: Entrant| {
        let figures = Figures::of(&entrant.outcome.samples, &ours, better);
        Outcome { figures, ..entrant.outcome }
    };
    entrants.into_iter().map(judge).collect()
}

impl Entrant {
    fn idle(index: usize, outcome: Outcome) -> Self {
        Self { index, outcome, measure: None, words: None }
    }

    fn new(index: usize, system: System, announce: &mut dyn FnMut(usize)) -> Self {
        announce(index);
        let mut entrant = Self::idle(index, Outcome::nothing(&system));
        match system.answer {
            Answer::Words(ask) => entrant.words = Some(thread::spawn(ask)),
            Answer::Figures(setup) => match setup() {
                Ok(measure) => entrant.measure = Some(measure),
                Err(error) => entrant.fail(&error),
            },
        }
        // The first time is never like the others.
        entrant.sample(announce);
        entrant.outcome.samples.clear();
        entrant
    }

    fn sample(&mut self, announce: &mut dyn FnMut(usize)) {
        let Some(measure) = &mut self.measure else { return };
        announce(self.index);
        let sample = measure().and_then(|sample| {
            ensure!(sample.is_finite() && sample > 0.0, "it measured {sample}");
            Ok(sample)
        });
        match sample {
            Ok(sample) => self.outcome.samples.push(sample),
            Err(error) => self.fail(&error),
        }
    }

    /// Waits for the words that it was asked for.
    fn hear(&mut self, announce: &mut dyn FnMut(usize)) {
        let Some(words) = self.words.take() else { return };
        announce(self.index);
        match words.join().unwrap_or_else(|_| Err(anyhow!("it panicked"))) {
            Ok(words) => self.outcome.words = Some(words),
            Err(error) => self.fail(&error),
        }
    }

    /// Who fails once is out: half of the samples cannot be compared.
    fn fail(&mut self, error: &anyhow::Error) {
        self.measure = None;
        self.outcome.samples.clear();
        self.outcome.missing = Some(format!("{error:#}"));
    }
}

/// So much heap, every page of it touched, if the machine can spare what is needed: peers in other
/// processes may have as much each.
fn ballast(bytes: usize, needed: usize) -> Result<Vec<u8>> {
    let available = available_kib()?;
    let needed = needed / 1024;
    ensure!(available >= needed, "{needed} KiB of memory needed, {available} KiB available");
    Ok(vec![1; bytes])
}

/// The memory that the machine can spare.
pub(crate) fn available_kib() -> Result<usize> {
    let all = std::fs::read_to_string("/proc/meminfo")?;
    let line = all.lines().find_map(|line| line.strip_prefix("MemAvailable:"));
    let number = line.and_then(|line| line.split_whitespace().next()).context("MemAvailable")?;
    Ok(number.parse()?)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};
    use std::time::Duration;

    use super::*;

    fn ask(systems: Vec<System>) -> Vec<Outcome> {
        race(systems, Better::Lower, 1, &[], &mut |_| ())
    }

    #[test]
    fn words_are_asked_for_side_by_side() {
        let ((to_one, one), (to_other, other)) = (channel(), channel());
        let meet = |name: &str, tell: Sender<()>, told: Receiver<()>| {
            System::verdict(name, move || {
                tell.send(())?;
                told.recv_timeout(Duration::from_secs(60))?;
                Ok("met".into())
            })
        };
        let outcomes = ask(vec![meet("one", to_other, one), meet("other", to_one, other)]);
        assert_eq!(outcomes.len(), 2);
        assert!(outcomes.iter().all(|outcome| outcome.words.as_deref() == Some("met")));
    }

    #[test]
    fn who_panics_is_named_and_the_others_answer() {
        let answer = System::verdict("sound", || Ok("goes on".into()));
        let outcomes = ask(vec![System::verdict("mad", || panic!("no words")), answer]);
        assert_eq!(outcomes[0].missing.as_deref(), Some("it panicked"));
        assert_eq!(outcomes[1].words.as_deref(), Some("goes on"));
    }
}
