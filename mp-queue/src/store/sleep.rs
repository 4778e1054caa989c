//! How processes sleep until there is a message, or room for one.
//!
//! Nobody sleeps with a lock, so one that is stopped while it waits is in nobody's way. A flag says
//! that somebody sleeps; it is also the futex.
//!
//! ```text
//! who changes something             sleeper
//! N1  move the mark                 S1  flag = 1
//! N2  flag? then swap to 0          S2  look at the marks; if ready, done
//!     and wake one                  S3  futex wait while flag = 1
//! ```
//!
//! N1 and the loads in N2 and S2 are sequentially consistent, so either S2 sees N1, or N2 sees S1.
//!
//! The wake goes to one sleeper, and takes the flag away though others may sleep on. So whoever has
//! slept and got something sees to it that the next is woken if there is more:
//! [`pass_on`](Sleepers::pass_on). Before its look it has set the flag again (S1), for others sleep.
//! Should it be killed before it passes on, or a notifier between N1 and N2: no sleep is longer
//! than a slice.

use std::sync::atomic::Ordering::SeqCst;

use mp_handle::{Deadline, LastCpu, Waited};

use crate::primitive::{AtomicU32, futex_wait, futex_wake, spin};

const AWAKE: u32 = 0;
const ASLEEP: u32 = 1;

/// Those who wait on one side.
#[repr(C)]
pub(super) struct Sleepers {
    flag: AtomicU32,
    /// Where the other side ran when it last changed something.
    notifier_cpu: LastCpu,
}

impl Sleepers {
    /// Wakes one, if there is one, after the caller has moved its mark.
    #[inline]
    pub(super) fn notify(&self) {
        self.notifier_cpu.record();
        if self.flag.load(SeqCst) != AWAKE {
            self.wake(1);
        }
    }

    /// Wakes up to `count`.
    #[cold]
    pub(super) fn wake(&self, count: u32) {
        if self.flag.swap(AWAKE, SeqCst) != AWAKE {
            futex_wake(&self.flag, count);
        }
    }

    /// Wakes the next one, by one who has slept and got something; `is_more` tells what for.
    #[inline]
    pub(super) fn pass_on(&self, is_more: impl FnOnce() -> bool) {
        if is_more() {
            self.wake(1);
        }
    }

    /// Looks at `ready` for a moment if that promises something; tells whether it became true.
    #[inline]
    pub(super) fn spin(&self, deadline: Deadline, ready: impl FnMut() -> bool) -> bool {
        spin(&self.notifier_cpu, deadline, ready)
    }

    /// Waits until `ready` is true, `is_gone` is true, or the deadline comes.
    ///
    /// `ready` is looked at once more after `is_gone`: what others did before their end counts.
    pub(super) fn wait(
        &self,
        deadline: Deadline,
        mut ready: impl FnMut() -> bool,
        mut is_gone: impl FnMut() -> bool,
    ) -> Waited {
        loop {
            self.flag.store(ASLEEP, SeqCst);
            if ready() {
                return Waited::Ready;
            }
            if is_gone() {
                // Others are told once. One who is about to sleep would do so by our flag.
                self.wake(u32::MAX);
                return if ready() { Waited::Ready } else { Waited::PeerGone };
            }
            if deadline.is_expired() {
                return Waited::TimedOut;
            }
            futex_wait(&self.flag, ASLEEP, deadline);
        }
    }
}
