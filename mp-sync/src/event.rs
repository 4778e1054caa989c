//! [`Event`]: something has happened, and all who wait for it go on.
//!
//! All is in one futex word:
//!
//! | bits | meaning |
//! |---|---|
//! | 0, `SET` | it has happened |
//! | 1, `SLEEPERS` | somebody sleeps, or did |
//! | 2.. | how often it was set, so that who slept through `set` and `clear` knows that it was |
//!
//! A setter killed between its exchange and the wake wakes nobody; sleepers look each slice.

#[cfg(all(test, shuttle))]
mod model;

use std::fmt;
use std::time::Duration;

use mp_handle::{Kind, Region, RegionError, Shared, View};

use crate::object::{named, travels};
use crate::primitive::{AtomicU32, Deadline, LastCpu, Ordering, futex_wait, futex_wake, spin};

const SET: u32 = 1;
const SLEEPERS: u32 = 2;
const ROUND: u32 = 4;

/// The words in shared memory.
#[repr(C)]
#[derive(Default)]
struct Words {
    state: AtomicU32,
    setter_cpu: LastCpu,
}

#[allow(unsafe_code)]
// SAFETY: two atomics one behind the other, valid with any bits, repr(C).
unsafe impl Shared for Words {}

impl Words {
    fn is_set(&self) -> bool {
        self.state.load(Ordering::Acquire) & SET != 0
    }

    fn set(&self) {
        self.setter_cpu.record();
        // Even if it is set already: who goes on sees what this one did before, too.
        let next = |seen: u32| {
            let round = (seen & !(SET | SLEEPERS)).wrapping_add(ROUND);
            Some(if seen & SET == 0 { round | SET } else { seen })
        };
        let before = self.state.fetch_update(Ordering::AcqRel, Ordering::Acquire, next);
        if before.is_ok_and(|before| before & SLEEPERS != 0) {
            futex_wake(&self.state, u32::MAX);
        }
    }

    fn clear(&self) {
        self.state.fetch_and(!SET, Ordering::AcqRel);
    }

    fn wait(&self, deadline: Deadline) -> bool {
        let first = self.state.load(Ordering::Acquire);
        let happened = |state: u32| state & SET != 0 || state / ROUND != first / ROUND;
        let ready = || happened(self.state.load(Ordering::Acquire));
        if spin(&self.setter_cpu, deadline, ready) {
            return true;
        }
        loop {
            let seen = self.state.load(Ordering::Acquire);
            if happened(seen) {
                return true;
            }
            if deadline.is_expired() {
                return false;
            }
            let asleep = seen | SLEEPERS;
            let (success, failure) = (Ordering::AcqRel, Ordering::Acquire);
            if self.state.compare_exchange(seen, asleep, success, failure).is_ok() {
                futex_wait(&self.state, asleep, deadline);
            }
        }
    }
}

/// A flag that processes and threads wait for.
///
/// Whoever waits when the event is set goes on, even if it is cleared again at once. A process
/// killed in any of the calls disturbs nobody.
///
/// # Examples
///
/// ```
/// use mp_process::spawn;
/// use mp_sync::Event;
///
/// mp_process::init();
/// let ready = Event::new()?;
/// let child = spawn(|ready: Event| ready.set(), (ready.clone(),))?;
/// ready.wait();
/// assert!(ready.is_set());
/// child.join()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Source: CPython's `multiprocessing.Event`.
#[derive(Clone)]
pub struct Event {
    words: View<Words>,
}

impl Event {
    const KIND: Kind = Kind::new(0x25, "event");

    /// Creates an event that has not happened.
    ///
    /// # Errors
    ///
    /// Fails if the memory, a descriptor or the mapping is not to be had.
    pub fn new() -> Result<Event, RegionError> {
        Event::attach(Region::create(Event::KIND, 0, Event::len())?)
    }

    fn attach(region: Region) -> Result<Event, RegionError> {
        region.expect(Event::KIND, 0)?;
        Ok(Event { words: View::new(&region, 0)? })
    }

    fn len() -> usize {
        size_of::<Words>()
    }

    fn region(&self) -> &Region {
        self.words.region()
    }

    /// Tells whether the event has happened.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.words.is_set()
    }

    /// Lets the event happen: all who wait go on, and who comes later does not wait.
    ///
    /// What this thread did before is visible to those who go on.
    pub fn set(&self) {
        self.words.set();
    }

    /// Makes the event one that has not happened.
    pub fn clear(&self) {
        self.words.clear();
    }

    /// Waits until the event happens, or returns at once if it has.
    pub fn wait(&self) {
        while !self.words.wait(Deadline::NEVER) {}
    }

    /// Waits up to `timeout`; tells whether the event happened.
    #[must_use]
    pub fn wait_timeout(&self, timeout: Duration) -> bool {
        self.words.wait(Deadline::after(timeout))
    }
}

travels!(Event);
named!(Event, "event");

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event").field("is_set", &self.is_set()).finish()
    }
}
