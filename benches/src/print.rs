//! The table, for eyes and for Markdown.

use std::fmt::Write;

use crate::report::{Outcome, Report, RowReport};

const HEAD: &str = "| row | system | median [min .. max] | ours is better by |\n|---|---|---|---|";

const NOTE: &str = "\
The last column compares each turn with ours of the same turn, and says how many times better ours
is (the median). A limit is the bare mechanism, with nothing around it; threads share one process,
and die together: neither is a peer.
The main job, thumbnails of photographs: cargo run --release --example thumbnails";

impl Report {
    /// The table for a terminal.
    pub(crate) fn text(&self) -> String {
        let mut out = self.preface();
        for row in &self.rows {
            let _ = writeln!(out, "\n{}: {}", row.name, row.title());
            for reason in &row.noise {
                let _ = writeln!(out, "  NOISY: {reason}");
            }
            for [system, spread, by] in row.outcomes.iter().map(cells) {
                let line = format!("  {system:32} {spread:40} {by:>10}");
                let _ = writeln!(out, "{}", line.trim_end());
            }
        }
        let _ = writeln!(out, "\n{NOTE}");
        out
    }

    /// The table for a page.
    pub(crate) fn markdown(&self) -> String {
        let mut out = self.preface().trim_end().replace('\n', "  \n");
        let _ = writeln!(out, "\n\n{HEAD}");
        for row in &self.rows {
            for (i, outcome) in row.outcomes.iter().enumerate() {
                let title = if i == 0 { markdown_title(row) } else { String::new() };
                let cells = cells(outcome).map(|cell| cell.replace('|', " "));
                let _ = writeln!(out, "| {title} | {} |", cells.join(" | "));
            }
        }
        let _ = writeln!(out, "\n{NOTE}");
        out
    }

    /// All that one must know to read the figures.
    fn preface(&self) -> String {
        let pinned = match &self.pinned {
            Some(list) => format!("pinned to processor {list}"),
            None => "not pinned".to_owned(),
        };
        let quick = if self.quick { ", quick" } else { "" };
        let noisy = self.rows.iter().filter(|row| !row.noise.is_empty()).count();
        format!(
            "{}\n{} runs of each, in turn{quick}; {pinned}\n{}\n{noisy} of {} rows are noisy\n",
            self.machine,
            self.runs,
            self.drift,
            self.rows.len(),
        )
    }
}

fn markdown_title(row: &RowReport) -> String {
    let noise: String = row.noise.iter().map(|reason| format!("<br>noisy: {reason}")).collect();
    format!("**{}**: {}{noise}", row.name, row.title())
}

/// Name, figures or words, and ratio.
fn cells(outcome: &Outcome) -> [String; 3] {
    let system = outcome.title();
    if let Some(words) = &outcome.words {
        return [system, one_line(words), String::new()];
    }
    let Some(figures) = &outcome.figures else {
        let why = outcome.missing.as_deref().unwrap_or("no samples");
        return [system, format!("missing: {}", one_line(why)), String::new()];
    };
    let spread = [figures.median, figures.min, figures.max].map(short);
    let by = figures.advantage.map_or_else(String::new, |by| format!("{:.2}x", by.median));
    [system, format!("{} [{} .. {}]", spread[0], spread[1], spread[2]), by]
}

fn one_line(words: &str) -> String {
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Four digits or so: more would be noise.
pub(crate) fn short(number: f64) -> String {
    match number.abs() {
        n if n >= 1e6 => format!("{:.2}M", number / 1e6),
        n if n >= 1e4 => format!("{:.1}k", number / 1e3),
        n if n >= 1000.0 => format!("{number:.0}"),
        n if n >= 100.0 => format!("{number:.1}"),
        n if n >= 10.0 => format!("{number:.2}"),
        _ => format!("{number:.3}"),
    }
}
