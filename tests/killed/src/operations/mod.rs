//! The operations, a file for each kind of object.

mod channel;
mod lock;
mod memory;
mod named;
mod pool;
mod process;
mod queue;
mod semaphore;
mod signals;

use crate::operation::Operation;

/// All of them, in the order of the report.
pub(crate) fn all() -> Vec<Operation> {
    let mut all = lock::operations();
    all.extend(semaphore::operations());
    all.extend(signals::operations());
    all.extend(named::operations());
    all.extend(memory::operations());
    all.extend(queue::operations());
    all.extend(channel::operations());
    all.extend(process::operations());
    all.extend(pool::operations());
    all
}

pub(crate) fn find(name: &str) -> Option<Operation> {
    all().into_iter().find(|operation| operation.name == name)
}
