//! What comes from a worker: answers, reports, and what its code tells.

use std::mem;
use std::ops::Range;
use std::sync::Arc;

use crate::engine::worker::Worker;
use crate::events::Said;
use crate::frames::{ResultFrame, Results};
use crate::insight::Bar;
use crate::protocol::{Item, now};
use crate::relay::Span;

impl Worker {
    /// Takes in its answers; returns how many frames there were, or what makes no sense in them.
    pub(crate) fn drain(&mut self, buffer: &mut Vec<u8>) -> Result<usize, String> {
        buffer.clear();
        if self.results.drain(buffer).map_err(|error| error.to_string())? == 0 {
            return Ok(0);
        }
        self.results.notify_space();
        let mut results = Results::new(buffer);
        let was_ready = self.ready;
        if !was_ready {
            self.ready = matches!(results.next(Item::NONE)?, Some(ResultFrame::Ready));
            self.track.ready = self.ready.then(now);
        }
        self.take_reports();
        self.hear();
        let before = self.answered;
        while !results.is_empty() {
            self.take_in(&mut results)?;
        }
        let answered = (self.answered - before) as usize;
        self.pace.advance(answered);
        Ok(answered + usize::from(self.ready != was_ready))
    }

    /// Takes in the values that it has written for the chunk that it is at and not published yet;
    /// returns how many there were, or what makes no sense in them.
    pub(crate) fn take_draft(&mut self) -> Result<usize, String> {
        // The word before the values: so they are of this chunk, and written.
        let Some((item, _)) = self.begun() else { return Ok(0) };
        let pid = self.child().pid();
        let Some(given) = self.given.front_mut() else { return Ok(0) };
        let read = |range: Range<usize>| {
            let mut bytes = Vec::new();
            let read = self.results.read_draft(range, &mut bytes);
            read.map(|read| read.then_some(bytes)).map_err(|error| error.to_string())
        };
        let job = Arc::clone(given.chunk.job());
        let reached = item.index as usize;
        let taken = given.take_draft(reached, read, pid, &mut job.answers())?;
        self.answered += taken;
        self.track.tasks = self.answered;
        self.pace.advance(taken as usize);
        Ok(taken as usize)
    }

    /// Takes in all its answers, when it has ended. Nonsense is none.
    pub(crate) fn take_last(&mut self, buffer: &mut Vec<u8>) {
        if self.drain(buffer).is_ok() {
            let _ = self.take_draft();
        }
    }

    /// Takes in what it reports. It does so of a task before it answers.
    fn take_reports(&mut self) {
        let Some(reports) = &mut self.reports else { return };
        for span in reports.take() {
            let Some(given) = self.given.iter().find(|given| given.seq == span.seq) else {
                continue;
            };
            let place = |item: u32| given.chunk.first + item as usize;
            let bar = Bar {
                start: span.start,
                end: span.end,
                index: place(span.first),
                tasks: span.count.into(),
                failed: span.failed.into(),
                busy: span.end - span.start,
            };
            let slow = (place(span.slowest), span.longest);
            given.chunk.job().note(Span { pid: self.track.pid, bar, slow, busy: span.busy });
            self.track.add(bar, slow, span.busy);
        }
    }

    /// Takes in what its code has told, for [`take_said`](Self::take_said).
    fn hear(&mut self) {
        let Some(events) = &mut self.events else { return };
        let given = &self.given;
        let said = events.take((self.id, self.track.pid), |seq, item| {
            let given = given.iter().find(|given| given.seq == seq)?;
            Some(given.chunk.first + item as usize)
        });
        self.said.extend(said);
    }

    /// Takes what its code has told so far.
    pub(crate) fn take_said(&mut self) -> Vec<Said> {
        self.hear();
        mem::take(&mut self.said)
    }

    /// Whether it tells how long its tasks take.
    pub(crate) fn has_reports(&self) -> bool {
        self.reports.is_some()
    }

    /// Takes in the answers that belong to the call of the oldest chunk.
    fn take_in(&mut self, results: &mut Results<'_>) -> Result<(), String> {
        let given = self.given.front().ok_or("an answer that nobody has asked for")?;
        let job = Arc::clone(&given.chunk.call().job);
        let mut answers = job.answers();
        let pid = self.child().pid();
        while let Some(given) = self.given.front_mut() {
            if results.is_empty() || !Arc::ptr_eq(&given.chunk.call().job, &job) {
                break;
            }
            self.answered += given.take_in(results, &self.post, pid, &mut answers)?;
            self.track.failed += mem::take(&mut given.failed);
            self.track.tasks = self.answered;
            if given.done == given.chunk.count() {
                self.given.pop_front();
            }
        }
        Ok(())
    }
}
