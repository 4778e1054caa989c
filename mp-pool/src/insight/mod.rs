//! What a pool tells of itself: figures, a picture of the run, and what it is at.
//!
//! Counts are kept always; they cost nothing to speak of. How long tasks take is measured by the
//! workers, if the pool was made with [`insights`](crate::Builder::insights): each looks at the
//! clock once a task, and reports spans of neighbouring tasks over a ring of its own (`report`).
//! The parent keeps a track of each worker's life (`track`), whose size is bounded: bars that lie
//! close together are merged, the closer the longer the run.

mod calls;
mod dump;
mod journal;
mod page;
mod report;
mod statistics;
mod timeline;
mod trace;
mod track;

pub(crate) use dump::process_state;
pub use dump::{Activity, Dump, WorkerDump};
pub use journal::Journal;
pub(crate) use report::{Reporter, Reports, create_region};
pub use statistics::{SlowTask, Statistics, WorkerStatistics};
pub use timeline::Timeline;
pub(crate) use track::{Bar, Ending, Slow, Track, note_slow};
