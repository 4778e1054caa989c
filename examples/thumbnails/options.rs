//! What the user may ask for on the command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;

// Those of the repository, so that the example runs from any directory.
const PHOTOS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/photos");
const THUMBNAILS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/thumbnails");

/// Makes thumbnails and a contact sheet of a folder of photographs, in worker processes.
#[derive(Debug, Parser)]
#[command(name = "thumbnails")]
pub(crate) struct Options {
    /// Folder with the photographs (JPEG and PNG)
    #[arg(long, value_name = "DIR", default_value = PHOTOS)]
    pub(crate) input: PathBuf,

    /// Folder for the thumbnails and the contact sheet
    #[arg(long, value_name = "DIR", default_value = THUMBNAILS)]
    pub(crate) output: PathBuf,

    /// Longest side of a thumbnail, in pixels
    #[arg(long, value_name = "PX", default_value_t = 256, value_parser = range(16, 2048))]
    pub(crate) size: u32,

    /// Number of worker processes [default: one for each processor]
    #[arg(long, value_name = "N", value_parser = range(1, 1024))]
    workers: Option<u32>,

    /// Process each photograph this many times, to measure
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = range(1, 10_000))]
    pub(crate) repeat: u32,

    /// Kill workers at random while they work: every photograph must come out all the same
    #[arg(long)]
    pub(crate) chaos: bool,

    /// Add a broken file, a crash and an endless task: each may cost no more than itself
    #[arg(long)]
    pub(crate) with_traps: bool,

    /// How long a task may take until its worker is killed [default: 10, with traps 2]
    #[arg(long, value_name = "SECONDS", value_parser = range(1, 3600))]
    deadline: Option<u32>,

    /// Write a page with a picture of the run: which worker did what, and which one died
    #[arg(long, value_name = "FILE")]
    pub(crate) timeline: Option<PathBuf>,
}

impl Options {
    /// As many workers as asked for, else one for each processor that this process may use.
    pub(crate) fn workers(&self) -> usize {
        match self.workers {
            Some(workers) => workers as usize,
            None => multiprocess::cpu_count(),
        }
    }

    /// How long one task may take before its worker is killed and replaced.
    pub(crate) fn deadline(&self) -> Duration {
        // One trap always waits for it.
        let usual = if self.with_traps { 2 } else { 10 };
        Duration::from_secs(self.deadline.unwrap_or(usual).into())
    }

    /// How many workers in a row may come to nothing: a slow one may be killed at its start, too.
    pub(crate) fn restarts(&self) -> usize {
        if self.chaos { crate::chaos::RETRIES as usize } else { self.workers() }
    }

    /// How often a task is tried again after its worker died under it.
    pub(crate) fn retries(&self) -> u32 {
        if self.chaos { crate::chaos::RETRIES } else { 2 }
    }
}

/// Parses a number within bounds that a machine can hold.
fn range(least: i64, most: i64) -> clap::builder::RangedI64ValueParser<u32> {
    clap::value_parser!(u32).range(least..=most)
}
