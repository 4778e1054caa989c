//! What happens becomes events within the span `pool`, for the subscriber that was there when the
//! pool was made.

use std::mem;
use std::time::Duration;

use mp_process::catch_panic;
use tracing::{Dispatch, Span, debug, debug_span, dispatcher, error, warn};

use crate::insight::{Ending, Track};
use crate::task_error::TaskError;

/// Something that has happened.
enum Event {
    Started { id: usize, pid: u32 },
    Ready { id: usize, pid: u32, startup: Duration },
    Left { id: usize, pid: u32, tasks: u64 },
    Died { id: usize, pid: u32, tasks: u64, how: String },
    Lost { index: usize, pid: Option<u32>, error: String, again: bool },
    Broken { error: String },
}

/// What has happened and was not told yet.
pub(crate) struct Life {
    listener: Dispatch,
    span: Span,
    events: Vec<Event>,
}

impl Life {
    /// A pool of so many workers is made.
    pub(crate) fn new(workers: usize) -> Self {
        let listener = dispatcher::get_default(Clone::clone);
        let span = debug_span!(target: "mp_pool", "pool", workers);
        debug!(target: "mp_pool", parent: &span, workers, "pool made");
        Self { listener, span, events: Vec::new() }
    }

    pub(crate) fn started(&mut self, track: &Track) {
        self.events.push(Event::Started { id: track.id, pid: track.pid });
    }

    pub(crate) fn ready(&mut self, track: &Track) {
        let startup = track.ready.unwrap_or(track.started) - track.started;
        let startup = Duration::from_nanos(startup);
        self.events.push(Event::Ready { id: track.id, pid: track.pid, startup });
    }

    pub(crate) fn ended(&mut self, track: &Track) {
        let Track { id, pid, tasks, .. } = *track;
        self.events.push(match &track.ended {
            Some((_, Ending::Died(how, _))) => Event::Died { id, pid, tasks, how: how.clone() },
            _ => Event::Left { id, pid, tasks },
        });
    }

    /// A task was lost with its worker, or stopped; `again` if it is tried again.
    pub(crate) fn lost(&mut self, index: usize, error: &TaskError, again: bool) {
        let (pid, error) = (error.pid(), error.kind.to_string());
        self.events.push(Event::Lost { index, pid, error, again });
    }

    /// The pool gives up.
    pub(crate) fn broken(&mut self, error: &TaskError) {
        self.events.push(Event::Broken { error: error.kind.to_string() });
    }

    /// Takes what has happened so far, to be told.
    pub(crate) fn take(&mut self) -> Self {
        let (listener, span) = (self.listener.clone(), self.span.clone());
        Self { listener, span, events: mem::take(&mut self.events) }
    }

    /// Tells it. A listener that panics has heard enough of that.
    pub(crate) fn tell(self) {
        let Self { listener, span, events } = self;
        for event in events {
            let tell = || dispatcher::with_default(&listener, || span.in_scope(|| event.tell()));
            let _ = catch_panic(tell);
        }
    }

    /// Tells what is left, and that the pool has ended.
    pub(crate) fn tell_end(mut self) {
        self.take().tell();
        let Self { listener, span, .. } = self;
        let end = || debug!(target: "mp_pool", parent: &span, "pool ended");
        let _ = catch_panic(|| dispatcher::with_default(&listener, end));
    }
}

impl Event {
    fn tell(self) {
        match self {
            Self::Started { id, pid } => debug!(target: "mp_pool", id, pid, "worker started"),
            Self::Ready { id, pid, startup } => {
                debug!(target: "mp_pool", id, pid, ?startup, "worker ready");
            }
            Self::Left { id, pid, tasks } => {
                debug!(target: "mp_pool", id, pid, tasks, "worker left");
            }
            Self::Died { id, pid, tasks, how } => {
                warn!(target: "mp_pool", id, pid, tasks, how, "worker died");
            }
            Self::Lost { index, pid, error, again: true } => {
                warn!(target: "mp_pool", index, pid, error, "task lost, tried again");
            }
            Self::Lost { index, pid, error, .. } => {
                warn!(target: "mp_pool", index, pid, error, "task lost");
            }
            Self::Broken { error } => error!(target: "mp_pool", error, "pool broken"),
        }
    }
}
