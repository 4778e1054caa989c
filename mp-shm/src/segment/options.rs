//! [`SegmentOptions`]: how memory is created or opened.

use std::os::fd::{AsFd, OwnedFd};

use mp_handle::{Name, RegionError};

use super::{SharedMemory, checked};
use crate::sys::{self, Access};

/// How [`SharedMemory`] is created or opened.
///
/// # Examples
///
/// ```
/// use mp_shm::SharedMemory;
///
/// // A terabyte, of which only the pages that are touched are ever there.
/// let table = SharedMemory::options().reserve(false).anonymous(1 << 40)?;
/// table.write((1 << 40) - 3, b"end")?;
///
/// let frames = SharedMemory::options().huge_pages(true).prefault(true).anonymous(4 << 20)?;
/// assert_eq!(frames.size(), 4 << 20);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SegmentOptions {
    reserve: bool,
    huge_pages: bool,
    prefault: bool,
}

impl Default for SegmentOptions {
    fn default() -> SegmentOptions {
        SegmentOptions { reserve: true, huge_pages: false, prefault: false }
    }
}

impl SegmentOptions {
    /// Sets whether what is created has all its pages at once; it has, unless told otherwise.
    ///
    /// Without, it may be larger than the machine's memory, and a page comes when it is first
    /// touched. If there is none left then, the process is killed.
    #[must_use]
    pub fn reserve(mut self, reserve: bool) -> SegmentOptions {
        self.reserve = reserve;
        self
    }

    /// Sets whether the system is asked for huge pages. It is a hint: whether it is heeded, and
    /// when, is up to `/sys/kernel/mm/transparent_hugepage/shmem_enabled`. Set to `advise`, the
    /// system gives them to pages that are [not yet there](Self::reserve).
    #[must_use]
    #[doc(alias = "MADV_HUGEPAGE")]
    pub fn huge_pages(mut self, huge_pages: bool) -> SegmentOptions {
        self.huge_pages = huge_pages;
        self
    }

    /// Sets whether all pages are entered into this process's tables at once, so that no first
    /// access to one takes longer than the others. This reserves them too.
    #[must_use]
    #[doc(alias = "MAP_POPULATE")]
    pub fn prefault(mut self, prefault: bool) -> SegmentOptions {
        self.prefault = prefault;
        self
    }

    /// Creates `size` bytes without a name, all zero.
    ///
    /// # Errors
    ///
    /// Those of [`SharedMemory::new`].
    pub fn anonymous(&self, size: usize) -> Result<SharedMemory, RegionError> {
        let fd = sys::memfd()?;
        self.size(&fd, size)?;
        sys::fix_size(&fd)?;
        self.fresh(fd, size, None)
    }

    /// Creates `size` bytes with a name, all zero.
    ///
    /// # Errors
    ///
    /// Those of [`SharedMemory::create`].
    pub fn create(&self, name: impl Into<Name>, size: usize) -> Result<SharedMemory, RegionError> {
        self.create_filled(&name.into(), size, &[])
    }

    /// Opens the memory that has the name.
    ///
    /// # Errors
    ///
    /// Those of [`SharedMemory::open`].
    pub fn open(&self, name: impl Into<Name>) -> Result<SharedMemory, RegionError> {
        let memory = SharedMemory::open_named(&name.into(), true)?;
        self.settle(&memory)?;
        Ok(memory)
    }

    /// Opens the memory that has the name, to be read only.
    ///
    /// # Errors
    ///
    /// Those of [`SharedMemory::open`].
    pub fn open_read_only(&self, name: impl Into<Name>) -> Result<SharedMemory, RegionError> {
        let memory = SharedMemory::open_named(&name.into(), false)?;
        self.settle(&memory)?;
        Ok(memory)
    }

    /// Gives a new file its size.
    pub(super) fn size(&self, fd: impl AsFd, size: usize) -> Result<(), RegionError> {
        let wanted = checked(size as u64)? as u64;
        if self.reserve {
            return mp_handle::reserve(fd, wanted);
        }
        match sys::file_size_limit() {
            Some(limit) if wanted > limit => Err(RegionError::FileSizeLimit { wanted, limit }),
            _ => Ok(sys::set_size(fd, wanted)?),
        }
    }

    /// Maps a new file.
    pub(super) fn fresh(
        &self,
        fd: OwnedFd,
        size: usize,
        name: Option<String>,
    ) -> Result<SharedMemory, RegionError> {
        let memory = SharedMemory::map(fd.into(), size, Access::Write, name)?;
        self.settle(&memory)?;
        Ok(memory)
    }

    /// Does what is to be done with a mapping.
    fn settle(&self, memory: &SharedMemory) -> Result<(), RegionError> {
        if self.huge_pages {
            memory.mapping().prefer_huge_pages();
        }
        if self.prefault {
            if !memory.is_read_only() {
                mp_handle::reserve(memory, memory.size() as u64)?;
            }
            memory.mapping().populate()?;
        }
        Ok(())
    }
}
