//! The command line.

use std::path::PathBuf;

use clap::Parser;

/// Kills a process at every instruction of every operation, and asks those who survive.
#[derive(Clone, Debug, Parser)]
pub(crate) struct Options {
    /// Takes only the operations whose names begin so; may be given several times
    #[arg(long, value_name = "PREFIX")]
    only: Vec<String>,
    /// Kills at this many places of each operation, not at all
    #[arg(long, value_name = "PLACES")]
    pub(crate) sample: Option<usize>,
    /// Kills at each instruction of operations that have up to so many: to step to each of N takes
    /// up to N²/2 steps
    #[arg(long, value_name = "INSTRUCTIONS", default_value_t = 2000)]
    pub(crate) each: usize,
    /// Has many processes do everything at once, for so many seconds, and strikes them
    #[arg(long, value_name = "SECONDS")]
    pub(crate) chaos: Option<u64>,
    /// Draws other samples, and strikes otherwise
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Writes a table in Markdown
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
    /// Lists the operations and kills nobody
    #[arg(long)]
    pub(crate) list: bool,
    /// Performs this operation: what the program starts itself with
    #[arg(long, hide = true)]
    pub(crate) perform: Option<String>,
    /// The processor that a performance is on
    #[arg(long, hide = true, default_value_t = 0)]
    pub(crate) cpu: usize,
    /// How many places of a performance are done
    #[arg(long, hide = true, default_value_t = 0)]
    pub(crate) skip: usize,
}

impl Options {
    pub(crate) fn wants(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| name.starts_with(only))
    }
}
