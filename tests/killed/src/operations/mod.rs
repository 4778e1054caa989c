//! The operations, a file for each kind of object.

mod lock;
mod named;
mod semaphore;
mod signals;

use crate::operation::Operation;

/// All of them, in the order of the report.
pub(crate) fn all() -> Vec<Operation> {
    let all =
        [lock::operations(), semaphore::operations(), signals::operations(), named::operations()];
    all.into_iter().flatten().collect()
}

pub(crate) fn find(name: &str) -> Option<Operation> {
    all().into_iter().find(|operation| operation.name == name)
}
