//! The lives of workers on other machines, as far as their answers tell.
//!
//! The track of each is kept by its own clock. How far that differs from the clock here is known
//! from the answer that was fastest so far: so what a worker did is as long as it was, and in
//! turn, and the picture of all is later than it was by the way of its fastest answer.

use std::ops::Range;
use std::sync::Arc;

use super::{Ending, Timeline, Track};
use crate::protocol::now;
use crate::relay;
use crate::task_error::TaskErrorKind;

/// So many workers are kept; of more, those that were heard of first are forgotten.
const MOST: usize = 1024;

/// The run of an executor whose workers are elsewhere, from the answers that it gets: for those who
/// make one. It has the tasks that ran in workers with [`insights`](crate::Builder::insights).
///
/// # Examples
///
/// ```
/// let journal = mp_pool::Journal::new();
/// assert!(journal.timeline().to_html().contains("0 tasks by 0 workers"));
/// ```
#[derive(Clone, Debug)]
pub struct Journal {
    began: u64,
    lives: Vec<Life>,
    /// How many there were so far.
    count: usize,
}

/// A worker elsewhere.
#[derive(Clone, Debug)]
struct Life {
    track: Track,
    /// How far the clock here is ahead of its clock, and how long its fastest answer took.
    ahead: i64,
}

impl Default for Journal {
    fn default() -> Self {
        Self::new()
    }
}

impl Journal {
    /// Begins now.
    #[must_use]
    pub fn new() -> Self {
        Self { began: now(), lives: Vec::new(), count: 0 }
    }

    /// Takes from the encoded answers of the items at `places`, which have come at this moment,
    /// when and where these ran.
    pub fn note(&mut self, places: Range<usize>, bytes: &[u8], host: &Arc<str>) {
        let now = now();
        for (span, sent) in relay::spans(bytes, places.start) {
            let life = match self.find(host, span.pid) {
                Some(life) => life,
                None => self.begin(host, span.pid, span.bar.start),
            };
            life.ahead = life.ahead.min(now.wrapping_sub(sent).cast_signed());
            let track = &mut life.track;
            track.tasks = track.tasks.saturating_add(span.bar.tasks);
            track.failed = track.failed.saturating_add(span.bar.failed);
            track.add(span.bar, span.slow, span.busy);
        }
        for error in relay::errors(bytes) {
            if let (TaskErrorKind::WorkerLost { .. }, Some(pid)) = (&error.kind, error.pid())
                && let Some(life) = self.find(host, pid)
            {
                life.track.end(Ending::Died(error.kind.to_string(), None));
            }
        }
    }

    /// The run so far.
    #[must_use]
    pub fn timeline(&self) -> Timeline {
        let (began, now) = (self.began, now());
        let here = |life: &Life| {
            let ahead = life.ahead;
            let convert = |moment: u64| moment.saturating_add_signed(ahead).clamp(began, now);
            life.track.clone().by_clock(convert)
        };
        let forgotten = (self.count - self.lives.len()) as u64;
        Timeline::new(self.lives.iter().map(here).collect(), began, forgotten)
    }

    fn find(&mut self, host: &Arc<str>, pid: u32) -> Option<&mut Life> {
        let lives = self.lives.iter_mut();
        let mut alive = lives.filter(|life| life.track.ended.is_none());
        alive.find(|life| life.track.pid == pid && life.track.host.as_ref() == Some(host))
    }

    /// A worker is heard of for the first time.
    fn begin(&mut self, host: &Arc<str>, pid: u32, started: u64) -> &mut Life {
        if self.lives.len() == MOST {
            self.lives.remove(0);
        }
        let mut track = Track::new(self.count, pid, started);
        (track.ready, track.host) = (Some(started), Some(Arc::clone(host)));
        self.count += 1;
        self.lives.push(Life { track, ahead: i64::MAX });
        self.lives.last_mut().expect("it was just put there")
    }
}
