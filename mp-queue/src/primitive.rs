//! What the store's protocol is made of: in the model checker's build, its doubles.

#[cfg(not(shuttle))]
mod real {
    pub(crate) use std::sync::atomic::{AtomicU32, AtomicU64};

    pub(crate) use mp_handle::{futex_wait, futex_wake, spin};
}

#[cfg(shuttle)]
pub(crate) use mp_sync::model::{AtomicU32, AtomicU64, futex_wait, futex_wake, spin};
#[cfg(not(shuttle))]
pub(crate) use real::*;
