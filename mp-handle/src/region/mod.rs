//! [`Region`]: memory that several processes see.
//!
//! A region is a memfd, sealed so that its size can never change, and mapped. It has no name: when
//! the last descriptor and the last mapping are gone, however their processes ended, the kernel
//! frees it. It begins with a header that says what it is; the payload follows.
//!
//! ```text
//! 0                          64                                     64 + len
//! | magic, layout, kind, ... | payload, aligned to 64 bytes              |
//! ```
//!
//! What peers can do to each other is bounded by three rules:
//!
//! 1. A mapping is made only of a memfd whose size is fixed by seals, so that no access within
//!    bounds can ever meet the end of the file (SIGBUS). Its pages are reserved when it is
//!    created, and a lack of memory is an error there and then.
//! 2. The header is read once, checked, and kept in private memory. What a peer writes over it
//!    afterwards changes nothing.
//! 3. No reference to payload bytes is ever made, for a peer may write at any time. They are
//!    copied in and out, or reached as atomics, and every offset is checked.
#![allow(unsafe_code)]

mod access;
mod error;
mod header;
mod view;

use std::fmt;
use std::ptr;
use std::sync::Arc;

use memmap2::{MmapOptions, MmapRaw};
use rustix::fd::AsFd;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use error::{OutOfRegion, RegionError};
pub use header::Kind;
pub(crate) use view::{Shared, View};

use crate::descriptor::Descriptor;
use crate::sys::{self, Seal};
use header::{HEADER, Header};

/// A piece of memory shared between processes.
///
/// Clones are cheap and name the same memory. A region travels inside a
/// [`Parcel`](crate::Parcel); as it then maps whatever arrived, the receiver calls
/// [`expect`](Self::expect) before it relies on the contents.
///
/// The bytes belong to all who have the region, at the same time: a copy made while a peer writes
/// may hold some of the old and some of the new. Order between processes is made with the atomics.
///
/// # Examples
///
/// ```
/// use mp_handle::{Kind, Region};
///
/// const SCOREBOARD: Kind = Kind::new(1000, "scoreboard");
///
/// let region = Region::create(SCOREBOARD, 0, 4096)?;
/// let peer = Region::from_descriptor(region.descriptor().clone(), SCOREBOARD, 0)?;
///
/// region.write(100, b"hello")?;
/// let mut bytes = [0; 5];
/// peer.read(100, &mut bytes)?;
/// assert_eq!(&bytes, b"hello");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Region {
    mapping: Arc<Mapping>,
}

struct Mapping {
    memory: MmapRaw,
    descriptor: Descriptor,
    /// The private copy, checked: `HEADER + header.len` is the size of `memory`.
    header: Header,
}

impl Region {
    /// Creates a region of `len` bytes, all zero.
    ///
    /// `fingerprint` stands for the type of the contents where `kind` alone does not tell it.
    ///
    /// # Errors
    ///
    /// Fails if the memory is not to be had ([`RegionError::NoMemory`]), if it exceeds the
    /// process's file size limit ([`RegionError::FileSizeLimit`]) or the address space
    /// ([`RegionError::TooLarge`]), or if the system refuses a descriptor or the mapping.
    pub fn create(kind: Kind, fingerprint: u64, len: usize) -> Result<Region, RegionError> {
        let too_large = RegionError::TooLarge { len };
        let Some(size) = len.checked_add(HEADER).filter(|&size| isize::try_from(size).is_ok())
        else {
            return Err(too_large);
        };
        let header = Header::new(kind, fingerprint, len);
        let fd = sys::memfd_create("mp-region")?;
        sys::reserve(&fd, size as u64)?;
        sys::memfd_seal(&fd)?;
        let region = Region::map(Descriptor::from(fd), header)?;
        let bytes = header.to_bytes();
        // SAFETY: the mapping is at least HEADER bytes long, and nobody else has it yet.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), region.start(), HEADER) };
        Ok(region)
    }

    /// Maps the region behind a descriptor that came from elsewhere.
    ///
    /// # Errors
    ///
    /// Fails if the descriptor is not that of a sealed region, or if it is one of another kind,
    /// fingerprint, layout or PID namespace.
    pub fn from_descriptor(
        descriptor: Descriptor,
        kind: Kind,
        fingerprint: u64,
    ) -> Result<Region, RegionError> {
        let region = Region::from_unknown(descriptor)?;
        region.expect(kind, fingerprint)?;
        Ok(region)
    }

    /// Maps a region of any kind; [`expect`](Self::expect) is left to the caller.
    fn from_unknown(descriptor: Descriptor) -> Result<Region, RegionError> {
        let header = examine(&descriptor)?;
        Region::map(descriptor, header)
    }

    fn map(descriptor: Descriptor, header: Header) -> Result<Region, RegionError> {
        let fd = descriptor.as_fd();
        let memory = MmapOptions::new().len(HEADER + header.len).map_raw(&fd)?;
        Ok(Region { mapping: Arc::new(Mapping { memory, descriptor, header }) })
    }

    /// Checks that the region is what the caller takes it for.
    ///
    /// # Errors
    ///
    /// Fails if kind or fingerprint are others.
    pub fn expect(&self, kind: Kind, fingerprint: u64) -> Result<(), RegionError> {
        self.mapping.header.expect(kind, fingerprint)
    }

    /// Returns the number of payload bytes.
    #[must_use]
    #[allow(clippy::len_without_is_empty, reason = "an empty region is nothing one asks for")]
    pub fn len(&self) -> usize {
        self.mapping.header.len
    }

    /// Returns the descriptor of the memfd, for example to map the region a second time.
    #[must_use]
    pub fn descriptor(&self) -> &Descriptor {
        &self.mapping.descriptor
    }

    fn start(&self) -> *mut u8 {
        self.mapping.memory.as_mut_ptr()
    }
}

/// Checks that a foreign descriptor can be mapped without danger, and returns what it holds.
fn examine(descriptor: &Descriptor) -> Result<Header, RegionError> {
    let fd = descriptor.as_fd();
    match sys::seal_of(fd)? {
        Seal::Fixed => {}
        Seal::Open => return Err(RegionError::NotSealed),
        Seal::NotMemory => return Err(RegionError::NotMemory),
    }
    // From here on the size cannot change, so it is asked for once.
    let size = sys::memfd_size(fd)?;
    let mut bytes = [0; HEADER];
    if sys::read_at(fd, &mut bytes, 0)? < HEADER {
        return Err(RegionError::Truncated { size });
    }
    Header::from_bytes(&bytes, size)
}

impl Serialize for Region {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.descriptor().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Region {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Region, D::Error> {
        let descriptor = Descriptor::deserialize(deserializer)?;
        Region::from_unknown(descriptor).map_err(serde::de::Error::custom)
    }
}

impl fmt::Debug for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Region")
            .field("kind", &self.mapping.header.kind)
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}
