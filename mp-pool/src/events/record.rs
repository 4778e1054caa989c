//! One event of a worker, on its way.

use std::fmt::{self, Debug, Write};

use serde::{Deserialize, Serialize};
use tracing::field::{Field, Visit};
use tracing::{Level, Span, debug, error, error_span, info, trace, warn};

/// The longest text that travels; what is longer is cut.
const MAX_TEXT: usize = 4 << 10;

/// One event of a worker.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Record {
    level: u8,
    /// Where in the program it came from.
    target: String,
    message: String,
    /// Its other fields.
    fields: String,
    /// The spans that it was in, the outermost first.
    spans: String,
    /// The chunk, and the item of that, which the worker was at.
    pub(super) item: Option<(u32, u32)>,
}

const LEVELS: [Level; 5] = [Level::ERROR, Level::WARN, Level::INFO, Level::DEBUG, Level::TRACE];

impl Record {
    pub(super) fn new(event: &tracing::Event<'_>, spans: &str, item: Option<(u32, u32)>) -> Self {
        let (mut text, metadata) = (Text::default(), event.metadata());
        event.record(&mut text);
        let level = LEVELS.iter().position(|level| level == metadata.level()).unwrap_or_default();
        let Text { message, fields } = text;
        let (target, spans) = (cut(metadata.target().into()), cut(spans.into()));
        Self { level: level as u8, target, message: cut(message), fields: cut(fields), spans, item }
    }
}

/// Ends a text where it is too long.
fn cut(mut text: String) -> String {
    let end = (0..=MAX_TEXT.min(text.len())).rev().find(|&end| text.is_char_boundary(end));
    text.truncate(end.unwrap_or_default());
    text
}

/// The message of an event, and its other fields.
#[derive(Default)]
pub(super) struct Text {
    message: String,
    pub(super) fields: String,
}

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let written = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.fields, "{}{name}={value:?}", separator(&self.fields)),
        };
        // It fails only if the value cannot be shown.
        let _: Result<(), fmt::Error> = written;
    }
}

fn separator(before: &str) -> &'static str {
    if before.is_empty() { "" } else { " " }
}

/// What a worker has said, and where: what the subscriber of the program is told.
#[derive(Debug)]
pub(crate) enum Said {
    /// An event, at the task with this index.
    Event { record: Record, id: usize, pid: u32, index: Option<usize> },
    /// So many events have found no room.
    Dropped { count: u64, id: usize, pid: u32 },
}

impl Said {
    /// Tells the subscriber of this thread.
    pub(crate) fn tell(self) {
        let (record, id, pid, index) = match self {
            Self::Event { record, id, pid, index } => (record, id, pid, index),
            Self::Dropped { count, id, pid } => {
                warn!(target: "mp_pool::worker", id, pid, count, "events of a worker were lost");
                return;
            }
        };
        let Record { level, target: origin, message, fields, spans, .. } = record;
        macro_rules! tell {
            ($tell:ident) => {
                $tell!(target: "mp_pool::worker", id, pid, origin, spans, fields, "{message}")
            };
        }
        let task = index.map(|index| error_span!(target: "mp_pool::worker", "task", index));
        task.unwrap_or_else(Span::none).in_scope(|| match level {
            0 => tell!(error),
            1 => tell!(warn),
            2 => tell!(info),
            3 => tell!(debug),
            _ => tell!(trace),
        });
    }
}
