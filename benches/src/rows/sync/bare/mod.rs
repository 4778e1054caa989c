//! The bare mechanisms of the system: what is left when nobody may die.

mod futex;
mod pthread;

pub(super) use futex::{Futex, Meeting};
pub(super) use pthread::{Robust, RwLock, Semaphore};
