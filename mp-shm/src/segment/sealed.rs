//! [`SealedMemory`]: memory that has come to rest.
#![allow(unsafe_code)]

use std::fmt;
use std::io::ErrorKind;
use std::ops::Deref;
use std::os::fd::AsFd;
use std::slice;
use std::sync::Arc;

use mp_handle::{Descriptor, RegionError};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{SealError, SealErrorReason, Segment, SharedMemory, checked};
use crate::sys::{self, Access, Mapping, Seals};

/// Shared memory that nobody can write any more, so that it can be read as the slice it is.
///
/// It is made by [`SharedMemory::seal`], and travels like it: the receiver checks the seals before
/// it believes them. Clones share the mapping.
///
/// # Examples
///
/// ```
/// use mp_process::spawn;
/// use mp_shm::{SealedMemory, SharedMemory};
///
/// fn sum(numbers: SealedMemory) -> u32 {
///     numbers.iter().map(|&number| u32::from(number)).sum()
/// }
///
/// # mp_process::init();
/// let memory = SharedMemory::new(3)?;
/// memory.write(0, &[40, 1, 1])?;
/// let numbers = memory.seal()?;
/// assert_eq!(spawn(sum, (numbers,))?.join()?, 42);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct SealedMemory {
    /// Of a file whose seals forbid to change size and contents, and which has all its pages.
    mapping: Arc<Mapping>,
    descriptor: Descriptor,
}

impl SharedMemory {
    /// Ends all writing, for ever and for all who have the memory, and gives it back as bytes that
    /// can be read as a slice. What pages it lacks are reserved first.
    ///
    /// # Errors
    ///
    /// [`InUse`](SealErrorReason::InUse) while it is mapped to be written elsewhere,
    /// [`Named`](SealErrorReason::Named) if it has a name, and
    /// [`Region`](SealErrorReason::Region) if the missing pages are not to be had. The error holds
    /// the memory.
    ///
    /// # Examples
    ///
    /// ```
    /// use mp_shm::{SealErrorReason, SharedMemory};
    ///
    /// let memory = SharedMemory::new(100)?;
    /// let writer = memory.clone();
    /// let refused = memory.seal().unwrap_err();
    /// assert!(matches!(refused.reason(), SealErrorReason::InUse));
    ///
    /// drop(writer);
    /// let sealed = refused.into_inner().unwrap().seal()?;
    /// assert_eq!(*sealed, [0; 100]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn seal(self) -> Result<SealedMemory, SealError> {
        if self.name().is_some() {
            return Err(SealError::new(SealErrorReason::Named, Some(self)));
        }
        match fill(&self) {
            Ok(Seals::Frozen) => return self.sealed(),
            Ok(Seals::Fixed) => {}
            Ok(_) => return Err(SealError::new(SealErrorReason::Named, Some(self))),
            Err(error) => return Err(SealError::new(SealErrorReason::Region(error), Some(self))),
        }
        let segment = match Arc::try_unwrap(self.segment) {
            Ok(segment) => segment,
            Err(segment) => {
                let memory = SharedMemory { segment };
                return Err(SealError::new(SealErrorReason::InUse, Some(memory)));
            }
        };
        segment.seal()
    }

    /// Maps what has its seals already.
    fn sealed(self) -> Result<SealedMemory, SealError> {
        let sealed = SealedMemory::arrived(self.descriptor().clone());
        sealed.map_err(|error| SealError::new(SealErrorReason::Region(error), Some(self)))
    }
}

impl Segment {
    /// Exchanges the mapping, the last one of this process, for one of sealed memory.
    fn seal(self) -> Result<SealedMemory, SealError> {
        let Segment { mapping, descriptor, name } = self;
        let (size, access) = (mapping.len(), mapping.access());
        // The kernel seals nothing that is mapped to be written.
        drop(mapping);
        let reason = match sys::seal(&descriptor) {
            Ok(()) => match SealedMemory::arrived(descriptor.clone()) {
                Ok(sealed) => return Ok(sealed),
                Err(error) => SealErrorReason::Region(error),
            },
            Err(error) if error.kind() == ErrorKind::ResourceBusy => SealErrorReason::InUse,
            Err(error) => SealErrorReason::Region(error.into()),
        };
        let memory = SharedMemory::map(descriptor, size, access, name);
        Err(SealError::new(reason, memory.ok()))
    }
}

/// Reserves the pages that are missing, and tells how far the memory is sealed.
fn fill(memory: &SharedMemory) -> Result<Seals, RegionError> {
    let facts = sys::examine(memory)?;
    if facts.seals == Seals::Fixed && facts.reserved < facts.size {
        mp_handle::reserve(memory, facts.size)?;
    }
    Ok(facts.seals)
}

impl SealedMemory {
    /// Maps the memory behind a descriptor that came from elsewhere.
    fn arrived(descriptor: Descriptor) -> Result<SealedMemory, RegionError> {
        let facts = sys::examine(&descriptor)?;
        match facts.seals {
            Seals::Frozen => {}
            Seals::NotMemory => return Err(RegionError::NotMemory),
            Seals::Fixed | Seals::Open | Seals::Never => return Err(RegionError::NotSealed),
        }
        if facts.reserved < facts.size {
            // Its readers would have to fill the holes, as many as its maker liked.
            return Err(RegionError::Length { stated: facts.size, size: facts.reserved });
        }
        let mapping = Mapping::new(&descriptor, checked(facts.size)?, Access::Sealed)?;
        Ok(SealedMemory { mapping: Arc::new(mapping), descriptor })
    }

    /// Returns the descriptor of the memfd, for those who are to map it by other means than this
    /// library.
    #[must_use]
    pub fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }
}

impl Deref for SealedMemory {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        let start = self.mapping.start().as_ptr();
        // SAFETY: the mapping is good for `len` bytes as long as `self` lives, and by the field's
        // invariant nobody can write them, nor take their pages away.
        unsafe { slice::from_raw_parts(start, self.mapping.len()) }
    }
}

impl AsRef<[u8]> for SealedMemory {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl AsFd for SealedMemory {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}

impl Serialize for SealedMemory {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.descriptor.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for SealedMemory {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<SealedMemory, D::Error> {
        let descriptor = Descriptor::deserialize(deserializer)?;
        SealedMemory::arrived(descriptor).map_err(serde::de::Error::custom)
    }
}

impl fmt::Debug for SealedMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealedMemory").field("size", &self.len()).finish_non_exhaustive()
    }
}
