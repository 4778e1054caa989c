//! What adding a permit can fail with.

use std::error::Error;
use std::fmt;

/// No permit could be added: the semaphore has as many as there can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReleaseError {
    /// How many that are.
    pub limit: u32,
}

impl ReleaseError {
    pub(crate) fn new(limit: u32) -> ReleaseError {
        ReleaseError { limit }
    }
}

impl fmt::Display for ReleaseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "semaphore released too many times: it has all of its {} permits", self.limit)
    }
}

impl Error for ReleaseError {}
