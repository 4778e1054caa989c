//! [`SystemSemaphore`]: the system's own named semaphores, which programs of all languages share.

use std::fmt;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::sync::Arc;
use std::time::Duration;

use mp_handle::{Deadline, Name, RegionError, SLICE};

use crate::semaphore::ReleaseError;
use crate::sys::PosixSemaphore;

/// What the C library puts before the names of its files.
const PREFIX: &str = "sem.";

/// A named semaphore of the system, as of `sem_open`, for C and Python programs too.
///
/// The name has no slash at its beginning here: `"jobs"` is C's `"/jobs"`.
///
/// It is a mere count, and does not know who has a permit: **a process that dies with one takes it
/// along.** For Rust programs among themselves, [`Semaphore`](crate::Semaphore) is the better one.
/// A waiter that is killed strands nobody, though: no sleep is longer than a slice.
///
/// Clones are the same semaphore; other processes open it by its name.
///
/// # Examples
///
/// ```
/// use mp_sync::SystemSemaphore;
///
/// let name = format!("doc-system-{}", std::process::id());
/// let semaphore = SystemSemaphore::create(&name, 1)?;
/// semaphore.acquire();
/// assert!(!semaphore.try_acquire());
///
/// SystemSemaphore::open(&name)?.release()?;
/// assert_eq!(semaphore.available(), 1);
/// SystemSemaphore::unlink(&name)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Source: `sem_overview(7)`.
#[derive(Clone)]
#[doc(alias = "sem_open")]
#[doc(alias = "SemLock")]
pub struct SystemSemaphore {
    inner: Arc<PosixSemaphore>,
}

impl SystemSemaphore {
    /// The most permits that a semaphore of the system can count.
    #[doc(alias = "SEM_VALUE_MAX")]
    pub const LIMIT: u32 = PosixSemaphore::LIMIT;

    /// Creates a semaphore with so many permits and the name's permission bits.
    ///
    /// It lives until it is [unlinked](Self::unlink).
    ///
    /// # Errors
    ///
    /// [`Exists`](RegionError::Exists) if the name is taken, [`Name`](RegionError::Name) if it
    /// cannot be one, and the system's refusal, for one of more permits than
    /// [`LIMIT`](Self::LIMIT).
    pub fn create(name: impl Into<Name>, permits: u32) -> Result<SystemSemaphore, RegionError> {
        let name = name.into();
        match PosixSemaphore::create(&name.file(PREFIX)?, permits, name.permissions()) {
            Err(RegionError::Io(error)) if error.kind() == ErrorKind::AlreadyExists => {
                Err(RegionError::Exists { name: name.as_str().to_owned() })
            }
            created => Ok(SystemSemaphore { inner: Arc::new(created?) }),
        }
    }

    /// Opens the semaphore that has the name.
    ///
    /// # Errors
    ///
    /// [`NotFound`](RegionError::NotFound) if nothing has the name,
    /// [`Owner`](RegionError::Owner) if it is another user's, and
    /// [`Truncated`](RegionError::Truncated) if it is no semaphore.
    pub fn open(name: impl Into<Name>) -> Result<SystemSemaphore, RegionError> {
        let name = name.into();
        match PosixSemaphore::open(&name.file(PREFIX)?) {
            Err(error) if error.kind() == ErrorKind::NotFound => Err(not_found(&name)),
            opened => {
                let file = opened?;
                examine(&name, &file.metadata()?)?;
                Ok(SystemSemaphore { inner: Arc::new(PosixSemaphore::map(file)?) })
            }
        }
    }

    /// Opens the semaphore that has the name, or creates it with so many permits.
    ///
    /// # Errors
    ///
    /// Those of [`open`](Self::open) and [`create`](Self::create), but for the two that tell
    /// whether it exists.
    pub fn open_or_create(
        name: impl Into<Name>,
        permits: u32,
    ) -> Result<SystemSemaphore, RegionError> {
        let name = name.into();
        loop {
            match SystemSemaphore::open(name.clone()) {
                Err(RegionError::NotFound { .. }) => {}
                opened => return opened,
            }
            match SystemSemaphore::create(name.clone(), permits) {
                // Somebody was faster: theirs is there to be opened.
                Err(RegionError::Exists { .. }) => {}
                created => return created,
            }
        }
    }

    /// Takes the name away; who has the semaphore keeps it.
    ///
    /// # Errors
    ///
    /// [`NotFound`](RegionError::NotFound) if nothing has the name, and the system's refusal.
    pub fn unlink(name: impl Into<Name>) -> Result<(), RegionError> {
        let name = name.into();
        match fs::remove_file(name.file(PREFIX)?) {
            Err(error) if error.kind() == ErrorKind::NotFound => Err(not_found(&name)),
            done => Ok(done?),
        }
    }

    /// Takes a permit, waiting for one as long as it takes.
    #[doc(alias = "sem_wait")]
    pub fn acquire(&self) {
        while !self.wait(Deadline::NEVER) {}
    }

    /// Takes a permit if there is one; tells whether there was.
    #[must_use = "the permit has to be released, if there was one"]
    #[doc(alias = "sem_trywait")]
    pub fn try_acquire(&self) -> bool {
        loop {
            match self.inner.try_wait() {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                taken => return taken.is_ok(),
            }
        }
    }

    /// Takes a permit, waiting up to `timeout` for one; tells whether that was long enough.
    #[must_use = "the permit has to be released, if there was one"]
    #[doc(alias = "sem_clockwait")]
    pub fn acquire_timeout(&self, timeout: Duration) -> bool {
        self.wait(Deadline::after(timeout))
    }

    /// Waits by slices: the C library wakes one for each release, who may be killed before it
    /// takes the permit.
    fn wait(&self, deadline: Deadline) -> bool {
        while !self.try_acquire() {
            if deadline.is_expired() {
                return false;
            }
            let slice = deadline.remaining().map_or(SLICE, |left| left.min(SLICE));
            if self.inner.wait(slice).is_ok() {
                return true;
            }
        }
        true
    }

    /// Adds a permit.
    ///
    /// # Errors
    ///
    /// Fails if there are [`LIMIT`](Self::LIMIT) already.
    #[doc(alias = "sem_post")]
    pub fn release(&self) -> Result<(), ReleaseError> {
        self.inner.post().map_err(|_| ReleaseError::new(SystemSemaphore::LIMIT))
    }

    /// Returns the number of permits at this moment.
    #[must_use]
    #[doc(alias = "sem_getvalue")]
    #[doc(alias = "get_value")]
    pub fn available(&self) -> u32 {
        self.inner.value()
    }
}

impl fmt::Debug for SystemSemaphore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SystemSemaphore").field("available", &self.available()).finish()
    }
}

fn not_found(name: &Name) -> RegionError {
    RegionError::NotFound { name: name.as_str().to_owned() }
}

/// Checks that the file is one whose owner does not pull it away, and as long as it will be read.
fn examine(name: &Name, file: &fs::Metadata) -> Result<(), RegionError> {
    let (expected, found) = (name.expected_owner(), file.uid());
    if found != expected {
        return Err(RegionError::Owner { name: name.as_str().to_owned(), expected, found });
    }
    if file.len() < PosixSemaphore::SIZE as u64 {
        return Err(RegionError::Truncated { size: file.len() });
    }
    Ok(())
}
