//! What may go to other threads, and be used after a panic: handles as `std`'s `Mutex`, guards as
//! its guards.

use std::panic::{RefUnwindSafe, UnwindSafe};

use mp_sync::{
    Barrier, BarrierCreateError, BarrierError, BoundedSemaphore, Condition, Event, Identity, Lock,
    LockGuard, Permit, RLock, RLockGuard, ReadGuard, RegionError, ReleaseError, RwLock, Semaphore,
    SystemSemaphore, WriteGuard,
};

fn is_handle<T: Clone + Send + Sync + UnwindSafe + RefUnwindSafe + 'static>() {}
fn is_shareable<T: Sync + UnwindSafe>() {}
fn is_error<T: std::error::Error + Send + Sync + 'static>() {}

#[test]
fn handles_go_everywhere() {
    is_handle::<(Lock, RLock, RwLock, Condition)>();
    is_handle::<(Semaphore, BoundedSemaphore, SystemSemaphore)>();
    is_handle::<(Barrier, Event, Identity)>();
}

#[test]
fn guards_can_be_looked_at_from_everywhere() {
    is_shareable::<(LockGuard<'_>, RLockGuard<'_>, ReadGuard<'_>, WriteGuard<'_>)>();
    is_shareable::<Permit<'_>>();
    fn goes_to_other_threads<T: Send>() {}
    goes_to_other_threads::<Permit<'_>>();
}

#[test]
fn errors_go_into_boxes() {
    is_error::<BarrierCreateError>();
    is_error::<BarrierError>();
    is_error::<RegionError>();
    is_error::<ReleaseError>();
}
