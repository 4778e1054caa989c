//! [`Deadline`]: the moment at which a wait gives up.
//!
//! A moment and not a duration, because waits are cut into slices and interrupted by signals: a
//! duration would begin again each time. It is counted on `CLOCK_MONOTONIC`, the clock of futexes,
//! which all processes of a machine share and nobody sets.

use std::time::Duration;

use crate::sys;

/// A moment on the monotonic clock, or never.
///
/// Deadlines are ordered, so that `a.min(b)` is the earlier of two; never comes last.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use mp_handle::Deadline;
///
/// let soon = Deadline::after(Duration::from_secs(60));
/// assert!(!soon.is_expired());
/// assert!(soon.remaining() <= Some(Duration::from_secs(60)));
/// assert_eq!(soon.min(Deadline::NEVER), soon);
///
/// assert!(Deadline::now().is_expired());
/// assert_eq!(Deadline::after(Duration::MAX), Deadline::NEVER);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Deadline {
    /// Nanoseconds since the clock's beginning; `u64::MAX`, after 584 years, is never.
    nanos: u64,
}

impl Deadline {
    /// The deadline that never comes.
    pub const NEVER: Deadline = Deadline { nanos: u64::MAX };

    /// Returns the moment `timeout` from now, or [`NEVER`](Self::NEVER) if the clock cannot count
    /// that far.
    #[must_use]
    pub fn after(timeout: Duration) -> Deadline {
        let nanos = u64::try_from(timeout.as_nanos()).unwrap_or(u64::MAX);
        Deadline { nanos: sys::monotonic_nanos().saturating_add(nanos) }
    }

    /// Returns this moment: a deadline that is expired already, for looking without waiting.
    #[must_use]
    pub fn now() -> Deadline {
        Deadline { nanos: sys::monotonic_nanos() }
    }

    /// Tells whether the moment has come.
    #[must_use]
    pub fn is_expired(self) -> bool {
        self != Deadline::NEVER && sys::monotonic_nanos() >= self.nanos
    }

    /// Returns the time that is left, zero if the moment has come, `None` if it never comes.
    #[must_use]
    pub fn remaining(self) -> Option<Duration> {
        if self == Deadline::NEVER {
            return None;
        }
        Some(Duration::from_nanos(self.nanos.saturating_sub(sys::monotonic_nanos())))
    }
}
