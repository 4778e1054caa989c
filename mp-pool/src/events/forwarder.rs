//! The subscriber of a worker, which puts events into a ring.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use mp_handle::{Parcel, Producer, View};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id};
use tracing::{Event, Metadata, Subscriber, span};

use super::record::{Record, Text};
use crate::copies;
use crate::protocol::Words;

/// Puts the events of a worker into a ring; what finds no room there is counted.
pub(super) struct Forwarder {
    pub(super) level: LevelFilter,
    pub(super) ring: Mutex<Producer>,
    pub(super) dropped: View<AtomicU64>,
    pub(super) words: Words,
    pub(super) spans: Mutex<HashMap<u64, Open>>,
    pub(super) next: AtomicU64,
}

/// A span that somebody has a handle of.
pub(super) struct Open {
    text: String,
    handles: usize,
}

thread_local! {
    /// The spans that this thread is in, the outermost first.
    static WITHIN: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
}

/// What is behind the locks is whole at any time.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Forwarder {
    /// The spans that an event is in, as a text.
    fn path(&self) -> String {
        let within = WITHIN.with_borrow(Clone::clone);
        let spans = lock(&self.spans);
        let texts = within.iter().filter_map(|id| spans.get(id)).map(|span| span.text.as_str());
        texts.collect::<Vec<_>>().join(":")
    }

    fn send(&self, record: &Record) {
        // Everything that may call code of the user's is done before the lock is taken.
        let sent = Parcel::encode(record)
            .is_ok_and(|parcel| lock(&self.ring).try_push(&[parcel.bytes()]).is_ok());
        if !sent {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Subscriber for Forwarder {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        // A process that a task has forked has the ring of the worker, which is not its own.
        *metadata.level() <= self.level && !copies::is_copy()
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.level)
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        let id = self.next.fetch_add(1, Ordering::Relaxed) + 1;
        let mut text = Text::default();
        attributes.record(&mut text);
        let (name, fields) = (attributes.metadata().name(), text.fields);
        let text = if fields.is_empty() { name.into() } else { format!("{name}{{{fields}}}") };
        lock(&self.spans).insert(id, Open { text, handles: 1 });
        Id::from_u64(id)
    }

    fn record(&self, _: &Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let item = self.words.at().map(|item| (item.seq, item.index));
        self.send(&Record::new(event, &self.path(), item));
    }

    fn enter(&self, id: &Id) {
        WITHIN.with_borrow_mut(|within| within.push(id.into_u64()));
    }

    fn exit(&self, id: &Id) {
        WITHIN.with_borrow_mut(|within| {
            if let Some(at) = within.iter().rposition(|known| *known == id.into_u64()) {
                within.remove(at);
            }
        });
    }

    fn clone_span(&self, id: &Id) -> Id {
        if let Some(span) = lock(&self.spans).get_mut(&id.into_u64()) {
            span.handles += 1;
        }
        id.clone()
    }

    fn try_close(&self, id: Id) -> bool {
        let mut spans = lock(&self.spans);
        let Some(span) = spans.get_mut(&id.into_u64()) else { return false };
        span.handles -= 1;
        let is_last = span.handles == 0;
        if is_last {
            spans.remove(&id.into_u64());
        }
        is_last
    }
}
