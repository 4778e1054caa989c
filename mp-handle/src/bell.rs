//! [`Bell`]: a signal with a descriptor, for one who waits for several things at once.
//!
//! A futex can be slept on alone; a descriptor can be polled together with sockets and pidfds.
//! But to write to a descriptor is a system call each time, so the bell keeps a word in shared
//! memory, `armed`, that says whether anybody would hear it:
//!
//! ```text
//! ringer                            listener
//! R1  change the state              L1  arm: armed = 1, fence (SeqCst)
//! R2  fence (SeqCst)                L2  look at the state; if ready, disarm, done
//! R3  armed? then swap to 0         L3  poll, for at most a SLICE
//!     and write to the eventfd      L4  clear, disarm; look again
//! ```
//!
//! The fences are those of [`signal`](crate::Signal), for the same reason: either L2 sees R1, or
//! R3 sees L1 and the poll returns. And as there, a ringer killed before the end of R3 costs the
//! listener one slice and no more.
//!
//! A state that others look at as well, without arming, may be seen by one of them right after R1.
//! Who rings by [`ring_unless`](Bell::ring_unless) gives them a moment for it before R3's swap. That
//! loses nothing: either what was to be told is known, or the bell rings after all.

use std::fmt;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicU32, Ordering, fence};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::deadline::Deadline;
use crate::descriptor::Descriptor;
use crate::region::{Kind, Region, RegionError, Shared, View};
use crate::spin::{LastCpu, spin};
use crate::sys;

const BELL: Kind = Kind::new(1, "bell");

const DISARMED: u32 = 0;
const ARMED: u32 = 1;

/// The words in shared memory.
#[repr(C, align(64))]
struct Words {
    /// `ARMED` while the listener polls or is about to.
    armed: AtomicU32,
    ringer_cpu: LastCpu,
}

#[allow(unsafe_code)]
// SAFETY: atomics only, each valid with any bits, repr(C), aligned to 64; padding is not read.
unsafe impl Shared for Words {}

/// A bell that anybody rings and one listener hears, by polling its descriptor.
///
/// Clones are cheap and are the same bell; it travels inside a [`Parcel`](crate::Parcel).
///
/// The listener's protocol: [`arm`](Self::arm), look at the state once more, poll the descriptor
/// for at most a [`SLICE`](crate::SLICE), [`clear`](Self::clear), [`disarm`](Self::disarm), and
/// look again whatever the poll said.
///
/// # Examples
///
/// ```
/// use mp_handle::Bell;
///
/// let bell = Bell::new()?;
/// bell.ring(); // Nobody listens: no system call is made.
/// assert!(!bell.clear()?);
///
/// bell.arm();
/// bell.ring(); // A poll of the descriptor returns now.
/// assert!(bell.clear()?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Bell {
    words: View<Words>,
    eventfd: Descriptor,
}

impl Bell {
    /// Creates a bell, disarmed.
    ///
    /// # Errors
    ///
    /// Fails if the system refuses two descriptors or a page of shared memory.
    pub fn new() -> Result<Bell, RegionError> {
        let region = Region::create(BELL, 0, size_of::<Words>())?;
        Bell::from_parts(&region, Descriptor::from(sys::eventfd_create()?))
    }

    fn from_parts(region: &Region, eventfd: Descriptor) -> Result<Bell, RegionError> {
        region.expect(BELL, 0)?;
        let words = View::new(region, 0).map_err(io::Error::other)?;
        Ok(Bell { words, eventfd })
    }

    /// Rings: makes the descriptor readable if the listener has armed the bell.
    ///
    /// Call it after the change of state that the listener looks for. Never blocks, and makes a
    /// system call only if the bell is armed.
    #[inline]
    pub fn ring(&self) {
        self.ring_unless(|| false);
    }

    /// Rings as [`ring`](Self::ring) does, but asks first, if the bell is armed, whether what is
    /// to be told is known by now.
    ///
    /// For a state that somebody may look at while the listener sleeps: to wait for that for less
    /// than a wake takes is cheaper than the wake, for both.
    ///
    /// # Examples
    ///
    /// ```
    /// use mp_handle::Bell;
    ///
    /// let bell = Bell::new()?;
    /// bell.ring_unless(|| unreachable!("nobody listens"));
    ///
    /// bell.arm();
    /// bell.ring_unless(|| true);
    /// assert!(!bell.clear()?);
    /// bell.ring_unless(|| false);
    /// assert!(bell.clear()?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn ring_unless(&self, is_known: impl FnOnce() -> bool) {
        let words = &*self.words;
        words.ringer_cpu.record();
        fence(Ordering::SeqCst);
        if words.armed.load(Ordering::Relaxed) != DISARMED && !is_known() {
            self.ring_armed();
        }
    }

    #[cold]
    fn ring_armed(&self) {
        if self.words.armed.swap(DISARMED, Ordering::Relaxed) != DISARMED {
            // Only a foreign descriptor can fail here; the listener's slice makes up for it.
            let _ = sys::eventfd_add(&self.eventfd);
        }
    }

    /// Announces that the listener is about to poll; it must look at the state once more before.
    pub fn arm(&self) {
        self.words.armed.store(ARMED, Ordering::Relaxed);
        fence(Ordering::SeqCst);
    }

    /// Takes the announcement back, so that ringing is cheap again.
    pub fn disarm(&self) {
        self.words.armed.store(DISARMED, Ordering::Relaxed);
    }

    /// Makes the descriptor unreadable; tells whether the bell had rung. Never blocks.
    ///
    /// # Errors
    ///
    /// Fails only if the bell came from elsewhere with a descriptor that is no eventfd.
    pub fn clear(&self) -> io::Result<bool> {
        sys::eventfd_clear(&self.eventfd)
    }

    /// Returns the processor from which the bell was last rung, `None` before the first time.
    #[must_use]
    pub fn ringer_cpu(&self) -> Option<u32> {
        self.words.ringer_cpu.get()
    }

    /// Looks at `ready` again and again for a moment, if the last ringer ran on another processor
    /// than the caller; returns whether it became true.
    ///
    /// To be called before [`arm`](Self::arm): an answer that comes within microseconds then costs
    /// neither side a system call.
    pub fn spin(&self, deadline: Deadline, ready: impl FnMut() -> bool) -> bool {
        spin(&self.words.ringer_cpu, deadline, ready)
    }
}

impl AsFd for Bell {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.eventfd.as_fd()
    }
}

impl Serialize for Bell {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (self.words.region(), &self.eventfd).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Bell {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Bell, D::Error> {
        let (region, eventfd) = <(Region, Descriptor)>::deserialize(deserializer)?;
        Bell::from_parts(&region, eventfd).map_err(serde::de::Error::custom)
    }
}

impl fmt::Debug for Bell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let armed = self.words.armed.load(Ordering::Relaxed) != DISARMED;
        f.debug_struct("Bell").field("armed", &armed).finish_non_exhaustive()
    }
}
