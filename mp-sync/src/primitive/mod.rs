//! What the state machines are made of: in the model checker's build, its doubles.

#[cfg(not(shuttle))]
mod real {
    pub(crate) use std::sync::atomic::{AtomicU32, AtomicU64};

    pub(crate) use mp_handle::{Deadline, futex_wait, futex_wake, spin};

    pub(crate) use crate::robust::Robust;
    pub use crate::sys::Identity;
}

#[cfg(shuttle)]
pub mod model;

pub(crate) use std::sync::atomic::Ordering;

pub(crate) use mp_handle::LastCpu;

#[cfg(shuttle)]
pub use model::Identity;
#[cfg(shuttle)]
pub(crate) use model::{AtomicU32, AtomicU64, Deadline, Robust, futex_wait, futex_wake, spin};
#[cfg(not(shuttle))]
pub use real::*;
