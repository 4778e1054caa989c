//! The operations, a file for each kind of object.

mod channel;
mod channel_ends;
mod condition;
mod connection;
#[cfg(feature = "persist")]
mod durable;
mod joinable;
mod lock;
mod lockable;
mod manager;
mod manager_kinds;
mod manager_waits;
mod meanwhile;
mod memory;
mod named;
mod parts;
mod pool;
mod process;
mod process_ways;
mod queue;
mod queue_bytes;
mod queue_waits;
mod readers;
mod semaphore;
mod served;
mod server;
mod signals;
mod system;

use crate::operation::Operation;

/// All of them, in the order of the report.
pub(crate) fn all() -> Vec<Operation> {
    let mut all = lock::operations();
    all.extend(readers::operations());
    all.extend(semaphore::operations());
    all.extend(system::operations());
    all.extend(signals::operations());
    all.extend(condition::operations());
    all.extend(named::operations());
    all.extend(memory::operations());
    all.extend(parts::operations());
    all.extend(queue::operations());
    all.extend(queue_bytes::operations());
    all.extend(queue_waits::operations());
    all.extend(joinable::operations());
    all.extend(channel::operations());
    all.extend(channel_ends::operations());
    all.extend(connection::operations());
    all.extend(process::operations());
    all.extend(process_ways::operations());
    all.extend(pool::operations());
    all.extend(manager::operations());
    all.extend(manager_kinds::operations());
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
