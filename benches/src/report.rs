//! What came of it, as a table for eyes, for Markdown, or as JSON.

use std::fmt::Write;

use serde::Serialize;

use crate::machine::Machine;
use crate::row::Better;

/// The whole table.
#[derive(Serialize)]
pub(crate) struct Report {
    #[serde(flatten)]
    pub(crate) machine: Machine,
    pub(crate) runs: usize,
    pub(crate) rows: Vec<RowReport>,
}

/// A row that was measured.
#[derive(Serialize)]
pub(crate) struct RowReport {
    pub(crate) name: String,
    pub(crate) about: String,
    pub(crate) unit: &'static str,
    pub(crate) better: Better,
    pub(crate) outcomes: Vec<Outcome>,
}

/// What one system did, or why it did nothing.
#[derive(Serialize)]
pub(crate) struct Outcome {
    pub(crate) system: &'static str,
    #[serde(flatten)]
    pub(crate) figures: Option<Figures>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) missing: Option<String>,
}

/// The results of several runs.
#[derive(Serialize)]
pub(crate) struct Figures {
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
    /// How many times better we are: the median over the runs, each compared with ours of the
    /// same run.
    #[serde(rename = "ours_is_better_by")]
    pub(crate) advantage: Option<f64>,
}

impl Outcome {
    pub(crate) fn missing(system: &'static str, why: String) -> Self {
        Self { system, figures: None, missing: Some(why) }
    }

    fn cells(&self) -> [String; 3] {
        let system = self.system.to_owned();
        match (&self.figures, &self.missing) {
            (Some(figures), _) => {
                let Figures { median, min, max, advantage } = figures;
                let spread = format!("{} [{} .. {}]", short(*median), short(*min), short(*max));
                [system, spread, advantage.map_or_else(String::new, |by| format!("{by:.2}x"))]
            }
            (None, why) => {
                let why = why.as_deref().unwrap_or("no reason given");
                [system, format!("missing: {}", why.replace(['\n', '|'], " ")), String::new()]
            }
        }
    }
}

impl RowReport {
    fn title(&self) -> String {
        let better = match self.better {
            Better::Lower => "lower",
            Better::Higher => "higher",
        };
        format!("{}: {} ({}, {better} is better)", self.name, self.about, self.unit)
    }
}

const HEAD: [&str; 3] = ["system", "median [min .. max]", "ours is better by"];

impl Report {
    /// The table for a terminal.
    pub(crate) fn text(&self) -> String {
        let mut out = self.preface();
        for row in &self.rows {
            let _ = writeln!(out, "\n{}", row.title());
            for [system, spread, by] in row.outcomes.iter().map(Outcome::cells) {
                let line = format!("  {system:28} {spread:36} {by:>10}");
                let _ = writeln!(out, "{}", line.trim_end());
            }
        }
        let _ = writeln!(out, "\nThe last column says how many times better ours is.\n{NOTE}");
        out
    }

    /// The table for a page.
    pub(crate) fn markdown(&self) -> String {
        let mut out = self.preface().replace('\n', "  \n");
        let _ = writeln!(out, "\n| row | {} |\n|---|---|---|---|", HEAD.join(" | "));
        for row in &self.rows {
            for (i, outcome) in row.outcomes.iter().enumerate() {
                let title = if i == 0 { row.title() } else { String::new() };
                let _ = writeln!(out, "| {title} | {} |", outcome.cells().join(" | "));
            }
        }
        let _ = writeln!(out, "\n{NOTE}");
        out
    }

    fn preface(&self) -> String {
        format!("{}\n{} runs of each, in turn\n", self.machine, self.runs)
    }
}

const NOTE: &str =
    "The main job, thumbnails of photographs: cargo run --release --example thumbnails";

/// Four digits or so: more would be noise.
fn short(number: f64) -> String {
    match number.abs() {
        n if n >= 1000.0 => format!("{number:.0}"),
        n if n >= 100.0 => format!("{number:.1}"),
        n if n >= 10.0 => format!("{number:.2}"),
        _ => format!("{number:.3}"),
    }
}
