//! [`RwLock`]: many read, or one writes.

mod guard;
mod slots;

#[cfg(all(test, shuttle))]
mod model;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use mp_handle::{Kind, Region, RegionError, View};

use crate::error::{LockError, OwnerDied};
use crate::intern::intern;
use crate::object::{named, one_page, travels};
use crate::outcome::{Refused, Taken};
use crate::primitive::{Deadline, Robust};
pub use guard::{ReadGuard, WriteGuard};
use slots::{LINE, READERS, Slots, Words};

/// A lock between processes, and between their threads, that many can have at a time to read, or
/// one to write.
///
/// It survives those who have it. A reader that is killed has left. A writer that is killed, or a
/// thread that ends as writer, may have left what the lock protects half changed: all who come
/// then, readers too, get their guard within an [error](OwnerDied) that says so, until a writer
/// recovers it. (A writer that is killed while it waits for the readers to leave counts as one. A
/// reader whose process becomes another program, by `exec`, has not left before that ends.)
///
/// Writers come first: while one has the lock or waits for readers to leave, no more readers are
/// let in. A thread that has the lock in one way and waits for it in the other waits for itself;
/// where it writes and asks to read, that is an [error](LockError::AlreadyHeld). Up to 400 can read
/// at the same time.
///
/// # Examples
///
/// ```
/// use mp_process::spawn;
/// use mp_sync::{LockError, RwLock};
///
/// fn die_writing(lock: RwLock) {
///     let _guard = lock.write().unwrap();
///     std::process::exit(1);
/// }
///
/// # mp_process::init();
/// let lock = RwLock::new()?;
/// let (one, other) = (lock.read().unwrap(), lock.read().unwrap());
/// assert!(lock.try_write().unwrap().is_none());
/// drop((one, other));
///
/// let child = spawn(die_writing, (lock.clone(),))?;
/// let pid = child.pid();
/// assert!(child.join().is_err());
/// let Err(LockError::OwnerDied(died)) = lock.read() else { panic!("nobody died") };
/// assert_eq!(died.process(), Some(pid));
/// drop(died);
/// drop(lock.write().or_else(LockError::recover).unwrap());
/// assert!(lock.read().is_ok());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Source: `std::sync::RwLock`. Python has none.
#[derive(Clone)]
pub struct RwLock {
    inner: Arc<Inner>,
}

struct Inner {
    words: View<Words>,
    lock: Robust,
    /// The slot that this process got last: most likely it is free, and in this processor's cache.
    hint: AtomicUsize,
}

impl Inner {
    fn slots(&self) -> Slots<'_> {
        Slots { words: &self.words, lock: &self.lock }
    }
}

/// What to take the lock for reading ends in.
type Read<'a> = Result<Option<ReadGuard<'a>>, LockError<ReadGuard<'a>>>;
/// What to take the lock for writing ends in.
type Write<'a> = Result<Option<WriteGuard<'a>>, LockError<WriteGuard<'a>>>;

impl RwLock {
    const KIND: Kind = Kind::new(0x27, "read-write lock");

    /// Creates a lock, free.
    ///
    /// # Errors
    ///
    /// Fails if the memory, a descriptor or the mapping is not to be had.
    pub fn new() -> Result<RwLock, RegionError> {
        RwLock::attach(Region::create(RwLock::KIND, 0, RwLock::len())?)
    }

    /// All handles of one lock in this process share their mapping.
    fn attach(region: Region) -> Result<RwLock, RegionError> {
        region.expect(RwLock::KIND, 0)?;
        let inner = intern(&region, 0, || {
            if region.len() < one_page() {
                return Err(RegionError::Truncated { size: region.len() as u64 });
            }
            let hint = AtomicUsize::new(LINE * std::process::id() as usize % READERS);
            Ok(Inner { words: View::new(&region, 0)?, lock: Robust::map(&region, 0)?, hint })
        })?;
        Ok(RwLock { inner })
    }

    fn len() -> usize {
        one_page()
    }

    fn region(&self) -> &Region {
        self.inner.words.region()
    }

    /// Takes the lock to read, waiting for it as long as it takes.
    ///
    /// # Errors
    ///
    /// [`LockError::OwnerDied`] if a writer died, with the guard inside;
    /// [`LockError::AlreadyHeld`] if this thread writes; [`LockError::TooManyUsers`] if 400 read.
    #[inline]
    pub fn read(&self) -> Result<ReadGuard<'_>, LockError<ReadGuard<'_>>> {
        loop {
            if let Some(guard) = self.read_until(|| Deadline::NEVER)? {
                return Ok(guard);
            }
        }
    }

    /// Takes the lock to read if nobody writes or waits for readers to leave.
    ///
    /// # Errors
    ///
    /// Those of [`read`](Self::read); that this thread writes is none.
    #[inline]
    pub fn try_read(&self) -> Result<Option<ReadGuard<'_>>, LockError<ReadGuard<'_>>> {
        let index = self.inner.slots().try_read(self.hint());
        self.read_guard(index.map_err(|_| LockError::TooManyUsers)?)
    }

    /// Takes the lock to read, waiting up to `timeout` for it; `None` if that was not long enough.
    ///
    /// # Errors
    ///
    /// Those of [`read`](Self::read).
    pub fn read_timeout(
        &self,
        timeout: Duration,
    ) -> Result<Option<ReadGuard<'_>>, LockError<ReadGuard<'_>>> {
        self.read_until(|| Deadline::after(timeout))
    }

    /// Takes the lock to write, waiting for it as long as it takes.
    ///
    /// # Errors
    ///
    /// [`LockError::OwnerDied`] if a writer died, with the guard inside;
    /// [`LockError::AlreadyHeld`] if this thread writes.
    #[inline]
    pub fn write(&self) -> Result<WriteGuard<'_>, LockError<WriteGuard<'_>>> {
        loop {
            if let Some(guard) = self.write_guard(self.inner.slots().write(Deadline::NEVER))? {
                return Ok(guard);
            }
        }
    }

    /// Takes the lock to write if nobody has it.
    ///
    /// # Errors
    ///
    /// Those of [`write`](Self::write); that this thread writes is none.
    #[inline]
    pub fn try_write(&self) -> Result<Option<WriteGuard<'_>>, LockError<WriteGuard<'_>>> {
        match self.inner.slots().try_write() {
            Err(Refused::AlreadyHeld) => Ok(None),
            taken => self.write_guard(taken),
        }
    }

    /// Takes the lock to write, waiting up to `timeout` for it; `None` if that was not long enough.
    ///
    /// # Errors
    ///
    /// Those of [`write`](Self::write).
    pub fn write_timeout(
        &self,
        timeout: Duration,
    ) -> Result<Option<WriteGuard<'_>>, LockError<WriteGuard<'_>>> {
        self.write_guard(self.inner.slots().write(Deadline::after(timeout)))
    }

    /// Tells whether at this moment anybody writes, or waits for readers to leave.
    #[must_use]
    pub fn is_locked(&self) -> bool {
        self.inner.lock.is_locked()
    }

    fn hint(&self) -> usize {
        self.inner.hint.load(Ordering::Relaxed)
    }

    #[inline]
    fn read_until(&self, deadline: impl FnOnce() -> Deadline) -> Read<'_> {
        match self.try_read() {
            Ok(None) => self.wait_to_read(deadline()),
            read => read,
        }
    }

    #[cold]
    fn wait_to_read(&self, deadline: Deadline) -> Read<'_> {
        if self.inner.lock.is_ours() {
            return Err(LockError::AlreadyHeld);
        }
        let index = self.inner.slots().read(self.hint(), deadline);
        self.read_guard(index.map_err(|_| LockError::TooManyUsers)?)
    }

    #[inline]
    fn read_guard(&self, index: Option<usize>) -> Read<'_> {
        let Some(index) = index else { return Ok(None) };
        let guard = ReadGuard::new(&self.inner, index);
        if index != self.hint() {
            self.inner.hint.store(index, Ordering::Relaxed);
        }
        match self.inner.lock.look() {
            Taken::Clean => Ok(Some(guard)),
            Taken::OwnerDied(process) => Err(LockError::OwnerDied(OwnerDied::new(guard, process))),
        }
    }

    #[inline]
    fn write_guard(&self, taken: Result<Option<Taken>, Refused>) -> Write<'_> {
        let guard = || WriteGuard::new(&self.inner);
        match taken? {
            Some(Taken::Clean) => Ok(Some(guard())),
            Some(Taken::OwnerDied(process)) => {
                Err(LockError::OwnerDied(OwnerDied::new(guard(), process)))
            }
            None => Ok(None),
        }
    }
}

travels!(RwLock);
named!(RwLock, "read-write lock");

impl fmt::Debug for RwLock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RwLock").field("is_locked", &self.is_locked()).finish()
    }
}
