//! The monotonic clock.

use rustix::time::{ClockId, clock_gettime};

/// Returns the nanoseconds on `CLOCK_MONOTONIC`, which counts from the machine's start.
pub(crate) fn monotonic_nanos() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    // The kernel never reports a negative moment on this clock.
    let (seconds, nanos) = (now.tv_sec.unsigned_abs(), now.tv_nsec.unsigned_abs());
    seconds.saturating_mul(1_000_000_000).saturating_add(nanos)
}
