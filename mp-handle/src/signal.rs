//! [`Signal`]: how one process sleeps until another has changed something in shared memory.
//!
//! The state itself (a ring's index, a counter) lies elsewhere, and the sleeper looks at it through
//! a predicate. The signal only answers the question: does anybody sleep who must be woken? To
//! notify when nobody sleeps costs one fence and two loads, no system call.
//!
//! # Why no wake is lost
//!
//! ```text
//! notifier                          sleeper
//! N1  change the state              S1  sleeping = 1
//! N2  fence (SeqCst)                S2  fence (SeqCst)
//! N3  sleeping? then swap to 0      S3  look at the state; if ready, done
//!     and wake the futex            S4  futex wait while sleeping = 1
//! ```
//!
//! Each side writes one word and then reads the other's. Without the fences both reads may see old
//! values, on x86 too: the sleeper sleeps and nobody wakes it. The fences have one order. If
//! the notifier's is first, S3 sees N1; if the sleeper's is first, N3 sees S1 and wakes. Should the
//! swap come between S3 and S4, then the kernel, which compares the word under its own lock, finds
//! 0 and does not let the sleeper sleep. The accesses to `sleeping` need no ordering of their own:
//! all that they carry is the flag, and the data behind the state are ordered by whatever the
//! predicate loads with `Acquire`.
//!
//! Of many notifiers the swap lets one make the system call.
//!
//! # Why a lost wake would not matter
//!
//! A notifier killed between N1 and the end of N3 wakes nobody. So no sleep is longer than
//! [`SLICE`]: after each, the sleeper looks at the state, at its peer and at the clock itself.
//! The same holds for a flag that a mad peer overwrites, and for a second sleeper, who may
//! overlook a wake. A sleeper killed in its sleep leaves the flag behind: one needless wake.

use std::sync::atomic::{AtomicU32, Ordering, fence};
use std::time::Duration;

use crate::deadline::Deadline;
use crate::region::{OutOfRegion, Region, Shared, View};
use crate::spin::{LastCpu, spin};
use crate::sys;

/// The longest time that a sleeper sleeps without looking around.
///
/// Long enough that an idle process is idle (less than 0.5 % of a processor), short enough that a
/// wake lost to a kill passes for a delay.
pub const SLICE: Duration = Duration::from_millis(50);

/// The longest time that one sleeps who has nothing to do: nobody waits for it.
///
/// A wake is not lost among the living; what a slice makes up for is a peer that was killed at it,
/// or has gone mad and written over the words. Who has nothing to do hears of the peer's death by
/// other ways, so that only the mad one is left, which harms itself, and for no longer than this.
pub const REST: Duration = Duration::from_secs(1);

const AWAKE: u32 = 0;
const SLEEPING: u32 = 1;

/// The words in shared memory, on a cache line that only sleeping and waking write.
#[repr(C, align(64))]
struct Words {
    /// `SLEEPING` while the sleeper sleeps or is about to; the futex.
    sleeping: AtomicU32,
    notifier_cpu: LastCpu,
}

const _: () = assert!(size_of::<Words>() == Signal::SIZE && align_of::<Words>() == Signal::SIZE);

#[allow(unsafe_code)]
// SAFETY: atomics only, each valid with any bits, repr(C), aligned to 64; padding is not read.
unsafe impl Shared for Words {}

/// How a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a wait may end without what was waited for"]
#[non_exhaustive]
pub enum Waited {
    /// What was waited for is there.
    Ready,
    /// The deadline came first.
    TimedOut,
    /// The other side is gone, and left nothing.
    PeerGone,
}

/// A place in a [`Region`] where one process at a time sleeps, and others wake it.
///
/// # Examples
///
/// ```
/// use std::sync::atomic::Ordering;
/// use std::thread;
/// use mp_handle::{Deadline, Kind, Region, Signal, Waited};
///
/// let region = Region::create(Kind::new(1000, "flag"), 0, Signal::SIZE + 4)?;
/// let signal = Signal::at(&region, 0)?;
/// let flag = region.atomic_u32(Signal::SIZE)?;
///
/// thread::scope(|scope| {
///     scope.spawn(|| {
///         flag.store(1, Ordering::Release);
///         signal.notify();
///     });
///     let is_set = || flag.load(Ordering::Acquire) == 1;
///     let waited = signal.wait_until(Deadline::NEVER, is_set, || true);
///     assert_eq!(waited, Waited::Ready);
/// });
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Signal {
    words: View<Words>,
}

impl Signal {
    /// The bytes that a signal takes in its region, and their alignment.
    pub const SIZE: usize = 64;

    /// Finds the signal at `offset`; fresh memory, all zero, is a signal with nobody asleep.
    ///
    /// # Errors
    ///
    /// Fails if [`SIZE`](Self::SIZE) bytes at `offset` are not inside the region, or `offset` is
    /// not a multiple of it.
    pub fn at(region: &Region, offset: usize) -> Result<Signal, OutOfRegion> {
        Ok(Signal { words: View::new(region, offset)? })
    }

    /// Wakes the sleeper, if there is one, to look at the state that the caller has changed.
    ///
    /// Never blocks, and makes a system call only if somebody sleeps.
    #[inline]
    pub fn notify(&self) {
        let words = &*self.words;
        words.notifier_cpu.record();
        fence(Ordering::SeqCst);
        if words.sleeping.load(Ordering::Relaxed) != AWAKE {
            wake(words);
        }
    }

    /// Looks at `ready` again and again until it is true or the deadline comes, if the last
    /// notifier ran on another processor; returns whether it became true.
    pub(crate) fn spin(&self, deadline: Deadline, ready: impl FnMut() -> bool) -> bool {
        spin(&self.words.notifier_cpu, deadline, ready)
    }

    /// Waits until `ready` returns true, `alive` returns false, or the deadline comes.
    ///
    /// Spins first if the last notifier ran on another processor; then sleeps in slices of at
    /// most [`SLICE`], after each of which all three are looked at. `ready` must read the state
    /// with `Acquire`, and is looked at once more after `alive` has returned false: what a peer
    /// did before its end counts.
    pub fn wait_until(
        &self,
        deadline: Deadline,
        ready: impl FnMut() -> bool,
        alive: impl FnMut() -> bool,
    ) -> Waited {
        self.wait_in(SLICE, deadline, ready, alive)
    }

    /// As [`wait_until`](Self::wait_until), for who may have nothing to do for long: behind the
    /// first slice, those are as long as [`REST`].
    pub(crate) fn rest_until(
        &self,
        deadline: Deadline,
        ready: impl FnMut() -> bool,
        alive: impl FnMut() -> bool,
    ) -> Waited {
        self.wait_in(REST, deadline, ready, alive)
    }

    /// Waits in slices: a [`SLICE`] first, and then as long as `longest`.
    fn wait_in(
        &self,
        longest: Duration,
        deadline: Deadline,
        mut ready: impl FnMut() -> bool,
        mut alive: impl FnMut() -> bool,
    ) -> Waited {
        let words = &*self.words;
        if ready() || self.spin(deadline, &mut ready) {
            return Waited::Ready;
        }
        let mut longest_now = SLICE;
        loop {
            words.sleeping.store(SLEEPING, Ordering::Relaxed);
            fence(Ordering::SeqCst);
            if let Some(waited) = look(deadline, &mut ready, &mut alive) {
                words.sleeping.store(AWAKE, Ordering::Relaxed);
                return waited;
            }
            let slice = deadline.remaining().map_or(longest_now, |left| left.min(longest_now));
            sys::futex_wait(&words.sleeping, SLEEPING, slice);
            longest_now = longest;
        }
    }
}

#[cold]
fn wake(words: &Words) {
    if words.sleeping.swap(AWAKE, Ordering::Relaxed) != AWAKE {
        sys::futex_wake(&words.sleeping, 1);
    }
}

/// Returns how the wait ended, `None` if it goes on.
fn look(
    deadline: Deadline,
    ready: &mut impl FnMut() -> bool,
    alive: &mut impl FnMut() -> bool,
) -> Option<Waited> {
    if ready() {
        Some(Waited::Ready)
    } else if !alive() {
        Some(if ready() { Waited::Ready } else { Waited::PeerGone })
    } else if deadline.is_expired() {
        Some(Waited::TimedOut)
    } else {
        None
    }
}
