//! The command line.

use std::path::PathBuf;

use clap::Parser;

/// The file of expected ratios, if no other is named.
const EXPECTED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/expected.json");

/// Measures `multiprocess` and its peers side by side.
#[derive(Debug, Parser)]
pub(crate) struct Options {
    /// Measures only the rows whose names begin so; may be given several times
    #[arg(long, value_name = "PREFIX")]
    only: Vec<String>,
    /// Measures less of everything: to see that it works
    #[arg(long)]
    pub(crate) quick: bool,
    /// Sets how often each system of a row is measured [default: 9, or 1 if quick]
    #[arg(long)]
    runs: Option<usize>,
    /// Keeps everything on these processors, as in 0 or 0-1
    #[arg(long, value_name = "LIST", default_value = "none")]
    pub(crate) pin: String,
    /// Lists the rows and measures nothing
    #[arg(long)]
    pub(crate) list: bool,
    /// Prints Markdown
    #[arg(long)]
    pub(crate) markdown: bool,
    /// Prints JSON
    #[arg(long, conflicts_with = "markdown")]
    pub(crate) json: bool,
    /// Saves everything as JSON, each sample included
    #[arg(long, value_name = "FILE")]
    pub(crate) save: Option<PathBuf>,
    /// Takes what was saved, and measures nothing
    #[arg(long, value_name = "FILE", conflicts_with = "save")]
    pub(crate) from: Option<PathBuf>,
    /// Draws the groups of rows, or the curves of --growth, as SVG
    #[arg(long, value_name = "DIR")]
    pub(crate) charts: Option<PathBuf>,
    /// Compares the ratios with those in a file, and fails if we lost ground
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = EXPECTED)]
    pub(crate) check: Option<PathBuf>,
    /// Writes that file anew
    #[arg(long, requires = "check")]
    pub(crate) update: bool,
    /// Counts the instructions of the hot paths, by valgrind, instead of measuring rows
    #[arg(long, conflicts_with_all = ["growth", "from"])]
    pub(crate) instructions: bool,
    /// Measures how it goes with more workers and more tasks, instead of rows
    #[arg(long, conflicts_with = "check")]
    pub(crate) growth: bool,
}

impl Options {
    pub(crate) fn wants(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| name.starts_with(only))
    }

    pub(crate) fn runs(&self) -> usize {
        self.runs.unwrap_or(if self.quick { 1 } else { 9 }).max(1)
    }

    /// Fewer, since the largest samples of a curve take seconds each.
    pub(crate) fn growth_runs(&self) -> usize {
        self.runs().min(5)
    }
}
