//! [`Lock`]: one at a time, over all processes and threads that have it.

use std::fmt;
use std::marker::PhantomData;
use std::ptr;
use std::sync::{Arc, MutexGuard};
use std::time::Duration;

use mp_handle::{Kind, Region, RegionError};

use crate::error::{LockError, OwnerDied};
use crate::guard::{Guard, Held};
use crate::intern::intern;
use crate::object::{named, one_page, travels};
use crate::outcome::{Refused, Taken};
use crate::primitive::{Deadline, Robust};

/// A lock between processes, and between their threads.
///
/// It is as fast as a lock within a process, and survives its holder: if a process is killed while
/// it holds the lock, or a thread ends so, the next one gets the guard within an
/// [error](OwnerDied) that says who died.
///
/// The lock is a handle: clones and copies in other processes are the same lock. It is given back
/// by the thread that took it; where Python lets another process release a lock, take a
/// [`Semaphore`](crate::Semaphore).
///
/// # Examples
///
/// ```
/// use mp_process::spawn;
/// use mp_sync::{Lock, LockError};
///
/// fn die_holding(lock: Lock) {
///     let _guard = lock.lock().unwrap();
///     std::process::abort();
/// }
///
/// mp_process::init();
/// let lock = Lock::new()?;
/// let child = spawn(die_holding, (lock.clone(),))?;
/// let pid = child.pid();
/// assert!(child.join().is_err());
///
/// let Err(LockError::OwnerDied(died)) = lock.lock() else { panic!("nobody died") };
/// assert_eq!(died.process(), Some(pid));
/// drop(died.recover());
/// assert!(lock.lock().is_ok());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// A guard stays in its thread:
///
/// ```compile_fail
/// let lock = mp_sync::Lock::new().unwrap();
/// let guard = lock.lock().unwrap();
/// std::thread::scope(|scope| { scope.spawn(move || drop(guard)); });
/// ```
#[derive(Clone)]
#[doc(alias = "Mutex")]
pub struct Lock {
    inner: Arc<Inner>,
}

struct Inner {
    robust: Robust,
    region: Region,
}

impl Lock {
    /// The bytes that a lock takes at the end of its page, see [`in_region`](Self::in_region).
    pub const SIZE: usize = Robust::SIZE;

    const KIND: Kind = Kind::new(0x20, "lock");

    /// Creates a lock, free.
    ///
    /// # Errors
    ///
    /// Fails if the memory, a descriptor or the mapping is not to be had.
    pub fn new() -> Result<Lock, RegionError> {
        Lock::attach(Region::create(Lock::KIND, 0, Lock::len())?)
    }

    /// Makes a lock of the last [`SIZE`](Self::SIZE) bytes of a page in a region of the caller's:
    /// the page that begins at `offset` bytes of the region's file, of which the first 64 are its
    /// header. Fresh memory, all zero, is a free lock.
    ///
    /// This is for building blocks that keep their lock beside what it protects. Such a lock
    /// travels with what it is part of, and not by itself.
    ///
    /// # Errors
    ///
    /// Fails if the page is not inside the region, or does not begin where a page does.
    ///
    /// # Examples
    ///
    /// ```
    /// use mp_handle::{Kind, Region};
    /// use mp_sync::Lock;
    ///
    /// let page = rustix::param::page_size();
    /// let region = Region::create(Kind::new(1000, "counter"), 0, page - 64)?;
    /// let lock = Lock::in_region(&region, 0)?;
    /// let _guard = lock.lock().unwrap();
    /// # Ok::<(), mp_sync::RegionError>(())
    /// ```
    pub fn in_region(region: &Region, offset: usize) -> Result<Lock, RegionError> {
        let end = offset.checked_add(one_page());
        if end.is_none_or(|end| end > region.len()) {
            return Err(RegionError::Truncated { size: region.len() as u64 });
        }
        let make = || {
            let robust = Robust::map(region, offset as u64)?;
            Ok(Inner { robust, region: region.clone() })
        };
        Ok(Lock { inner: intern(region, offset, make)? })
    }

    fn attach(region: Region) -> Result<Lock, RegionError> {
        region.expect(Lock::KIND, 0)?;
        Lock::in_region(&region, 0)
    }

    fn len() -> usize {
        one_page()
    }

    fn region(&self) -> &Region {
        &self.inner.region
    }

    /// Takes the lock, waiting for it as long as it takes.
    ///
    /// # Errors
    ///
    /// [`LockError::OwnerDied`] if a holder died, with the guard inside;
    /// [`LockError::AlreadyHeld`] if this thread holds the lock.
    #[inline]
    #[doc(alias = "acquire")]
    pub fn lock(&self) -> Result<LockGuard<'_>, LockError<LockGuard<'_>>> {
        loop {
            if let Some(guard) = self.guard(self.inner.robust.lock(Deadline::NEVER))? {
                return Ok(guard);
            }
        }
    }

    /// Takes the lock if nobody holds it; `None` if somebody does.
    ///
    /// # Errors
    ///
    /// Those of [`lock`](Self::lock); that this thread holds the lock is none.
    #[inline]
    pub fn try_lock(&self) -> Result<Option<LockGuard<'_>>, LockError<LockGuard<'_>>> {
        match self.inner.robust.try_lock() {
            Err(Refused::AlreadyHeld) => Ok(None),
            taken => self.guard(taken),
        }
    }

    /// Takes the lock, waiting up to `timeout` for it; `None` if that was not long enough.
    ///
    /// # Errors
    ///
    /// Those of [`lock`](Self::lock).
    #[inline]
    pub fn lock_timeout(
        &self,
        timeout: Duration,
    ) -> Result<Option<LockGuard<'_>>, LockError<LockGuard<'_>>> {
        self.guard(self.inner.robust.lock(Deadline::after(timeout)))
    }

    /// Tells whether a guard is one of this lock, whichever of its handles it was got from.
    ///
    /// This is for those who give access to something only to the holder of its lock.
    #[must_use]
    #[inline]
    pub fn is_held_by(&self, guard: &LockGuard<'_>) -> bool {
        ptr::eq(&raw const self.inner.robust, guard.robust)
    }

    /// Tells whether a thread of this process has ended and left its guard behind (`mem::forget`,
    /// `Box::leak`), or a fork has copied one.
    ///
    /// The lock itself goes on to the next one. But whoever gives out references to what it
    /// protects has to stop in this process: the ones of the guard that was left may be in use.
    #[must_use]
    #[inline]
    pub fn is_abandoned(&self) -> bool {
        self.inner.robust.is_abandoned()
    }

    /// Tells whether anybody holds the lock at this moment.
    #[must_use]
    #[doc(alias = "locked")]
    pub fn is_locked(&self) -> bool {
        self.inner.robust.is_locked()
    }

    #[inline]
    fn guard(
        &self,
        taken: Result<Option<Taken>, Refused>,
    ) -> Result<Option<LockGuard<'_>>, LockError<LockGuard<'_>>> {
        let guard = || LockGuard { robust: &self.inner.robust, not_send: PhantomData };
        match taken? {
            Some(Taken::Clean) => Ok(Some(guard())),
            Some(Taken::OwnerDied(process)) => {
                Err(LockError::OwnerDied(OwnerDied::new(guard(), process)))
            }
            None => Ok(None),
        }
    }
}

travels!(Lock);
named!(Lock, "lock");

impl fmt::Debug for Lock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lock").field("holder", &self.inner.robust.holder()).finish()
    }
}

/// Holds a [`Lock`]; to drop it gives the lock back.
///
/// A guard that is forgotten keeps the lock until its thread ends, and its memory for good.
#[must_use = "the lock is given back as soon as the guard is dropped"]
pub struct LockGuard<'a> {
    robust: &'a Robust,
    /// The kernel knows the lock as this thread's.
    not_send: PhantomData<MutexGuard<'a, ()>>,
}

impl LockGuard<'_> {
    /// Flags what the lock protects as half changed by a process that died without the lock: the
    /// next ones are told as if it had died with it, until somebody recovers.
    ///
    /// This is for building blocks that find such a death themselves.
    pub fn poison(&mut self, process: Option<u32>) {
        self.robust.poison(process);
    }
}

impl Guard for LockGuard<'_> {
    fn held(&mut self) -> Held<'_> {
        Held { robust: self.robust, depth: None }
    }
}

impl Drop for LockGuard<'_> {
    #[inline]
    fn drop(&mut self) {
        self.robust.unlock();
    }
}

impl fmt::Debug for LockGuard<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LockGuard")
    }
}
