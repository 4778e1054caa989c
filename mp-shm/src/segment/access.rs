//! Access to a segment: by copies, as atomics, or at the caller's risk in place.
#![allow(unsafe_code)]

use std::ptr;
use std::slice;
use std::sync::atomic::{AtomicU32, AtomicU64};

use super::{SegmentError, SharedMemory};
use crate::sys::Access;

impl SharedMemory {
    /// Returns the address of the first byte in this process; of a page, unless there are none.
    ///
    /// It is good for [`size`](Self::size) bytes while the handle or a clone of it lives. Others
    /// write there too, so make no reference to what lies there, except to atomics; and write
    /// nothing through it if the memory [is read-only](Self::is_read_only).
    #[must_use]
    pub fn as_ptr(&self) -> *mut u8 {
        self.mapping().start().as_ptr()
    }

    /// Copies the bytes from `offset` on into `buffer`.
    ///
    /// If somebody writes them meanwhile, some of what is copied is old and some new.
    ///
    /// # Errors
    ///
    /// [`OutOfBounds`](SegmentError::OutOfBounds) if they are not all inside.
    #[inline]
    pub fn read(&self, offset: usize, buffer: &mut [u8]) -> Result<(), SegmentError> {
        let source = self.place(offset, buffer.len())?;
        // SAFETY: `place` checked the bounds, and `buffer` is private memory, so they do not
        // overlap. A peer that writes meanwhile spoils what is copied; any bytes are valid u8s.
        unsafe { ptr::copy_nonoverlapping(source, buffer.as_mut_ptr(), buffer.len()) };
        Ok(())
    }

    /// Copies `bytes` to `offset`.
    ///
    /// # Errors
    ///
    /// [`OutOfBounds`](SegmentError::OutOfBounds) if they would not all be inside, and
    /// [`ReadOnly`](SegmentError::ReadOnly).
    #[inline]
    pub fn write(&self, offset: usize, bytes: &[u8]) -> Result<(), SegmentError> {
        let target = self.writable(offset, bytes.len())?;
        // SAFETY: `writable` checked the bounds and that the mapping can be written, and `bytes`
        // are private memory, so they do not overlap. A peer that reads meanwhile copies them too.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), target, bytes.len()) };
        Ok(())
    }

    /// Returns the word at `offset`.
    ///
    /// # Errors
    ///
    /// [`OutOfBounds`](SegmentError::OutOfBounds) if it is not all inside,
    /// [`Misaligned`](SegmentError::Misaligned) if `offset` is no multiple of 4, and
    /// [`ReadOnly`](SegmentError::ReadOnly).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::atomic::Ordering;
    /// use mp_shm::{SegmentError, SharedMemory};
    ///
    /// let memory = SharedMemory::new(16)?;
    /// memory.atomic_u32(8)?.fetch_add(7, Ordering::Relaxed);
    /// assert_eq!(memory.atomic_u32(8)?.load(Ordering::Relaxed), 7);
    ///
    /// let crooked = memory.atomic_u32(9).unwrap_err();
    /// assert_eq!(crooked.to_string(), "no word at offset 9, which is no multiple of 4");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn atomic_u32(&self, offset: usize) -> Result<&AtomicU32, SegmentError> {
        let word = self.word::<AtomicU32>(offset)?;
        // SAFETY: `word` checked bounds, alignment and access; the mapping lives as long as `self`.
        Ok(unsafe { AtomicU32::from_ptr(word.cast()) })
    }

    /// Returns the double word at `offset`.
    ///
    /// # Errors
    ///
    /// As [`atomic_u32`](Self::atomic_u32); `offset` is to be a multiple of 8.
    pub fn atomic_u64(&self, offset: usize) -> Result<&AtomicU64, SegmentError> {
        let word = self.word::<AtomicU64>(offset)?;
        // SAFETY: `word` checked bounds, alignment and access; the mapping lives as long as `self`.
        Ok(unsafe { AtomicU64::from_ptr(word.cast()) })
    }

    /// Gives access to all bytes in place.
    ///
    /// Without `unsafe` there is [`read`](Self::read), and [`seal`](Self::seal) for bytes that
    /// have come to rest.
    ///
    /// # Safety
    ///
    /// Nobody, in this process or another, writes the bytes as long as the slice lives. If the
    /// memory has a name, nobody shortens its file.
    ///
    /// # Examples
    ///
    /// ```
    /// let memory = mp_shm::SharedMemory::new(5)?;
    /// memory.write(0, b"hello")?;
    /// // SAFETY: nobody else has the memory.
    /// assert_eq!(unsafe { memory.as_slice() }, b"hello");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub unsafe fn as_slice(&self) -> &[u8] {
        // SAFETY: the mapping is good for `size` bytes as long as `self` lives, and nobody writes
        // them, by the contract.
        unsafe { slice::from_raw_parts(self.as_ptr(), self.size()) }
    }

    /// Gives access to all bytes in place, to change them.
    ///
    /// # Errors
    ///
    /// [`ReadOnly`](SegmentError::ReadOnly).
    ///
    /// # Safety
    ///
    /// Nobody else, by a clone of the handle or in another process, reads or writes the bytes as
    /// long as the slice lives. If the memory has a name, nobody shortens its file.
    ///
    /// # Examples
    ///
    /// ```
    /// let mut memory = mp_shm::SharedMemory::new(5)?;
    /// // SAFETY: nobody else has the memory.
    /// unsafe { memory.as_mut_slice()? }.copy_from_slice(b"hello");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub unsafe fn as_mut_slice(&mut self) -> Result<&mut [u8], SegmentError> {
        let start = self.writable(0, self.size())?;
        // SAFETY: `writable` checked the access; the rest is as in `as_slice`, by the contract.
        Ok(unsafe { slice::from_raw_parts_mut(start, self.size()) })
    }

    /// Returns the address of a `T`, checked to be inside, aligned, and allowed to be written.
    fn word<T>(&self, offset: usize) -> Result<*mut u8, SegmentError> {
        let (size, align) = (size_of::<T>(), align_of::<T>());
        let word = self.writable(offset, size)?;
        if !offset.is_multiple_of(align) {
            return Err(SegmentError::Misaligned { offset, align });
        }
        Ok(word)
    }

    /// Returns the address of `size` bytes at `offset`, checked to be inside, that may be written.
    #[inline]
    fn writable(&self, offset: usize, size: usize) -> Result<*mut u8, SegmentError> {
        let place = self.place(offset, size)?;
        if self.mapping().access() != Access::Write {
            return Err(SegmentError::ReadOnly);
        }
        Ok(place)
    }

    /// Returns the address of `size` bytes at `offset`, checked to be inside.
    #[inline]
    fn place(&self, offset: usize, size: usize) -> Result<*mut u8, SegmentError> {
        let len = self.size();
        if offset > len || size > len - offset {
            return Err(SegmentError::OutOfBounds { offset, size, len });
        }
        // SAFETY: `offset` is at most `len`, the length of the mapping.
        Ok(unsafe { self.as_ptr().add(offset) })
    }
}
