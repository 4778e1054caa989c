//! A value in an object: its bytes, and what it refers to.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::server::Hold;

/// What all values of this process take.
static IN_USE: AtomicUsize = AtomicUsize::new(0);

/// What a value takes beside its bytes, about.
const OVERHEAD: usize = 96;

/// An encoded value. The objects that are named in it live at least as long.
pub(crate) struct Stored {
    bytes: Bytes,
    holds: Box<[Hold]>,
}

/// So many bytes take no more room in place than the address of others would.
const SMALL: usize = 22;

/// Bytes, few of them in place: to allocate costs more than all else that is done to a number.
enum Bytes {
    Small { len: u8, bytes: [u8; SMALL] },
    Large(Box<[u8]>),
}

const _: () = assert!(size_of::<Bytes>() == 24);

impl Bytes {
    #[inline]
    fn new(from: &[u8]) -> Self {
        let mut bytes = [0; SMALL];
        match bytes.get_mut(..from.len()) {
            Some(place) => {
                place.copy_from_slice(from);
                Self::Small { len: from.len() as u8, bytes }
            }
            None => Self::Large(from.into()),
        }
    }

    #[inline]
    fn as_slice(&self) -> &[u8] {
        match self {
            Self::Small { len, bytes } => &bytes[..usize::from(*len)],
            Self::Large(bytes) => bytes,
        }
    }
}

impl Stored {
    #[inline]
    pub(crate) fn new(bytes: &[u8], holds: Vec<Hold>) -> Self {
        IN_USE.fetch_add(bytes.len() + OVERHEAD, Ordering::Relaxed);
        Self { bytes: Bytes::new(bytes), holds: holds.into() }
    }

    #[inline]
    pub(crate) fn bytes(&self) -> &[u8] {
        self.bytes.as_slice()
    }

    #[inline]
    pub(crate) fn holds(&self) -> &[Hold] {
        &self.holds
    }
}

impl Clone for Stored {
    fn clone(&self) -> Self {
        Self::new(self.bytes(), self.holds.to_vec())
    }
}

impl Drop for Stored {
    #[inline]
    fn drop(&mut self) {
        IN_USE.fetch_sub(self.bytes().len() + OVERHEAD, Ordering::Relaxed);
    }
}

/// Two are the same value if they are encoded alike; the bytes name the objects, too.
impl PartialEq for Stored {
    fn eq(&self, other: &Self) -> bool {
        self.bytes() == other.bytes()
    }
}

/// How many bytes all values of this process take, about.
pub(crate) fn in_use() -> usize {
    IN_USE.load(Ordering::Relaxed)
}
