//! [`End`]: what a handle holds of a store: its memory, and one or both ends of its socket.

use std::fmt;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::sync::atomic::{AtomicU32, AtomicU64};

use mp_handle::{Descriptor, Post, RegionError};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::error::Refusal;
use super::pace::Pace;
use super::{Settings, Store};

/// How long a producer believes that there still are consumers, unless it hears otherwise.
const BELIEF_MS: u64 = 10;

/// Which side of a store a handle is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Side {
    Both,
    Put,
    Get,
}

/// A store and the ends of its socket that this handle keeps open.
///
/// Producers hold one end and consumers the other, so that the kernel tells each when all of the
/// others are gone, however they ended. A handle for both sides never sees that.
pub(crate) struct End {
    pub(crate) store: Arc<Store>,
    side: Side,
    /// The producers' end; `None` on the other side, and while the handle is dropped.
    outbox: Option<Post>,
    /// The consumers' end, likewise.
    inbox: Option<Post>,
    /// When it was last looked whether the consumers are gone, in milliseconds.
    looked: AtomicU64,
    /// The departures that were known then.
    departures: AtomicU32,
    pub(super) pace: Pace,
}

/// An end on its way.
type Wire = (Side, Descriptor, Option<Descriptor>, Option<Descriptor>);

impl End {
    /// Creates a store, and a handle for both of its sides.
    pub(crate) fn create(settings: Settings) -> Result<End, RegionError> {
        let store = Arc::new(Store::create(settings)?);
        let (outbox, inbox) = Post::pair()?;
        Ok(End::new(store, Side::Both, Some(outbox), Some(inbox)))
    }

    /// Creates a store, and a handle for each of its sides.
    pub(crate) fn create_pair(settings: Settings) -> Result<(End, End), RegionError> {
        let mut put = End::create(settings)?;
        let get = End::new(Arc::clone(&put.store), Side::Get, None, put.inbox.take());
        put.side = Side::Put;
        Ok((put, get))
    }

    fn new(store: Arc<Store>, side: Side, outbox: Option<Post>, inbox: Option<Post>) -> End {
        let (looked, departures) = (AtomicU64::new(0), AtomicU32::new(0));
        End { store, side, outbox, inbox, looked, departures, pace: Pace::default() }
    }

    /// Returns the producers' end; for handles that put.
    #[inline]
    pub(crate) fn outbox(&self) -> &Post {
        self.outbox.as_ref().expect("a handle that puts has the producers' end")
    }

    /// Returns the consumers' end; for handles that get.
    #[inline]
    pub(crate) fn inbox(&self) -> &Post {
        self.inbox.as_ref().expect("a handle that gets has the consumers' end")
    }

    /// Tells whether all of the other side are gone.
    pub(crate) fn has_hung_up(&self) -> bool {
        let post = match self.side {
            Side::Both => return false,
            Side::Put => self.outbox(),
            Side::Get => self.inbox(),
        };
        let mut fds = [PollFd::new(post, PollFlags::empty())];
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        // Interrupted: whoever waits looks again.
        poll(&mut fds, Some(&now)).is_ok() && fds[0].revents().contains(PollFlags::HUP)
    }

    /// Fails if all consumers are gone. To ask the kernel each time would cost more than the
    /// message, so it is asked when somebody has left, and now and then for those who were killed.
    #[inline]
    pub(crate) fn check_receivers(&self) -> Result<(), Refusal> {
        if self.side != Side::Put {
            return Ok(());
        }
        let departures = self.store.control.settings.departures.load(SeqCst);
        let now = coarse_millis();
        let is_fresh = now.wrapping_sub(self.looked.load(Relaxed)) < BELIEF_MS;
        if is_fresh && self.departures.load(Relaxed) == departures {
            return Ok(());
        }
        self.look_for_receivers(now, departures)
    }

    #[cold]
    fn look_for_receivers(&self, now: u64, departures: u32) -> Result<(), Refusal> {
        if self.has_hung_up() {
            return Err(Refusal::Disconnected);
        }
        self.looked.store(now, Relaxed);
        self.departures.store(departures, Relaxed);
        Ok(())
    }

    /// Makes room in the socket for producers that find it full of what means nothing.
    #[cold]
    pub(super) fn unclog(&self) {
        self.purge();
        self.store.control.polled.is_clogged.store(0, SeqCst);
        self.store.control.putters.wake(u32::MAX);
        self.ring_for_room();
    }

    /// Throws away what is in the socket without meaning anything any more, if it can be told: the
    /// store is empty and nobody is about to put something.
    pub(super) fn purge(&self) {
        let Ok(_consuming) = self.store.consume(None) else { return };
        let Ok(_producing) = self.store.produce(None) else { return };
        while self.store.is_empty() && self.inbox().peek().is_ok_and(|packet| packet.is_some()) {
            if self.inbox().discard().is_err() {
                return;
            }
        }
    }

    fn to_wire(&self) -> io::Result<Wire> {
        let copy = |post: &Post| post.as_fd().try_clone_to_owned().map(Descriptor::from);
        let outbox = self.outbox.as_ref().map(copy).transpose()?;
        let inbox = self.inbox.as_ref().map(copy).transpose()?;
        Ok((self.side, self.store.region.descriptor().clone(), outbox, inbox))
    }

    fn from_wire(wire: Wire, side: Side, has_tasks: bool) -> io::Result<End> {
        let (found, memory, outbox, inbox) = wire;
        let has_ends = (outbox.is_some(), inbox.is_some());
        if found != side || has_ends != (side != Side::Get, side != Side::Put) {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("expected the handle of a queue for {side:?}, found one for {found:?}"),
            ));
        }
        let post = |fd: Descriptor| fd.into_owned().map(|fd: OwnedFd| Post::from(fd));
        let store = Arc::new(Store::open(memory, has_tasks)?);
        let (outbox, inbox) = (outbox.map(post).transpose()?, inbox.map(post).transpose()?);
        Ok(End::new(store, side, outbox, inbox))
    }

    pub(crate) fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_wire().map_err(serde::ser::Error::custom)?.serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
        side: Side,
        has_tasks: bool,
    ) -> Result<End, D::Error> {
        let wire = Wire::deserialize(deserializer)?;
        End::from_wire(wire, side, has_tasks).map_err(serde::de::Error::custom)
    }
}

impl Drop for End {
    /// Lets those who wait know at once if this was the last of its side.
    fn drop(&mut self) {
        if self.side == Side::Both {
            return;
        }
        self.outbox = None;
        self.inbox = None;
        let control = &self.store.control;
        control.settings.departures.fetch_add(1, SeqCst);
        control.getters.wake(u32::MAX);
        control.putters.wake(u32::MAX);
    }
}

impl fmt::Debug for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("End").field("side", &self.side).field("len", &self.store.len()).finish()
    }
}

/// Returns the time of the clock that costs least to read.
#[inline]
fn coarse_millis() -> u64 {
    let now = clock_gettime(ClockId::MonotonicCoarse);
    now.tv_sec as u64 * 1000 + now.tv_nsec as u64 / 1_000_000
}
