//! The operations, a file for each kind of object.

mod channel;
#[cfg(feature = "persist")]
mod durable;
mod lock;
mod manager;
mod manager_waits;
mod meanwhile;
mod memory;
mod named;
mod parts;
mod pool;
mod process;
mod queue;
mod semaphore;
mod served;
mod server;
mod signals;

use crate::operation::Operation;

/// All of them, in the order of the report.
pub(crate) fn all() -> Vec<Operation> {
    let mut all = lock::operations();
    all.extend(semaphore::operations());
    all.extend(signals::operations());
    all.extend(named::operations());
    all.extend(memory::operations());
    all.extend(parts::operations());
    all.extend(queue::operations());
    all.extend(channel::operations());
    all.extend(process::operations());
    all.extend(pool::operations());
    all.extend(manager::operations());
    all.extend(manager_waits::operations());
    all.extend(server::operations());
    #[cfg(feature = "persist")]
    all.extend(durable::operations());
    all.extend(meanwhile::operations());
    all
}

pub(crate) fn find(name: &str) -> Option<Operation> {
    all().into_iter().find(|operation| operation.name == name)
}
