//! What the user reads at the end: a line for each photograph, then the totals.

use std::fmt;
use std::time::Duration;

use multiprocess::{TaskError, TaskErrorKind};

use crate::photo::{Job, Size, Source, Thumb};

/// A job and what came of it.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) job: Job,
    pub(crate) outcome: Result<Thumb, TaskError>,
}

impl Done {
    /// Whether it ended as it should: photographs well, traps by failing the way they are made to.
    pub(crate) fn is_right(&self) -> bool {
        match (&self.job.source, &self.outcome) {
            (Source::Photo(_), outcome) => outcome.is_ok(),
            (Source::Trap(trap), Err(error)) => trap.is_caught(error),
            (Source::Trap(_), Ok(_)) => false,
        }
    }
}

/// Prints a line for each photograph and trap. The repetitions of one job stand side by side in
/// `done`; they share a line, with the mean of their times.
pub(crate) fn print_table(done: &[Done]) {
    let lengths = done.iter().map(|done| done.job.name().chars().count());
    let width = lengths.max().unwrap_or(0);
    let title = "photograph";
    println!("{title:<width$}  {:^21}  {:^21}  {:>8}  {:>7}", "before", "after", "ms", "worker");
    for tries in done.chunk_by(|a, b| a.job.output == b.job.output) {
        println!("{:<width$}  {}", tries[0].job.name(), Line(tries));
    }
}

/// The rest of a line, after the name.
struct Line<'a>(&'a [Done]);

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for done in self.0 {
            match (&done.outcome, done.is_right()) {
                (Ok(_), true) => {}
                (Ok(_), false) => return f.write_str("FAILED: made to fail, and did not"),
                (Err(error), true) => return write!(f, "as designed: {}", one_line(error)),
                (Err(error), false) => return write!(f, "FAILED: {}", one_line(error)),
            }
        }
        let thumbs = self.0.iter().flat_map(|done| &done.outcome);
        let millis: f64 = thumbs.clone().map(|thumb| thumb.millis).sum();
        let mean = millis / self.0.len() as f64;
        thumbs.last().map_or(Ok(()), |thumb| {
            let Thumb { before, after, pid, .. } = thumb;
            write!(f, "{before}  {after}  {mean:>8.1}  {pid:>7}")
        })
    }
}

/// The text of an error on one line, whose ends decoders put into theirs. Some of them also
/// repeat what their source says: that is said once.
fn one_line(error: &TaskError) -> String {
    let text = match &error.kind {
        TaskErrorKind::Failed(failure) => {
            let mut text = failure.message.clone();
            for source in &failure.chain {
                if !text.ends_with(source.as_str()) {
                    text += &format!(": {source}");
                }
            }
            text
        }
        kind => kind.to_string(),
    };
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pixels = format!("{}x{}", self.width, self.height);
        write!(f, "{pixels:>9}  {:>7.1} kB", self.bytes as f64 / 1e3)
    }
}

/// The totals, printed one to a line.
#[derive(Debug)]
pub(crate) struct Totals {
    pub(crate) workers: usize,
    /// From before the start of the pool to the last result.
    pub(crate) pooled: Duration,
    /// The same work in this process alone, if that was measured.
    pub(crate) alone: Option<Duration>,
    /// How many workers were killed, if some were.
    pub(crate) kills: Option<u32>,
}

impl Totals {
    pub(crate) fn print(&self, done: &[Done]) {
        let is_photo = |done: &&Done| matches!(done.job.source, Source::Photo(_));
        let asked = done.iter().filter(is_photo).count();
        let out = done.iter().filter(is_photo).filter(|done| done.is_right()).count();
        let seconds = self.pooled.as_secs_f64();
        let rate = out as f64 / seconds;
        let workers = self.workers;
        println!(
            "total: {out} of {asked} photographs in {seconds:.2} s, {rate:.1} images per second, \
             workers: {workers}"
        );
        if let Some(alone) = self.alone.map(|alone| alone.as_secs_f64()) {
            println!("speed: {:.2}x over one process, which took {alone:.2} s", alone / seconds);
        }
        if let Some(kills) = self.kills {
            println!("chaos: {kills} workers killed, {out} of {asked} photographs out");
        }
    }
}
