//! A value in an object: its bytes, and what it refers to.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::server::Hold;

/// What all values of this process take.
static IN_USE: AtomicUsize = AtomicUsize::new(0);

/// What a value takes beside its bytes, about.
const OVERHEAD: usize = 96;

/// An encoded value. The objects that are named in it live at least as long.
pub(crate) struct Stored {
    bytes: Box<[u8]>,
    holds: Box<[Hold]>,
}

impl Stored {
    pub(crate) fn new(bytes: &[u8], holds: Vec<Hold>) -> Self {
        IN_USE.fetch_add(bytes.len() + OVERHEAD, Ordering::Relaxed);
        Self { bytes: bytes.into(), holds: holds.into() }
    }

    #[inline]
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    #[inline]
    pub(crate) fn holds(&self) -> &[Hold] {
        &self.holds
    }
}

impl Clone for Stored {
    fn clone(&self) -> Self {
        Self::new(&self.bytes, self.holds.to_vec())
    }
}

impl Drop for Stored {
    fn drop(&mut self) {
        IN_USE.fetch_sub(self.bytes.len() + OVERHEAD, Ordering::Relaxed);
    }
}

/// Two are the same value if they are encoded alike; the bytes name the objects, too.
impl PartialEq for Stored {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

/// How many bytes all values of this process take, about.
pub(crate) fn in_use() -> usize {
    IN_USE.load(Ordering::Relaxed)
}
