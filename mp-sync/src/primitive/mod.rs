//! What the state machines are made of: in the model checker's build, its doubles.

#[cfg(not(all(test, shuttle)))]
mod real {
    pub(crate) use std::sync::atomic::{AtomicU32, AtomicU64};

    pub(crate) use mp_handle::{Deadline, futex_wait, futex_wake, spin};

    pub(crate) use crate::robust::Robust;
    pub(crate) use crate::sys::Identity;
}

#[cfg(all(test, shuttle))]
pub(crate) mod model;

pub(crate) use std::sync::atomic::Ordering;

pub(crate) use mp_handle::LastCpu;

#[cfg(all(test, shuttle))]
pub(crate) use model::{
    AtomicU32, AtomicU64, Deadline, Identity, Robust, futex_wait, futex_wake, spin,
};
#[cfg(not(all(test, shuttle)))]
pub(crate) use real::*;
