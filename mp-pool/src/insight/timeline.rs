//! The run of a pool, to be looked at.

use std::path::Path;
use std::time::Duration;
use std::{fmt, fs, io};

use super::track::{Slow, Track};
use super::{note_slow, page, trace};
use crate::protocol::now;

/// The run of a pool so far: from [`Pool::timeline`](crate::Pool::timeline).
///
/// It has a row for each worker, with its start, its tasks and its end. Tasks are there only if
/// the pool has [`insights`](crate::Builder::insights). Of a long run, tasks that lie close
/// together are one bar, which says how many they are and how long was worked in that time; of
/// many workers that have ended, the first are forgotten. Of a worker that died, what it has done
/// in the last tenth of a millisecond may be missing.
#[derive(Clone)]
pub struct Timeline {
    pub(super) tracks: Vec<Track>,
    /// On the monotonic clock.
    pub(super) start: u64,
    pub(super) end: u64,
    pub(super) forgotten: u64,
}

impl Default for Timeline {
    fn default() -> Self {
        Self::new(Vec::new(), now(), 0)
    }
}

impl Timeline {
    pub(crate) fn new(tracks: Vec<Track>, start: u64, forgotten: u64) -> Self {
        let ends = tracks.iter().map(|track| track.ended.as_ref().map(|(end, _)| *end));
        // Once all have ended, so has the run.
        let end = ends.collect::<Option<Vec<_>>>().and_then(|ends| ends.into_iter().max());
        Self { tracks, start, end: end.unwrap_or_else(now).max(start + 1), forgotten }
    }

    /// How long the run has lasted.
    #[must_use]
    pub fn duration(&self) -> Duration {
        Duration::from_nanos(self.end - self.start)
    }

    /// The slowest tasks that are known, with the process ids of their workers.
    pub(super) fn slowest(&self) -> Vec<(Slow, u32)> {
        let mut slowest = Vec::new();
        for track in &self.tracks {
            for &slow in &track.slowest {
                note_slow(&mut slowest, (slow, track.pid), |((_, took), _)| *took);
            }
        }
        slowest
    }

    /// The run as JSON, in the form that Perfetto (<https://ui.perfetto.dev>) and Chrome's
    /// `about:tracing` read.
    #[must_use]
    pub fn to_trace(&self) -> String {
        trace::json(self)
    }

    /// The run as a page with a picture, which needs nothing else to be shown.
    #[must_use]
    pub fn to_html(&self) -> String {
        page::html(self)
    }

    /// Writes [`to_trace`](Self::to_trace) to a file.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub fn write_trace(&self, path: impl AsRef<Path>) -> io::Result<()> {
        fs::write(path, self.to_trace())
    }

    /// Writes [`to_html`](Self::to_html) to a file.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub fn write_html(&self, path: impl AsRef<Path>) -> io::Result<()> {
        fs::write(path, self.to_html())
    }
}

impl fmt::Debug for Timeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timeline")
            .field("duration", &self.duration())
            .field("workers", &self.tracks.len())
            .finish_non_exhaustive()
    }
}
