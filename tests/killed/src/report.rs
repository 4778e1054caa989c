//! What became of the operations: a line for each, a table of all.

use std::fmt::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use crate::options::Options;
use crate::stage::Line;

/// The findings of one operation.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    pub(crate) name: String,
    instructions: usize,
    calls: usize,
    places: usize,
    pub(crate) kills: usize,
    hangs: usize,
    /// The broken promises, and where the kill was.
    pub(crate) violations: Vec<String>,
    /// Where the last kill was.
    place: String,
    pub(crate) time: Duration,
}

impl Outcome {
    pub(crate) fn new(name: String) -> Outcome {
        Outcome {
            name,
            instructions: 0,
            calls: 0,
            places: 0,
            kills: 0,
            hangs: 0,
            violations: Vec::new(),
            place: "before the first kill".to_owned(),
            time: Duration::ZERO,
        }
    }

    /// Takes in what the stage tells.
    pub(crate) fn note(&mut self, line: Line) {
        match line {
            Line::Plan(instructions, calls, places) => {
                (self.instructions, self.calls, self.places) = (instructions, calls, places);
            }
            Line::Place(place) => {
                self.kills += 1;
                self.place = place;
            }
            Line::Violation(text) => self.violate(text),
        }
    }

    /// Notes a broken promise.
    pub(crate) fn violate(&mut self, text: String) {
        self.violations.push(format!("{}: {text}", self.place));
    }

    /// Notes that the survivors of the last kill hang.
    pub(crate) fn hang(&mut self) {
        self.hangs += 1;
        self.violate("survivors hang".to_owned());
    }

    fn is_clean(&self) -> bool {
        self.violations.is_empty() && self.kills >= self.places
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Outcome { name, instructions, calls, kills, hangs, .. } = self;
        let (violations, seconds) = (self.violations.len(), self.time.as_secs_f64());
        write!(
            f,
            "{name:44} {instructions:7} instructions {calls:4} calls {kills:5} kills \
             {hangs:2} hangs {violations:3} violations {seconds:6.1} s"
        )?;
        self.violations.iter().try_for_each(|violation| write!(f, "\n    {violation}"))
    }
}

/// Prints the totals; fails if a promise was broken.
pub(crate) fn conclude(outcomes: &[Outcome]) -> ExitCode {
    let kills: usize = outcomes.iter().map(|outcome| outcome.kills).sum();
    let hangs: usize = outcomes.iter().map(|outcome| outcome.hangs).sum();
    let violations: usize = outcomes.iter().map(|outcome| outcome.violations.len()).sum();
    let count = outcomes.len();
    println!("{count} operations, {kills} kills, {hangs} hangs, {violations} violations");
    let is_clean = outcomes.iter().all(Outcome::is_clean);
    if is_clean { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The table, with a line for each operation.
pub(crate) fn markdown(outcomes: &[Outcome], options: &Options) -> String {
    let form = match options.sample {
        None => "the full form: `cargo run --release -p mp-killed -- --report FILE`".to_owned(),
        Some(places) => format!("a sample of {places} places of each, by seed {}", options.seed),
    };
    let arch = std::env::consts::ARCH;
    let mut text = format!(
        "# Killed at every instruction\n\n\
         How it is done, and what the columns mean, is in [README.md](README.md). \
         This is {form}, on {arch}.\n\n\
         | operation | instructions | system calls | kills | hangs | violations |\n\
         |---|--:|--:|--:|--:|--:|\n"
    );
    for Outcome { name, instructions, calls, kills, hangs, violations, .. } in outcomes {
        let violations = violations.len();
        let numbers = format!("{instructions} | {calls} | {kills} | {hangs} | {violations}");
        // Writing to a string does not fail.
        let _ = writeln!(text, "| {name} | {numbers} |");
    }
    let sum = |of: fn(&Outcome) -> usize| outcomes.iter().map(of).sum::<usize>();
    let (kills, hangs) = (sum(|outcome| outcome.kills), sum(|outcome| outcome.hangs));
    let violations = sum(|outcome| outcome.violations.len());
    let _ = writeln!(text, "| **all {}** | | | {kills} | {hangs} | {violations} |", outcomes.len());
    text
}
