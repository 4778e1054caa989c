//! When to spin before sleeping, and for how long.
//!
//! To sleep and be woken costs two passes through the kernel, and on virtual machines an interrupt
//! to another processor besides: tens of microseconds. A peer that runs on another processor
//! often answers in less than one, so it pays to look a while. A peer on the same processor
//! cannot answer while we look: there each spin is time stolen from it. So whoever notifies leaves
//! the number of its processor in shared memory, and the other side spins only while that differs
//! from its own.

use std::hint;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::deadline::Deadline;
use crate::region::Shared;
use crate::sys;

/// How long to spin at most: about what a sleep and a wake would cost.
const SPIN: Duration = Duration::from_micros(50);

/// Looks at the predicate between two looks at the clock and the processors.
const LOOKS: u32 = 32;

/// The processor on which a process was when it last said so, in shared memory.
///
/// Holds the number plus one, so that fresh memory, all zero, means "unknown". It is a hint: all
/// accesses are relaxed, and a wrong number costs time, nothing else.
#[derive(Debug, Default)]
#[repr(transparent)]
pub struct LastCpu(AtomicU32);

#[allow(unsafe_code)]
// SAFETY: a single atomic, for which all bit patterns are valid.
unsafe impl Shared for LastCpu {}

impl LastCpu {
    /// Records the processor of the caller, without dirtying the cache line for no news.
    #[inline]
    pub fn record(&self) {
        let here = current();
        if self.0.load(Ordering::Relaxed) != here {
            self.0.store(here, Ordering::Relaxed);
        }
    }

    /// Returns what the caller would record, for a peer that it shares no memory with: that one
    /// [notes](Self::note) it.
    ///
    /// # Examples
    ///
    /// ```
    /// use mp_handle::LastCpu;
    ///
    /// let (recorded, noted) = (LastCpu::default(), LastCpu::default());
    /// recorded.record();
    /// noted.note(LastCpu::here());
    /// assert!(recorded.get().is_some() && noted.get().is_some());
    /// ```
    #[must_use]
    pub fn here() -> u32 {
        current()
    }

    /// Notes what a peer has recorded.
    pub fn note(&self, recorded: u32) {
        self.0.store(recorded, Ordering::Relaxed);
    }

    /// Returns the processor's number, `None` while none was recorded.
    #[must_use]
    pub fn get(&self) -> Option<u32> {
        self.0.load(Ordering::Relaxed).checked_sub(1)
    }

    /// Tells whether the other side was last seen on another processor than the caller's.
    fn is_elsewhere(&self) -> bool {
        let there = self.0.load(Ordering::Relaxed);
        there != 0 && there != current()
    }
}

/// Returns the number of the caller's processor plus one, 0 if the system does not say.
fn current() -> u32 {
    sys::current_cpu().map_or(0, |number| number.wrapping_add(1))
}

/// Looks at `ready` again and again while `other` is on another processor, for up to 50 us or the
/// deadline; returns whether it became true.
///
/// # Examples
///
/// ```
/// use mp_handle::{Deadline, LastCpu, spin};
///
/// // Nobody has been anywhere yet, so there is nobody to wait for.
/// assert!(!spin(&LastCpu::default(), Deadline::NEVER, || true));
/// ```
pub fn spin(other: &LastCpu, deadline: Deadline, mut ready: impl FnMut() -> bool) -> bool {
    if !other.is_elsewhere() {
        return false;
    }
    let end = Deadline::after(SPIN).min(deadline);
    while !end.is_expired() && other.is_elsewhere() {
        for _ in 0..LOOKS {
            if ready() {
                return true;
            }
            hint::spin_loop();
        }
    }
    false
}
