//! [`SharedMemory`]: plain bytes that several processes see.
//!
//! Anonymous memory is a memfd whose size is sealed. Memory with a name is the file of that name in
//! `/dev/shm`, no byte more and none less than asked for, as C's `shm_open` and Python's
//! `SharedMemory` have it; it can have no seals, so it is taken only from a user who is trusted
//! not to shorten it. The size is asked for once, and every offset is checked against it.

mod access;
mod error;
mod named;
mod options;
mod sealed;

use std::fmt;
use std::os::fd::AsFd;
use std::sync::Arc;

use mp_handle::{Descriptor, Name, RegionError};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use error::{SealError, SealErrorReason, SegmentError};
pub(crate) use named::with_unique_name;
pub use options::SegmentOptions;
pub use sealed::SealedMemory;

use crate::sys::{self, Access, Facts, Mapping, Seals};

/// A piece of memory that several processes see: bytes, and nothing else.
///
/// The handle is what shares: clones and copies that travelled to other processes are the same
/// memory. Anonymous memory is freed with the last of them, however their processes ended. What
/// has a name lives until it is [unlinked](Self::unlink), and who has it then keeps it. To close
/// is to drop.
///
/// Nobody is locked out, so a copy made while somebody writes may hold some of the old and some of
/// the new. For values with a lock there are [`Value`](crate::Value) and
/// [`Array`](crate::Array).
///
/// # Memory with a name
///
/// It is the file `/dev/shm/NAME`: C's `shm_open("/NAME", …)` and Python's
/// `SharedMemory(name="NAME")` open it, and what they made is opened here. Only files of this user
/// are opened, unless the [`Name`] says whose else. The reason: whoever may write the file
/// may also shorten it, and then the next access to what is gone ends the process (SIGBUS).
/// Anonymous memory knows no such danger.
///
/// # Together with Python
///
/// Python before 3.13, and later unless told `track=False`, notes every name that a program opens,
/// and unlinks it when that program ends, even if somebody else made it. The memory survives that
/// in all who have it, but nobody can open the name afterwards. Remedies: `track=False`; to let
/// Python be the one that creates; to send the [descriptor](Self::descriptor) in place of the
/// name; or in older versions
/// `resource_tracker.unregister("/" + memory.name, "shared_memory")` after opening.
///
/// # Examples
///
/// ```
/// use mp_process::spawn;
/// use mp_shm::{SegmentError, SharedMemory};
///
/// fn answer(memory: SharedMemory) -> Result<(), SegmentError> {
///     let mut question = [0; 4];
///     memory.read(0, &mut question)?;
///     assert_eq!(&question, b"ping");
///     memory.write(0, b"pong")
/// }
///
/// # mp_process::init();
/// let memory = SharedMemory::new(4096)?;
/// memory.write(0, b"ping")?;
/// spawn(answer, (memory.clone(),))?.join()?.unwrap();
///
/// let mut reply = [0; 4];
/// memory.read(0, &mut reply)?;
/// assert_eq!(&reply, b"pong");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Source: CPython's `multiprocessing.shared_memory.SharedMemory`.
#[derive(Clone)]
pub struct SharedMemory {
    segment: Arc<Segment>,
}

struct Segment {
    mapping: Mapping,
    descriptor: Descriptor,
    name: Option<String>,
}

impl SharedMemory {
    /// Creates `size` bytes without a name, all zero.
    ///
    /// Their pages are there at once, so that no access to them can fail later; see
    /// [`SegmentOptions::reserve`].
    ///
    /// # Errors
    ///
    /// [`NoMemory`](RegionError::NoMemory), [`FileSizeLimit`](RegionError::FileSizeLimit),
    /// [`TooLarge`](RegionError::TooLarge) and the system's refusal.
    pub fn new(size: usize) -> Result<SharedMemory, RegionError> {
        SharedMemory::options().anonymous(size)
    }

    /// Returns the options with which memory is created or opened.
    #[must_use]
    pub fn options() -> SegmentOptions {
        SegmentOptions::default()
    }

    /// Maps the memory behind a descriptor that came from elsewhere. It is read-only if the
    /// descriptor, or a seal, does not allow to write.
    ///
    /// # Errors
    ///
    /// [`NotMemory`](RegionError::NotMemory) if it is no file in memory, and
    /// [`NotSealed`](RegionError::NotSealed) if it is one that a stranger could shorten: neither
    /// sealed nor a file of this user.
    ///
    /// # Examples
    ///
    /// ```
    /// use mp_shm::SharedMemory;
    ///
    /// let memory = SharedMemory::new(100)?;
    /// let again = SharedMemory::from_descriptor(memory.descriptor().clone())?;
    /// again.write(99, b"!")?;
    /// let mut last = [0];
    /// memory.read(99, &mut last)?;
    /// assert_eq!(&last, b"!");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn from_descriptor(descriptor: Descriptor) -> Result<SharedMemory, RegionError> {
        SharedMemory::arrived(descriptor, None)
    }

    fn arrived(descriptor: Descriptor, name: Option<String>) -> Result<SharedMemory, RegionError> {
        let facts = sys::examine(&descriptor)?;
        match facts.seals {
            Seals::Frozen | Seals::Fixed => {}
            Seals::Never if facts.is_file && facts.is_own() => {}
            Seals::Never | Seals::Open => return Err(RegionError::NotSealed),
            Seals::NotMemory => return Err(RegionError::NotMemory),
        }
        if let Some(name) = &name {
            Name::new(name).file("")?;
        }
        SharedMemory::attach(descriptor, facts, name)
    }

    /// Maps a file that may be mapped.
    fn attach(
        descriptor: Descriptor,
        facts: Facts,
        name: Option<String>,
    ) -> Result<SharedMemory, RegionError> {
        let access = match facts.seals {
            Seals::Frozen => Access::Sealed,
            _ if facts.writable => Access::Write,
            _ => Access::Read,
        };
        SharedMemory::map(descriptor, checked(facts.size)?, access, name)
    }

    fn map(
        descriptor: Descriptor,
        size: usize,
        access: Access,
        name: Option<String>,
    ) -> Result<SharedMemory, RegionError> {
        let mapping = Mapping::new(&descriptor, size, access)?;
        Ok(SharedMemory { segment: Arc::new(Segment { mapping, descriptor, name }) })
    }

    /// Returns the number of bytes.
    #[must_use]
    pub fn size(&self) -> usize {
        self.mapping().len()
    }

    /// Returns the name under which it was created or opened; it may have been unlinked since.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.segment.name.as_deref()
    }

    /// Tells whether it can only be read: opened that way, or sealed.
    #[must_use]
    pub fn is_read_only(&self) -> bool {
        self.mapping().access() != Access::Write
    }

    /// Returns the descriptor, for those who are to map the memory by other means than this
    /// library: a C library, a Python program that inherits it.
    #[must_use]
    pub fn descriptor(&self) -> &Descriptor {
        &self.segment.descriptor
    }

    fn mapping(&self) -> &Mapping {
        &self.segment.mapping
    }
}

/// Returns a file's size if an address space can hold it.
fn checked(size: u64) -> Result<usize, RegionError> {
    let len = usize::try_from(size).unwrap_or(usize::MAX);
    if isize::try_from(len).is_err() {
        return Err(RegionError::TooLarge { len });
    }
    Ok(len)
}

impl Serialize for SharedMemory {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (self.descriptor(), self.name()).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for SharedMemory {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<SharedMemory, D::Error> {
        let (descriptor, name) = Deserialize::deserialize(deserializer)?;
        SharedMemory::arrived(descriptor, name).map_err(serde::de::Error::custom)
    }
}

impl AsFd for SharedMemory {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.segment.descriptor.as_fd()
    }
}

impl fmt::Debug for SharedMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedMemory")
            .field("name", &self.name())
            .field("size", &self.size())
            .finish_non_exhaustive()
    }
}
