//! Access to the payload: as atomics, or by copies, always within bounds.
#![allow(unsafe_code)]

use std::ptr;
use std::sync::atomic::{AtomicU32, AtomicU64};

use super::header::HEADER;
use super::{OutOfRegion, Region};

impl Region {
    /// Returns the address of the payload in this process, a multiple of 64.
    ///
    /// It is good for [`len`](Self::len) bytes while the region or a clone of it lives. Peers
    /// write there too, so make no reference to what lies there, except to atomics.
    #[must_use]
    pub fn as_ptr(&self) -> *mut u8 {
        // SAFETY: the mapping is HEADER + len bytes long, so this stays inside or one past it.
        unsafe { self.start().add(HEADER) }
    }

    /// Returns the word at `offset`.
    ///
    /// # Errors
    ///
    /// Fails if the word is not inside the payload, or `offset` not a multiple of 4.
    pub fn atomic_u32(&self, offset: usize) -> Result<&AtomicU32, OutOfRegion> {
        let word = self.slot(offset, size_of::<AtomicU32>(), align_of::<AtomicU32>())?;
        // SAFETY: `slot` checked bounds and alignment; the mapping lives as long as `self`.
        Ok(unsafe { AtomicU32::from_ptr(word.cast()) })
    }

    /// Returns the double word at `offset`.
    ///
    /// # Errors
    ///
    /// Fails if the word is not inside the payload, or `offset` not a multiple of 8.
    pub fn atomic_u64(&self, offset: usize) -> Result<&AtomicU64, OutOfRegion> {
        let word = self.slot(offset, size_of::<AtomicU64>(), align_of::<AtomicU64>())?;
        // SAFETY: `slot` checked bounds and alignment; the mapping lives as long as `self`.
        Ok(unsafe { AtomicU64::from_ptr(word.cast()) })
    }

    /// Copies the bytes from `offset` on into `buffer`.
    ///
    /// # Errors
    ///
    /// Fails, and copies nothing, if they are not all inside the payload.
    #[inline]
    pub fn read(&self, offset: usize, buffer: &mut [u8]) -> Result<(), OutOfRegion> {
        let source = self.slot(offset, buffer.len(), 1)?;
        // SAFETY: `slot` checked the bounds, and `buffer` is private memory, so they do not
        // overlap. A peer that writes meanwhile spoils what is copied; any bytes are valid u8s.
        unsafe { ptr::copy_nonoverlapping(source, buffer.as_mut_ptr(), buffer.len()) };
        Ok(())
    }

    /// Copies the `len` bytes from `offset` on to the end of `out`.
    ///
    /// # Errors
    ///
    /// Fails, and allocates nothing, if they are not all inside the payload.
    #[inline]
    pub fn read_to(&self, offset: usize, len: usize, out: &mut Vec<u8>) -> Result<(), OutOfRegion> {
        let source = self.slot(offset, len, 1)?;
        out.reserve(len);
        let end = out.len();
        // SAFETY: `slot` checked the source's bounds, `reserve` made room for `len` bytes behind
        // `end`, private memory, and all of them are written before the length says so.
        unsafe {
            ptr::copy_nonoverlapping(source, out.as_mut_ptr().add(end), len);
            out.set_len(end + len);
        }
        Ok(())
    }

    /// Copies `bytes` to `offset`.
    ///
    /// # Errors
    ///
    /// Fails, and copies nothing, if they would not all be inside the payload.
    #[inline]
    pub fn write(&self, offset: usize, bytes: &[u8]) -> Result<(), OutOfRegion> {
        let target = self.slot(offset, bytes.len(), 1)?;
        // SAFETY: `slot` checked the bounds, and `bytes` are private memory, so they do not
        // overlap. A peer that reads meanwhile copies them too, and any bytes are valid u8s.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), target, bytes.len()) };
        Ok(())
    }

    /// Checks that `size` bytes at `offset` are inside the payload.
    pub(crate) fn check(&self, offset: usize, size: usize) -> Result<(), OutOfRegion> {
        self.slot(offset, size, 1).map(drop)
    }

    /// Returns the address of `size` bytes at `offset`, checked to be inside the payload and
    /// aligned to `align`, a power of two of at most 64.
    #[inline]
    pub(super) fn slot(
        &self,
        offset: usize,
        size: usize,
        align: usize,
    ) -> Result<*mut u8, OutOfRegion> {
        let len = self.len();
        if offset > len || size > len - offset || offset & (align - 1) != 0 {
            return Err(OutOfRegion { offset, size, align, len });
        }
        // SAFETY: `offset` is at most `len`, the length of the payload.
        Ok(unsafe { self.as_ptr().add(offset) })
    }
}
