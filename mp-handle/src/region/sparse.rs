//! Sparse regions: more file than memory.
//!
//! The size of a sparse region is fixed when it is created, as that of any other, but its pages
//! are not taken yet, and only its first bytes are mapped. Whoever uses more of it
//! [reserves](Region::reserve) the pages first, so that a lack of memory is an error there, maps
//! them as a [`Window`], and [releases](Region::release) them when they are of no more use. Thus
//! something that may become large, such as a queue, can begin small without ever moving.
#![allow(unsafe_code)]

use std::fmt;
use std::os::fd::AsFd;
use std::ptr;

use memmap2::{MmapOptions, MmapRaw};

use super::header::{HEADER, Header, Lifetime};
use super::{Kind, OutOfRegion, Region, RegionError, examine, file_size};
use crate::descriptor::Descriptor;
use crate::sys;

impl Region {
    /// Creates a region of `extent` bytes, all zero, of which the first `len` are mapped and have
    /// their pages.
    ///
    /// It travels by its [`descriptor`](Self::descriptor), to be [opened](Self::open_sparse); a
    /// `Region` that arrives in a parcel is mapped whole.
    ///
    /// # Errors
    ///
    /// Those of [`create`](Self::create); no memory is needed for what is not mapped.
    ///
    /// # Examples
    ///
    /// ```
    /// use mp_handle::{Kind, Region};
    ///
    /// const HEAP: Kind = Kind::new(1000, "heap");
    ///
    /// let heap = Region::create_sparse(HEAP, 0, 1 << 30, 4096)?;
    /// assert_eq!((heap.len(), heap.extent()), (4096, 1 << 30));
    ///
    /// heap.reserve(1 << 20, 100)?;
    /// let window = heap.window(1 << 20, 100)?;
    /// window.write(0, b"far away")?;
    ///
    /// let peer = Region::open_sparse(heap.descriptor().clone(), HEAP, 0, 4096)?;
    /// let mut bytes = [0; 8];
    /// peer.window(1 << 20, 8)?.read(0, &mut bytes)?;
    /// assert_eq!(&bytes, b"far away");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn create_sparse(
        kind: Kind,
        fingerprint: u64,
        extent: usize,
        len: usize,
    ) -> Result<Region, RegionError> {
        let header = Header::new(kind, fingerprint, extent, Lifetime::Anonymous);
        let (size, len) = (file_size(extent)?, len.min(extent));
        let fd = sys::memfd_create("mp-region")?;
        sys::extend(&fd, size)?;
        sys::memfd_seal(&fd)?;
        sys::reserve_range(&fd, 0, file_size(len)?)?;
        Region::fresh_part(fd, header, len)
    }

    /// Maps the first `len` bytes of the region behind a descriptor that came from elsewhere.
    ///
    /// # Errors
    ///
    /// Those of [`from_descriptor`](Self::from_descriptor), or the region has not that much.
    pub fn open_sparse(
        descriptor: Descriptor,
        kind: Kind,
        fingerprint: u64,
        len: usize,
    ) -> Result<Region, RegionError> {
        let header = examine(&descriptor)?;
        header.expect(kind, fingerprint)?;
        check(header.len, 0, len)?;
        Region::map_part(descriptor, header, len)
    }

    /// Returns the number of payload bytes that the file has, mapped or not.
    #[must_use]
    pub fn extent(&self) -> usize {
        self.mapping.header.len
    }

    /// Takes the pages of `len` bytes from `offset` on; those that are there already stay.
    ///
    /// # Errors
    ///
    /// Fails if they are not inside the file, or the memory is not to be had; some of the pages
    /// may be taken then.
    pub fn reserve(&self, offset: usize, len: usize) -> Result<(), RegionError> {
        check(self.extent(), offset, len)?;
        Ok(sys::reserve_range(self.descriptor(), (HEADER + offset) as u64, len as u64)?)
    }

    /// Gives the pages of `len` bytes from `offset` on back to the system, those of them that are
    /// whole; the bytes are zero from then on, for all who have the region.
    ///
    /// # Errors
    ///
    /// Fails if they are not inside the file, or by the system's refusal.
    pub fn release(&self, offset: usize, len: usize) -> Result<(), RegionError> {
        check(self.extent(), offset, len)?;
        Ok(sys::release_range(self.descriptor(), (HEADER + offset) as u64, len as u64)?)
    }

    /// Maps `len` bytes of the file from `offset` on.
    ///
    /// # Errors
    ///
    /// Fails if they are not inside the file, or for want of address space.
    pub fn window(&self, offset: usize, len: usize) -> Result<Window, RegionError> {
        check(self.extent(), offset, len)?;
        let start = (HEADER + offset) as u64;
        let fd = self.descriptor().as_fd();
        let memory = MmapOptions::new().offset(start).len(len).map_raw(&fd)?;
        Ok(Window { memory })
    }
}

/// Checks that `size` bytes at `offset` are among `len`.
#[inline]
fn check(len: usize, offset: usize, size: usize) -> Result<(), OutOfRegion> {
    if offset > len || size > len - offset {
        return Err(OutOfRegion { offset, size, align: 1, len });
    }
    Ok(())
}

/// Some bytes of a [`Region`], mapped by themselves; made by [`Region::window`].
///
/// As in the region, no references to the bytes are made: they are copied in and out.
pub struct Window {
    memory: MmapRaw,
}

impl Window {
    /// Returns the address of the first byte, good for [`len`](Self::len) bytes while the window
    /// lives. Peers write there too.
    #[must_use]
    #[inline]
    pub fn as_ptr(&self) -> *mut u8 {
        self.memory.as_mut_ptr()
    }

    /// Returns the number of bytes.
    #[must_use]
    #[inline]
    #[allow(clippy::len_without_is_empty, reason = "an empty window cannot be mapped")]
    pub fn len(&self) -> usize {
        self.memory.len()
    }

    /// Copies `bytes` to `offset`.
    ///
    /// # Errors
    ///
    /// Fails, and copies nothing, if they would not all be inside.
    #[inline]
    pub fn write(&self, offset: usize, bytes: &[u8]) -> Result<(), OutOfRegion> {
        check(self.len(), offset, bytes.len())?;
        // SAFETY: the bounds are checked, and `bytes` are private memory, so they do not overlap.
        // A peer that reads meanwhile copies them too, and any bytes are valid u8s.
        unsafe {
            ptr::copy_nonoverlapping(bytes.as_ptr(), self.as_ptr().add(offset), bytes.len());
        }
        Ok(())
    }

    /// Copies the bytes from `offset` on into `buffer`.
    ///
    /// # Errors
    ///
    /// Fails, and copies nothing, if they are not all inside.
    #[inline]
    pub fn read(&self, offset: usize, buffer: &mut [u8]) -> Result<(), OutOfRegion> {
        check(self.len(), offset, buffer.len())?;
        // SAFETY: as in `write`; a peer that writes meanwhile spoils what is copied.
        unsafe {
            ptr::copy_nonoverlapping(self.as_ptr().add(offset), buffer.as_mut_ptr(), buffer.len());
        }
        Ok(())
    }

    /// Copies the `len` bytes from `offset` on to the end of `out`, if it has room for them.
    ///
    /// # Errors
    ///
    /// Fails, and copies nothing, if they are not all inside.
    ///
    /// # Panics
    ///
    /// Panics if `out` has not that much spare capacity: to get it, or to fail, is the caller's.
    #[inline]
    pub fn read_to(&self, offset: usize, len: usize, out: &mut Vec<u8>) -> Result<(), OutOfRegion> {
        check(self.len(), offset, len)?;
        assert!(out.capacity() - out.len() >= len, "no room for {len} bytes");
        let end = out.len();
        // SAFETY: the source's bounds are checked; there is room for `len` bytes behind `end`,
        // private memory, and all of them are written before the length says so.
        unsafe {
            ptr::copy_nonoverlapping(self.as_ptr().add(offset), out.as_mut_ptr().add(end), len);
            out.set_len(end + len);
        }
        Ok(())
    }
}

impl fmt::Debug for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Window").field("len", &self.len()).finish_non_exhaustive()
    }
}
