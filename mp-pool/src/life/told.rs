//! What happens becomes events within the span `pool`, for the subscriber that was there when the
//! pool was made.

use std::mem;
use std::time::Duration;

use mp_process::catch_panic;
use tracing::level_filters::LevelFilter;
use tracing::subscriber::NoSubscriber;
use tracing::{Dispatch, Span, debug, debug_span, dispatcher, error, warn};

use crate::events::Said;
use crate::insight::{Ending, Track};
use crate::task_error::TaskError;

/// Something that has happened.
enum Event {
    Started {
        id: usize,
        pid: u32,
    },
    Ready {
        id: usize,
        pid: u32,
        startup: Duration,
    },
    Left {
        id: usize,
        pid: u32,
        tasks: u64,
    },
    Died {
        id: usize,
        pid: u32,
        tasks: u64,
        how: String,
    },
    Lost {
        index: usize,
        pid: Option<u32>,
        error: String,
        again: bool,
    },
    Broken {
        error: String,
    },
    /// Code in a worker has told something.
    Said(Said),
    /// It has told more than could be kept.
    Unheard {
        count: usize,
    },
}

/// So much of what workers tell is kept until it is told on.
const MOST: usize = 4096;

/// What has happened and was not told yet.
pub(crate) struct Life {
    listener: Dispatch,
    span: Span,
    events: Vec<Event>,
    unheard: usize,
}

impl Life {
    /// A pool of so many workers is made.
    pub(crate) fn new(workers: usize) -> Self {
        let listener = dispatcher::get_default(Clone::clone);
        let span = debug_span!(target: "mp_pool", "pool", workers);
        debug!(target: "mp_pool", parent: &span, workers, "pool made");
        Self { listener, span, events: Vec::new(), unheard: 0 }
    }

    /// Up to which level anybody listens.
    pub(crate) fn level(&self) -> LevelFilter {
        if self.listener.is::<NoSubscriber>() { LevelFilter::OFF } else { LevelFilter::current() }
    }

    /// Code in a worker has told something.
    pub(crate) fn said(&mut self, said: Vec<Said>) {
        for said in said {
            if self.events.len() < MOST {
                self.events.push(Event::Said(said));
            } else {
                self.unheard += 1;
            }
        }
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
        let mut events = mem::take(&mut self.events);
        let count = mem::take(&mut self.unheard);
        if count > 0 {
            events.push(Event::Unheard { count });
        }
        Self { listener, span, events, unheard: 0 }
    }

    /// Tells it. A listener that panics has heard enough of that.
    pub(crate) fn tell(self) {
        let Self { listener, span, events, .. } = self;
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
            Self::Said(said) => said.tell(),
            Self::Unheard { count } => {
                warn!(target: "mp_pool::worker", count, "events of workers were lost");
            }
        }
    }
}
