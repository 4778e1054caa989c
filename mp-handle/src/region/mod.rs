//! [`Region`]: memory that several processes see.
//!
//! A region is a memfd, sealed so that its size can never change, and mapped. It has no name: when
//! the last descriptor and the last mapping are gone, however their processes ended, the kernel
//! frees it. It begins with a header that says what it is; the payload follows. (A named region,
//! see `named`, is a file instead, and lives until it is unlinked.)
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
//!    created, or before they are used (see `sparse`), and a lack of memory is an error there and
//!    then. The file of a named region has no seals, so it is taken only from a user who is
//!    trusted not to shrink it.
//! 2. The header is read once, checked, and kept in private memory. What a peer writes over it
//!    afterwards changes nothing.
//! 3. No reference to payload bytes is ever made, for a peer may write at any time. They are
//!    copied in and out, or reached as atomics, and every offset is checked.
#![allow(unsafe_code)]

mod access;
mod error;
mod header;
mod named;
mod sparse;
mod view;

use std::fmt;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::ptr;
use std::sync::Arc;

use memmap2::{MmapOptions, MmapRaw};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use error::{OutOfRegion, RegionError};
pub use header::Kind;
pub use named::{Name, NamedRegion};
pub use sparse::Window;
pub use view::{Shared, View};

use crate::descriptor::Descriptor;
use crate::sys::{self, Seal};
use header::{HEADER, Header, Lifetime};

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
    /// The private copy, checked: `HEADER + header.len` is the size of the file, and of `memory`
    /// unless the region is sparse.
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
        let header = Header::new(kind, fingerprint, len, Lifetime::Anonymous);
        let size = file_size(len)?;
        let fd = sys::memfd_create("mp-region")?;
        sys::reserve(&fd, size)?;
        sys::memfd_seal(&fd)?;
        Region::fresh(fd, header)
    }

    /// Maps a new file, which nobody else has yet, and writes its header.
    fn fresh(fd: OwnedFd, header: Header) -> Result<Region, RegionError> {
        Region::fresh_part(fd, header, header.len)
    }

    /// The same, with `len` bytes of the payload mapped.
    fn fresh_part(fd: OwnedFd, header: Header, len: usize) -> Result<Region, RegionError> {
        let region = Region::map_part(Descriptor::from(fd), header, len)?;
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

    /// Maps a region whose owner the caller has checked.
    fn trusted(
        descriptor: Descriptor,
        kind: Kind,
        fingerprint: u64,
    ) -> Result<Region, RegionError> {
        let header = read_header(&descriptor)?;
        header.expect(kind, fingerprint)?;
        Region::map(descriptor, header)
    }

    /// Maps a region of any kind; [`expect`](Self::expect) is left to the caller.
    fn from_unknown(descriptor: Descriptor) -> Result<Region, RegionError> {
        let header = examine(&descriptor)?;
        Region::map(descriptor, header)
    }

    fn map(descriptor: Descriptor, header: Header) -> Result<Region, RegionError> {
        Region::map_part(descriptor, header, header.len)
    }

    /// Maps the first `len` bytes of the payload, which has them.
    fn map_part(descriptor: Descriptor, header: Header, len: usize) -> Result<Region, RegionError> {
        let fd = descriptor.as_fd();
        let memory = MmapOptions::new().len(HEADER + len).map_raw(&fd)?;
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

    /// Returns the number of payload bytes; of a sparse region, of those that are mapped.
    #[must_use]
    #[inline]
    #[allow(clippy::len_without_is_empty, reason = "an empty region is nothing one asks for")]
    pub fn len(&self) -> usize {
        self.mapping.memory.len() - HEADER
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

/// Returns the size of the file that holds `len` bytes and their header.
fn file_size(len: usize) -> Result<u64, RegionError> {
    let size = len.checked_add(HEADER).filter(|&size| isize::try_from(size).is_ok());
    size.map(|size| size as u64).ok_or(RegionError::TooLarge { len })
}

/// Checks that a foreign descriptor can be mapped without danger, and returns what it holds.
fn examine(descriptor: &Descriptor) -> Result<Header, RegionError> {
    let fd = descriptor.as_fd();
    let seal = sys::seal_of(fd)?;
    if seal == Seal::NotMemory {
        return Err(RegionError::NotMemory);
    }
    if seal == Seal::Open && !is_own_named(fd) {
        return Err(RegionError::NotSealed);
    }
    read_header(fd)
}

/// Tells whether this is the file of a named region of this process's user.
fn is_own_named(fd: BorrowedFd<'_>) -> bool {
    let is_named = read_header(fd).is_ok_and(|header| header.lifetime == Lifetime::Named);
    is_named && named::owner(fd).is_ok_and(|owner| owner == named::user())
}

/// Reads the header of a file. Its size is asked for once: of a sealed one it cannot change.
fn read_header(fd: impl AsFd) -> Result<Header, RegionError> {
    let size = sys::memfd_size(&fd)?;
    let mut bytes = [0; HEADER];
    if sys::read_at(&fd, &mut bytes, 0)? < HEADER {
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
