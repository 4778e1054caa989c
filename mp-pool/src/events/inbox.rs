//! The way of events from a worker to the parent: a ring, and a count of those that were lost.

use std::collections::HashMap;
use std::io;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use mp_handle::{Consumer, Frames, Kind, Parcel, Producer, Region, RegionError, View, ring_size};
use serde::{Deserialize, Serialize};
use tracing::level_filters::LevelFilter;
use tracing::{Dispatch, dispatcher};

use super::forwarder::Forwarder;
use super::record::Record;
pub(crate) use super::record::Said;
use crate::life::Life;
use crate::protocol::Words;

const KIND: Kind = Kind::new(0x12, "pool events");
const DROPPED: usize = 0;
const EVENTS: usize = 128;
const RING: usize = 64 << 10;

const LEVELS: [LevelFilter; 6] = [
    LevelFilter::OFF,
    LevelFilter::ERROR,
    LevelFilter::WARN,
    LevelFilter::INFO,
    LevelFilter::DEBUG,
    LevelFilter::TRACE,
];

/// What a worker is given to tell of its events.
#[derive(Serialize, Deserialize)]
pub(crate) struct Ear {
    region: Region,
    /// The place among the levels of what is listened to.
    level: u8,
}

impl Ear {
    /// Runs `begin`, which may set up a subscriber of the user's; has events heard meanwhile, and
    /// from then on if it has not. `words` are in that region.
    pub(crate) fn during<R>(self, words: &Region, begin: impl FnOnce() -> R) -> R {
        let Some(forwarder) = self.forwarder(words) else { return begin() };
        let forwarder = Dispatch::new(forwarder);
        let result = dispatcher::with_default(&forwarder, begin);
        // It fails if there is one already.
        let _ = dispatcher::set_global_default(forwarder);
        result
    }

    fn forwarder(&self, words: &Region) -> Option<Forwarder> {
        Some(Forwarder {
            level: *LEVELS.get(usize::from(self.level))?,
            ring: Mutex::new(Producer::attach(&self.region, EVENTS, RING).ok()?),
            dropped: View::new(&self.region, DROPPED).ok()?,
            words: Words::new(words).ok()?,
            spans: Mutex::new(HashMap::new()),
            next: AtomicU64::new(0),
        })
    }
}

/// Where the events of a worker come in.
pub(crate) struct Inbox {
    ring: Consumer,
    dropped: View<AtomicU64>,
    /// How many of these were told of.
    known: u64,
    buffer: Vec<u8>,
}

impl Inbox {
    /// Makes one, if anybody listens, and what the worker is given.
    pub(crate) fn open(life: &Life) -> Result<Option<(Self, Ear)>, RegionError> {
        let level = life.level();
        let Some(level @ 1..) = LEVELS.iter().position(|known| *known == level) else {
            return Ok(None);
        };
        let region = Region::create(KIND, 0, EVENTS + ring_size(RING))?;
        let ring = Consumer::attach(&region, EVENTS, RING).map_err(io::Error::other)?;
        let dropped = View::new(&region, DROPPED).map_err(io::Error::other)?;
        let inbox = Self { ring, dropped, known: 0, buffer: Vec::new() };
        Ok(Some((inbox, Ear { region, level: level as u8 })))
    }

    /// Takes what has come from the worker with this number and process id; `index_of` tells the
    /// index of a task by its chunk and item. Nonsense ends it; it harms nobody.
    pub(crate) fn take(
        &mut self,
        (id, pid): (usize, u32),
        index_of: impl Fn(u32, u32) -> Option<usize>,
    ) -> Vec<Said> {
        self.buffer.clear();
        let _ = self.ring.drain(&mut self.buffer);
        let decode = |frame: &[u8]| {
            let record = Parcel::from_parts(frame.to_vec(), Vec::new()).decode::<Record>().ok()?;
            let index = record.item.and_then(|(seq, item)| index_of(seq, item));
            Some(Said::Event { record, id, pid, index })
        };
        let frames = Frames::new(&self.buffer).map_while(Result::ok);
        let mut said: Vec<_> = frames.filter_map(decode).collect();
        let dropped = self.dropped.load(Ordering::Relaxed);
        if dropped != self.known {
            let count = dropped.wrapping_sub(self.known);
            self.known = dropped;
            said.push(Said::Dropped { count, id, pid });
        }
        said
    }
}
