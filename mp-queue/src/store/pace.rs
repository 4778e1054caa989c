//! [`Pace`]: how a consumer at the heels of a producer lets it get ahead.
//!
//! Who takes each message the moment it is put takes the lines of the tail and of the frame away
//! from the producer each time, and both are several times slower than if some messages were put
//! and then some taken. So a consumer that has found nothing may rest for less than a microsecond
//! before it looks again.
//!
//! But one who waits for the answer to a question shall not rest. What a message is nobody tells,
//! so it is tried now and then: a rest was worth it if there was more than one message behind it.

use std::hint;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;

/// How long a rest is: a few hundred nanoseconds.
const PAUSES: u32 = 32;

/// After a rest that was in vain there is none for so many waits.
const WAITS: u32 = 64;

/// What a consumer has learned; a hint, which threads share.
#[derive(Debug, Default)]
pub(super) struct Pace {
    waits_left: AtomicU32,
}

impl Pace {
    /// Tells whether to rest in this wait.
    pub(super) fn is_time(&self) -> bool {
        let left = self.waits_left.load(Relaxed);
        self.waits_left.store(left.saturating_sub(1), Relaxed);
        left == 0
    }

    pub(super) fn rest() {
        (0..PAUSES).for_each(|_| hint::spin_loop());
    }

    /// Learns how many messages there were after a rest.
    pub(super) fn learn(&self, messages: usize) {
        if messages < 2 {
            self.waits_left.store(WAITS, Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rest_in_vain_is_not_taken_again_for_a_while() {
        let pace = Pace::default();
        assert!(pace.is_time());
        pace.learn(5);
        assert!(pace.is_time());
        pace.learn(1);
        let waits = (0..).take_while(|_| !pace.is_time()).count();
        assert_eq!(waits, WAITS as usize);
    }
}
