//! The bytes of a file in this process.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::AsFd;
use std::ptr::{self, NonNull};

use rustix::io::{Errno, retry_on_intr};
use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap, munmap};
use rustix::param::page_size;

/// What may be done to the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// They are read and written.
    Write,
    /// They are read, others may write them.
    Read,
    /// They are read, and sealed.
    Sealed,
}

/// A mapping, undone when it is dropped.
#[derive(Debug)]
pub(crate) struct Mapping {
    /// Aligned to 8 at least; good for `len` bytes.
    start: NonNull<u8>,
    len: usize,
    access: Access,
}

// SAFETY: a mapping belongs to no thread, and gives out pointers only.
unsafe impl Send for Mapping {}
// SAFETY: as above.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Maps the first `len` bytes of a file.
    pub(crate) fn new(fd: impl AsFd, len: usize, access: Access) -> io::Result<Mapping> {
        let write = if access == Access::Write { ProtFlags::WRITE } else { ProtFlags::empty() };
        // What is sealed could be shared as well, but before 6.7 the kernel takes each shared
        // mapping for one that might yet be written, and refuses it.
        let flags = if access == Access::Sealed { MapFlags::PRIVATE } else { MapFlags::SHARED };
        let start = match len {
            // The system has no empty mappings; all that is asked of the address is to be aligned.
            0 => NonNull::<u64>::dangling().cast(),
            _ => {
                // SAFETY: without an address the system finds room that nobody has.
                let start =
                    unsafe { mmap(ptr::null_mut(), len, ProtFlags::READ | write, flags, fd, 0)? };
                NonNull::new(start.cast()).ok_or(Errno::NOMEM)?
            }
        };
        Ok(Mapping { start, len, access })
    }

    pub(crate) fn start(&self) -> NonNull<u8> {
        self.start
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn access(&self) -> Access {
        self.access
    }

    /// Asks for huge pages. The system may not have them, which does no harm.
    pub(crate) fn prefer_huge_pages(&self) {
        let _ = self.advise(Advice::LinuxHugepage);
    }

    /// Has the pages entered into this process's tables, so that no first access takes long.
    pub(crate) fn populate(&self) -> io::Result<()> {
        let advice = match self.access {
            Access::Write => Advice::LinuxPopulateWrite,
            Access::Read | Access::Sealed => Advice::LinuxPopulateRead,
        };
        match retry_on_intr(|| self.advise(advice)) {
            // Kernels before 5.14 do not know it.
            Err(Errno::INVAL) => {
                self.touch();
                Ok(())
            }
            done => Ok(done?),
        }
    }

    /// Reads a byte of each page.
    fn touch(&self) {
        for offset in (0..self.len).step_by(page_size()) {
            // SAFETY: `offset` is within the mapping, and any byte is a valid `u8`.
            unsafe { self.start.as_ptr().add(offset).read_volatile() };
        }
    }

    fn advise(&self, advice: Advice) -> Result<(), Errno> {
        if self.len == 0 {
            return Ok(());
        }
        // SAFETY: the range is that of this mapping, and none of these advices changes a byte.
        unsafe { madvise(self.start.as_ptr().cast(), self.len, advice) }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        if self.len > 0 {
            // SAFETY: the range is that of this mapping, whose borrowers are gone. It can fail
            // only for want of a place to note a split, and nothing is split here.
            let _ = unsafe { munmap(self.start.as_ptr().cast(), self.len) };
        }
    }
}
