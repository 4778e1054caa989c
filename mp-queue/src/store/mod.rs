//! The store: frames of bytes in shared memory, from any number of producers to any number of
//! consumers. Queues and channels are types on top of it.
//!
//! ```text
//! first page    settings, marks, counters, flags                  producers' lock at its end
//! second page   (nothing)                                         consumers' lock at its end
//! table         who has taken what (see `tasks`)
//! segments      | 1 MiB | 4 MiB | 16 MiB | 64 MiB | 256 MiB | 1 GiB | 1 GiB | ...
//! ```
//!
//! All is one sparse region (only the segments in use have memory), and beside it stands a pair of
//! sockets: producers hold one end, consumers the other.
//!
//! # Marks
//!
//! `tail` says how many messages were ever put, and where the next frame goes; `head` how many were
//! got, and where the next frame is. Each is one word ([`place::Mark`]), so that one store publishes
//! a message, and one store takes it. Equal numbers mean that the store is empty; their difference
//! is its length, exactly.
//!
//! Producers have one lock and consumers another, and each side keeps a copy of the other's mark
//! that it looks at first: one producer and one consumer never wait for each other.
//!
//! # Frames and jumps
//!
//! A frame lies in one piece in one segment, with room for a jump behind it. Where the next frame
//! cannot follow, a jump leads to it: to the beginning of the segment, if the head is in that
//! segment and has left enough room there; otherwise to another segment. When the store is empty,
//! the next frame goes back to the smallest segment, so that what is hot stays small.
//!
//! A segment is in use if the head has yet to come through it. For each, `previous` says from which
//! one it was last jumped to, so the walk from the tail's segment back to the head's meets all that
//! are in use ([`room`]).
//!
//! # Who may be killed where
//!
//! | killed | what remains |
//! |---|---|
//! | a producer before the store to `tail` | bytes in memory that nobody uses, and so will be written over; a jump and an entry of `previous` likewise; counters of the other parity |
//! | a producer that had posted descriptors, before it | a packet of a number that no frame names: the next consumer of a packet throws it away, for numbers only grow; and if such packets fill the socket of an empty store, whoever waits for a message throws away all |
//! | a producer after the store | a message; nobody was woken, so sleepers find it within a slice |
//! | a consumer before the store to `head` | the message, for the next one; its descriptors too, for only duplicates were taken |
//! | a consumer after the store | nothing: it had the message; its packet is thrown away by the next |
//! | anyone who gives pages back | pages that are counted as not there, and are reserved again |
//!
//! So whoever gets a lock from a dead owner need not repair anything but the note of a task, and
//! goes on as if nothing had happened.
//!
//! # Orderings
//!
//! A frame is written before the store to `tail`, which releases it; a consumer reads `tail` with
//! acquire, or gets a copy of it with the lock from one who did. Likewise a frame is copied out
//! before the store to `head`, and written over only by who has read that. The two stores are
//! sequentially consistent for the sake of the sleepers (see `sleep`).
//!
//! # Speed
//!
//! - Each side writes lines of its own, and looks at those of the other only when what it knows of
//!   them is not enough. A producer that finds no room waits until there is some for a batch
//!   ([`turn`]), a consumer at its heels rests now and then ([`pace`]).
//! - All that is done for a usual message is one function on each side, by `inline(always)`: to
//!   hand results of this size through memory, from call to call, took as long as the work.
//!
//! # What peers may do
//!
//! Places, lengths, kinds and the chain are copied out once and checked, and all copies to and from
//! segments are within bounds. A peer gone mad can spoil messages, and make us wait; it cannot make
//! us read elsewhere, allocate what was never there, or loop for ever.

#[cfg(feature = "async")]
mod arm;
mod bell;
mod consume;
mod control;
mod end;
mod error;
mod frame;
mod get;
mod join;
mod loan;
mod lock;
#[cfg(all(test, shuttle))]
mod model;
mod pace;
mod place;
mod produce;
mod put;
mod room;
mod search;
mod segments;
mod sleep;
mod tasks;
mod turn;

use std::sync::atomic::Ordering::{Relaxed, SeqCst};

use mp_handle::{Deadline, Descriptor, Kind, Region, RegionError, View, Waited};
use mp_sync::{Lock, LockGuard};
use rustix::param::page_size;

pub(crate) use end::{End, Side};
pub use error::Corrupt;
pub(crate) use error::Refusal;
pub(crate) use frame::{Content, Message};
pub(crate) use get::Arrived;
pub(crate) use join::JoinRefusal;
pub(crate) use loan::{Found, Lent};

use control::Control;
use lock::lock;
use place::Mark;
use segments::Segments;
use tasks::Tasks;

const STORE: Kind = Kind::new(0x40, "queue");
const STORE_WITH_TASKS: Kind = Kind::new(0x41, "joinable queue");

/// The file's first 64 bytes are the region's own.
const REGION_HEADER: usize = 64;

/// What a store is created with.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Settings {
    /// No limit if zero.
    pub(crate) messages: u32,
    /// No limit if zero.
    pub(crate) bytes: u64,
    pub(crate) has_tasks: bool,
}

impl Settings {
    /// Sets the most messages at a time; more than can be counted is no limit.
    pub(crate) fn with_messages(self, messages: usize) -> Settings {
        Settings { messages: u32::try_from(messages.max(1)).unwrap_or(0), ..self }
    }
}

/// The limits, in private memory; the greatest number is none.
#[derive(Clone, Copy, Debug)]
struct Limits {
    messages: u32,
    bytes: u64,
}

impl Limits {
    fn read(settings: &control::Settings) -> Limits {
        let messages = settings.max_messages.load(Relaxed);
        let bytes = settings.max_bytes.load(Relaxed);
        Limits {
            messages: if messages == 0 { u32::MAX } else { messages },
            bytes: if bytes == 0 { u64::MAX } else { bytes },
        }
    }
}

/// The shared memory, mapped.
pub(crate) struct Store {
    control: View<Control>,
    producers: Lock,
    consumers: Lock,
    segments: Segments,
    tasks: Option<Tasks>,
    limits: Limits,
    region: Region,
}

/// Returns where the segments begin in the file.
fn front() -> usize {
    segments::whole_pages(2 * page_size() + tasks::SIZE)
}

/// Returns how many payload bytes are mapped at once.
fn mapped(has_tasks: bool) -> usize {
    let file = if has_tasks { front() } else { 2 * page_size() };
    file - REGION_HEADER
}

fn kind(has_tasks: bool) -> Kind {
    if has_tasks { STORE_WITH_TASKS } else { STORE }
}

impl Store {
    pub(crate) fn create(settings: Settings) -> Result<Store, RegionError> {
        let Settings { messages, bytes, has_tasks } = settings;
        let region = create_region(has_tasks)?;
        let control: View<Control> = View::new(&region, 0)?;
        control.settings.max_messages.store(messages, Relaxed);
        control.settings.max_bytes.store(bytes, Relaxed);
        Store::attach(region, has_tasks)
    }

    /// Maps a store that came from elsewhere.
    pub(crate) fn open(memory: Descriptor, has_tasks: bool) -> Result<Store, RegionError> {
        let region = Region::open_sparse(memory, kind(has_tasks), 0, mapped(has_tasks))?;
        Store::attach(region, has_tasks)
    }

    fn attach(region: Region, has_tasks: bool) -> Result<Store, RegionError> {
        let control: View<Control> = View::new(&region, 0)?;
        let limits = Limits::read(&control.settings);
        let table = 2 * page_size() - REGION_HEADER;
        Ok(Store {
            producers: Lock::in_region(&region, 0)?,
            consumers: Lock::in_region(&region, page_size())?,
            segments: Segments::find(&region, front())?,
            tasks: has_tasks.then(|| Tasks::find(&region, table)).transpose()?,
            control,
            limits,
            region,
        })
    }

    /// Returns the length of the largest frame that finds room at the latest when the store is
    /// empty, wherever the tail is then: in one of two segments, or in one half of one.
    #[inline]
    fn largest(&self) -> usize {
        let (last, others) = match self.segments.lens() {
            [others @ .., last] => (*last, others),
            [] => return 0,
        };
        others.last().map_or(0, |&len| len).max(last / 2) - frame::JUMP_ROOM
    }

    /// Counts the messages.
    pub(crate) fn len(&self) -> usize {
        let mark = |bits| Mark::from_bits(bits).number;
        let mut tail = mark(self.control.tail.load(SeqCst));
        for _ in 0..100 {
            let head = mark(self.control.head.load(SeqCst));
            let again = mark(self.control.tail.load(SeqCst));
            if again == tail {
                return tail.wrapping_sub(head) as usize;
            }
            tail = again;
        }
        // So much is going on that any answer was true a moment ago.
        tail.wrapping_sub(mark(self.control.head.load(SeqCst))) as usize
    }

    /// Returns the limit of messages, `None` if there is none.
    pub(crate) fn capacity(&self) -> Option<usize> {
        (self.limits.messages != u32::MAX).then_some(self.limits.messages as usize)
    }

    /// Counts the bytes of the messages.
    pub(crate) fn bytes(&self) -> u64 {
        let Control { tail, head, producers, consumers, .. } = &*self.control;
        let parity = |bits| (Mark::from_bits(bits).number & 1) as usize;
        let mut bytes = 0;
        for _ in 0..100 {
            let (end, start) = (tail.load(SeqCst), head.load(SeqCst));
            let put = producers.bytes[parity(end)].load(SeqCst);
            bytes = put.wrapping_sub(consumers.bytes[parity(start)].load(SeqCst));
            if (tail.load(SeqCst), head.load(SeqCst)) == (end, start) {
                break;
            }
        }
        bytes
    }

    /// Tells whether a limit leaves no room.
    #[inline]
    pub(crate) fn is_full(&self) -> bool {
        let Limits { messages, bytes } = self.limits;
        (messages != u32::MAX && self.len() >= messages as usize)
            || (bytes != u64::MAX && self.bytes() >= bytes)
    }

    #[inline]
    fn lock_producers(&self, deadline: Option<Deadline>) -> Result<LockGuard<'_>, Refusal> {
        lock(&self.producers, deadline, || ())
    }

    #[inline]
    fn lock_consumers(&self, deadline: Option<Deadline>) -> Result<LockGuard<'_>, Refusal> {
        lock(&self.consumers, deadline, || {
            if let Some(tasks) = &self.tasks {
                tasks.repair(Mark::from_bits(self.control.head.load(Relaxed)).number);
            }
        })
    }
}

/// Creates a region with as many segments as the process may make files for.
fn create_region(has_tasks: bool) -> Result<Region, RegionError> {
    let mut count = segments::COUNT;
    loop {
        let extent = segments::extent(front(), count);
        let created = Region::create_sparse(kind(has_tasks), 0, extent, mapped(has_tasks));
        match created {
            Err(RegionError::FileSizeLimit { .. }) if count > 1 => count -= 1,
            other => return other,
        }
    }
}

/// Makes an error of a wait that ended without what was waited for.
fn waited(waited: Waited) -> Result<(), Refusal> {
    match waited {
        Waited::Ready => Ok(()),
        Waited::PeerGone => Err(Refusal::Disconnected),
        _ => Err(Refusal::TimedOut),
    }
}
