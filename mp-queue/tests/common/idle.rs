//! To wait is to sleep.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Tells whether this process, which does nothing else, needs less than `limit` of a processor's
/// time for `wait`. It has a few attempts: where a machine has others as guests, what those take
/// now and then counts as one's own.
pub(crate) fn is_idle(limit: Duration, mut wait: impl FnMut()) -> bool {
    (0..5).any(|_| {
        let before = used();
        wait();
        used() - before < limit
    })
}

fn used() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}
