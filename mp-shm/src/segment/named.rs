//! Memory with a name: for programs that have nothing in common but that, in any language.
//!
//! It is published whole: made without a name, sized, filled, and only then linked, so nobody ever
//! opens half of it, and a maker killed before that leaves nothing.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::io::ErrorKind;

use mp_handle::{Descriptor, Name, RegionError};

use super::{SegmentOptions, SharedMemory};
use crate::sys;

impl SharedMemory {
    /// Creates `size` bytes with a name, all zero, to be read and written by this user; for
    /// others see [`Name::mode`].
    ///
    /// The name is that of the file in `/dev/shm`. The memory lives until it is
    /// [unlinked](Self::unlink), and no longer than the machine runs.
    ///
    /// # Errors
    ///
    /// [`Exists`](RegionError::Exists) if the name is taken, [`Name`](RegionError::Name) if it
    /// cannot be one, [`Empty`](RegionError::Empty) if `size` is 0, and those of
    /// [`new`](Self::new).
    ///
    /// # Examples
    ///
    /// ```
    /// use mp_shm::{RegionError, SharedMemory};
    ///
    /// let name = format!("doc-memory-{}", std::process::id());
    /// let memory = SharedMemory::create(&name, 5)?;
    /// memory.write(0, b"hello")?;
    ///
    /// let reader = SharedMemory::open_read_only(&name)?;
    /// SharedMemory::unlink(&name)?;
    /// assert!(matches!(SharedMemory::open(&name), Err(RegionError::NotFound { .. })));
    ///
    /// let mut text = [0; 5];
    /// reader.read(0, &mut text)?;
    /// assert_eq!(&text, b"hello");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn create(name: impl Into<Name>, size: usize) -> Result<SharedMemory, RegionError> {
        SharedMemory::options().create(name, size)
    }

    /// Creates memory that has a name and holds `bytes`, which nobody finds half-written.
    ///
    /// # Errors
    ///
    /// Those of [`create`](Self::create).
    pub fn create_from(name: impl Into<Name>, bytes: &[u8]) -> Result<SharedMemory, RegionError> {
        SharedMemory::options().create_filled(&name.into(), bytes.len(), bytes)
    }

    /// Creates `size` bytes under a new name of Python's sort, such as `psm_1f0c77e4`.
    ///
    /// # Errors
    ///
    /// Those of [`create`](Self::create).
    ///
    /// # Examples
    ///
    /// ```
    /// use mp_shm::SharedMemory;
    ///
    /// let memory = SharedMemory::create_unique(100)?;
    /// let name = memory.name().unwrap();
    /// assert_eq!((&name[..4], name.len()), ("psm_", 12));
    /// SharedMemory::unlink(name)?;
    /// # Ok::<(), mp_shm::RegionError>(())
    /// ```
    pub fn create_unique(size: usize) -> Result<SharedMemory, RegionError> {
        with_unique_name(|name| SharedMemory::create(name, size))
    }

    /// Opens the memory that has the name.
    ///
    /// # Errors
    ///
    /// [`NotFound`](RegionError::NotFound) if nothing has it, [`Owner`](RegionError::Owner) if it
    /// belongs to another user, [`NotMemory`](RegionError::NotMemory) if it is no file,
    /// [`Empty`](RegionError::Empty) if it has no bytes (C and Python programs publish first and
    /// set the size then: try again), and the system's refusal.
    pub fn open(name: impl Into<Name>) -> Result<SharedMemory, RegionError> {
        SharedMemory::options().open(name)
    }

    /// Opens the memory that has the name, to be read only: every attempt to write is an error.
    ///
    /// # Errors
    ///
    /// Those of [`open`](Self::open).
    pub fn open_read_only(name: impl Into<Name>) -> Result<SharedMemory, RegionError> {
        SharedMemory::options().open_read_only(name)
    }

    /// Takes the name away. Who has the memory keeps it; it is freed after the last of them.
    ///
    /// # Errors
    ///
    /// [`NotFound`](RegionError::NotFound) if nothing has it, and the system's refusal.
    pub fn unlink(name: impl Into<Name>) -> Result<(), RegionError> {
        let name = name.into();
        sys::unlink(&name.file("")?).map_err(|error| match error.kind() {
            ErrorKind::NotFound => RegionError::NotFound { name: name.as_str().to_owned() },
            _ => RegionError::Io(error),
        })
    }

    pub(super) fn open_named(name: &Name, write: bool) -> Result<SharedMemory, RegionError> {
        let owned = || name.as_str().to_owned();
        let fd = sys::open(&name.file("")?, write).map_err(|error| match error.kind() {
            ErrorKind::NotFound => RegionError::NotFound { name: owned() },
            _ => RegionError::Io(error),
        })?;
        let fd = fd.ok_or(RegionError::NotMemory)?;
        let facts = sys::examine(&fd)?;
        if !facts.is_file {
            return Err(RegionError::NotMemory);
        }
        let (expected, found) = (name.expected_owner(), facts.owner);
        if found != expected {
            return Err(RegionError::Owner { name: owned(), expected, found });
        }
        if facts.size == 0 {
            return Err(RegionError::Empty { name: owned() });
        }
        SharedMemory::attach(Descriptor::from(fd), facts, Some(owned()))
    }
}

impl SegmentOptions {
    /// Creates memory with a name, and writes its first bytes before anybody sees it.
    pub(crate) fn create_filled(
        &self,
        name: &Name,
        size: usize,
        bytes: &[u8],
    ) -> Result<SharedMemory, RegionError> {
        let path = name.file("")?;
        let owned = name.as_str().to_owned();
        if size == 0 {
            return Err(RegionError::Empty { name: owned });
        }
        let fd = mp_handle::unnamed(path.parent().unwrap_or(&path), name.permissions())?;
        self.size(&fd, size)?;
        let memory = self.fresh(fd, size, Some(owned.clone()))?;
        memory.write(0, bytes).map_err(|_| RegionError::TooLarge { len: bytes.len() })?;
        mp_handle::publish(&memory, &path).map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => RegionError::Exists { name: owned },
            _ => RegionError::Io(error),
        })?;
        Ok(memory)
    }
}

/// Tries new names until one is free.
pub(crate) fn with_unique_name<T>(
    create: impl Fn(Name) -> Result<T, RegionError>,
) -> Result<T, RegionError> {
    loop {
        // Each `RandomState` has keys of its own, so that even the hash of nothing is random.
        let number = RandomState::new().hash_one(()) as u32;
        match create(Name::new(format!("psm_{number:08x}"))) {
            Err(RegionError::Exists { .. }) => {}
            created => return created,
        }
    }
}
