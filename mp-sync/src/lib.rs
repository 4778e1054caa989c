#![doc = include_str!("../README.md")]
#![deny(unsafe_code)]

#[cfg(not(all(target_os = "linux", target_env = "gnu", target_pointer_width = "64")))]
compile_error!(
    "mp-sync supports 64-bit Linux with glibc only (not musl): depend on it for \
     `cfg(all(target_os = \"linux\", target_env = \"gnu\"))`, and see the guide of `multiprocess`"
);

mod barrier;
mod bounded;
mod condition;
mod error;
mod event;
mod guard;
mod intern;
mod lock;
mod names;
mod object;
mod outcome;
mod primitive;
mod rlock;
#[cfg(not(shuttle))]
mod robust;
mod rwlock;
mod semaphore;
mod sys;
mod system_semaphore;

pub use barrier::{Barrier, BarrierCreateError, BarrierError, BarrierWaitResult, BrokenBy};
pub use bounded::BoundedSemaphore;
pub use condition::Condition;
pub use error::{LockError, OwnerDied};
pub use event::Event;
pub use guard::{Guard, Held, Recover};
pub use lock::{Lock, LockGuard};
pub use mp_handle::{Name, NamedRegion, RegionError};
pub use names::named;
pub use primitive::Identity;
#[cfg(shuttle)]
#[doc(hidden)]
pub use primitive::model;
pub use rlock::{RLock, RLockGuard};
pub use rwlock::{ReadGuard, RwLock, WriteGuard};
pub use semaphore::{Permit, ReleaseError, Semaphore};
pub use system_semaphore::SystemSemaphore;
