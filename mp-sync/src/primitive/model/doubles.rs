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
        pub struct $name(atomic::$name);

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

impl AtomicU64 {
    /// Returns the atomic that lies there.
    ///
    /// # Safety
    ///
    /// As of the atomic that this is the double of.
    pub unsafe fn from_ptr<'a>(ptr: *mut u64) -> &'a AtomicU64 {
        // SAFETY: by the caller; the double is nothing but the atomic.
        unsafe { &*ptr.cast() }
    }
}

impl AtomicU32 {
    /// Looks without a step, as the kernel does.
    pub(super) fn peek(&self) -> u32 {
        self.0.load(atomic::Ordering::SeqCst)
    }
}

/// A process of the model: the number of its thread, beginning with 1, and a time of birth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity(u64);

impl Identity {
    /// Returns the process that runs.
    pub fn current() -> Identity {
        Identity(number() << 32 | 1)
    }

    /// Returns the process of a word.
    pub fn from_bits(bits: u64) -> Identity {
        Identity(bits)
    }

    /// Returns the word of the process.
    pub fn to_bits(self) -> u64 {
        self.0
    }

    /// Returns its number.
    pub fn pid(self) -> u32 {
        (self.0 >> 32) as u32
    }

    /// Tells whether it was killed.
    pub fn is_dead(self) -> bool {
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
pub enum Deadline {
    /// It has come.
    Past,
    /// It may have come.
    Some,
    /// It does not come.
    Never,
}

impl Deadline {
    /// The deadline that never comes.
    pub const NEVER: Deadline = Deadline::Never;

    /// Returns a moment to come, or past if there is no time until then.
    pub fn after(timeout: Duration) -> Deadline {
        match timeout {
            Duration::ZERO => Deadline::Past,
            Duration::MAX => Deadline::Never,
            _ => Deadline::Some,
        }
    }

    /// Returns a deadline that has come.
    pub fn now() -> Deadline {
        Deadline::Past
    }

    /// Tells whether it has come.
    pub fn is_expired(self) -> bool {
        match self {
            Deadline::Past => true,
            Deadline::Some => thread_rng().gen_bool(0.3),
            Deadline::Never => false,
        }
    }
}

impl From<mp_handle::Deadline> for Deadline {
    fn from(deadline: mp_handle::Deadline) -> Self {
        match deadline.remaining() {
            None => Deadline::Never,
            Some(left) => Deadline::after(left),
        }
    }
}

/// Spins for one look.
pub fn spin(_: &LastCpu, _: impl Into<Deadline>, mut ready: impl FnMut() -> bool) -> bool {
    ready()
}
