//! Doubles of the atomics, of who one is, and of time.
#![allow(unsafe_code)]

use std::ops::Deref;
use std::sync::atomic;
use std::time::Duration;

use mp_handle::{LastCpu, Shared};
use shuttle::current::try_get_current_task;
use shuttle::rand::{Rng, thread_rng};

use super::{step, world};

macro_rules! atomic_double {
    ($name:ident) => {
        /// The double of the atomic; every access is a step.
        #[derive(Debug, Default)]
        #[repr(transparent)]
        pub(crate) struct $name(atomic::$name);

        // SAFETY: a single atomic, for which all bit patterns are valid.
        unsafe impl Shared for $name {}

        impl Deref for $name {
            type Target = atomic::$name;

            fn deref(&self) -> &atomic::$name {
                /// What the killed write into.
                static GRAVE: atomic::$name = atomic::$name::new(0);
                if step() { &self.0 } else { &GRAVE }
            }
        }
    };
}

atomic_double!(AtomicU32);
atomic_double!(AtomicU64);

impl AtomicU32 {
    /// Looks without a step, as the kernel does.
    pub(super) fn peek(&self) -> u32 {
        self.0.load(atomic::Ordering::SeqCst)
    }
}

/// A process of the model: the number of its thread, beginning with 1, and a time of birth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Identity(u64);

impl Identity {
    pub(crate) fn current() -> Identity {
        Identity(number() << 32 | 1)
    }

    pub(crate) fn from_bits(bits: u64) -> Identity {
        Identity(bits)
    }

    pub(crate) fn to_bits(self) -> u64 {
        self.0
    }

    pub(crate) fn pid(self) -> u32 {
        (self.0 >> 32) as u32
    }

    pub(crate) fn is_dead(self) -> bool {
        is_dead(self.pid())
    }
}

/// Returns the number of the process that runs.
pub(super) fn number() -> u64 {
    try_get_current_task().map_or(1, |task| usize::from(task) as u64 + 1)
}

/// Tells whether the process of that number was killed.
pub(super) fn is_dead(number: u32) -> bool {
    world(|world| world.dead.iter().any(|&task| usize::from(task) + 1 == number as usize))
}

/// The double of a deadline. Whether a moment to come has come is a coin's to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Deadline {
    Past,
    Some,
    Never,
}

impl Deadline {
    pub(crate) const NEVER: Deadline = Deadline::Never;

    pub(crate) fn after(timeout: Duration) -> Deadline {
        if timeout.is_zero() { Deadline::Past } else { Deadline::Some }
    }

    pub(crate) fn now() -> Deadline {
        Deadline::Past
    }

    pub(crate) fn is_expired(self) -> bool {
        match self {
            Deadline::Past => true,
            Deadline::Some => thread_rng().gen_bool(0.3),
            Deadline::Never => false,
        }
    }
}

/// Spins for one look.
pub(crate) fn spin(_: &LastCpu, _: Deadline, mut ready: impl FnMut() -> bool) -> bool {
    ready()
}
