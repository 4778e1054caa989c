//! [`RLock`]: a lock that its holder may take again.

use std::fmt;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, MutexGuard};
use std::time::Duration;

use mp_handle::{Kind, Region, RegionError};

use crate::error::{LockError, OwnerDied};
use crate::guard::{Guard, Held};
use crate::intern::intern;
use crate::object::{first_lock, named, one_page, travels};
use crate::outcome::{Refused, Taken};
use crate::primitive::{Deadline, Robust};

/// A lock between processes that the thread which holds it can take again: it is given back when
/// the last of its guards is dropped.
///
/// All else is as with [`Lock`](crate::Lock), owner death included, at any depth.
///
/// # Examples
///
/// ```
/// use mp_sync::RLock;
///
/// let lock = RLock::new()?;
/// let outer = lock.lock().unwrap();
/// let inner = lock.lock().unwrap();
/// drop(outer);
/// assert!(lock.is_locked());
/// drop(inner);
/// assert!(!lock.is_locked());
/// # Ok::<(), mp_sync::RegionError>(())
/// ```
///
/// Source: CPython's `multiprocessing.RLock`.
#[derive(Clone)]
#[doc(alias = "ReentrantLock")]
pub struct RLock {
    inner: Arc<Inner>,
}

struct Inner {
    robust: Robust,
    /// How many guards the holding thread has, if it is of this process. Nobody else uses it.
    depth: AtomicU32,
    region: Region,
}

impl RLock {
    const KIND: Kind = Kind::new(0x21, "recursive lock");

    /// Creates a lock, free.
    ///
    /// # Errors
    ///
    /// Fails if the memory, a descriptor or the mapping is not to be had.
    pub fn new() -> Result<RLock, RegionError> {
        RLock::attach(Region::create(RLock::KIND, 0, RLock::len())?)
    }

    /// All handles of one lock in this process share their count.
    fn attach(region: Region) -> Result<RLock, RegionError> {
        region.expect(RLock::KIND, 0)?;
        let inner = intern(&region, 0, || {
            let robust = first_lock(&region)?;
            Ok(Inner { robust, depth: AtomicU32::new(0), region: region.clone() })
        })?;
        Ok(RLock { inner })
    }

    fn len() -> usize {
        one_page()
    }

    fn region(&self) -> &Region {
        &self.inner.region
    }

    /// Takes the lock, waiting for it as long as it takes, or once more if this thread holds it.
    ///
    /// # Errors
    ///
    /// [`LockError::OwnerDied`] if a holder died, with the guard inside.
    #[doc(alias = "acquire")]
    pub fn lock(&self) -> Result<RLockGuard<'_>, LockError<RLockGuard<'_>>> {
        loop {
            if let Some(guard) = self.take(|robust| robust.lock(Deadline::NEVER))? {
                return Ok(guard);
            }
        }
    }

    /// Takes the lock if no other thread holds it; `None` if one does.
    ///
    /// # Errors
    ///
    /// Those of [`lock`](Self::lock).
    pub fn try_lock(&self) -> Result<Option<RLockGuard<'_>>, LockError<RLockGuard<'_>>> {
        self.take(Robust::try_lock)
    }

    /// Takes the lock, waiting up to `timeout` for it; `None` if that was not long enough.
    ///
    /// # Errors
    ///
    /// Those of [`lock`](Self::lock).
    pub fn lock_timeout(
        &self,
        timeout: Duration,
    ) -> Result<Option<RLockGuard<'_>>, LockError<RLockGuard<'_>>> {
        self.take(|robust| robust.lock(Deadline::after(timeout)))
    }

    /// Tells whether anybody holds the lock at this moment.
    #[must_use]
    #[doc(alias = "locked")]
    pub fn is_locked(&self) -> bool {
        self.inner.robust.is_locked()
    }

    fn take(
        &self,
        take: impl FnOnce(&Robust) -> Result<Option<Taken>, Refused>,
    ) -> Result<Option<RLockGuard<'_>>, LockError<RLockGuard<'_>>> {
        let Inner { robust, depth, .. } = &*self.inner;
        let guard = || RLockGuard { inner: &self.inner, not_send: PhantomData };
        if robust.is_ours() {
            let deeper = depth.load(Ordering::Relaxed).checked_add(1);
            depth.store(deeper.ok_or(LockError::TooManyHeld)?, Ordering::Relaxed);
            return Ok(Some(guard()));
        }
        let Some(taken) = take(robust)? else { return Ok(None) };
        depth.store(1, Ordering::Relaxed);
        match taken {
            Taken::Clean => Ok(Some(guard())),
            Taken::OwnerDied(process) => {
                Err(LockError::OwnerDied(OwnerDied::new(guard(), process)))
            }
        }
    }
}

travels!(RLock);
named!(RLock, "recursive lock");

impl fmt::Debug for RLock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RLock").field("holder", &self.inner.robust.holder()).finish()
    }
}

/// Holds an [`RLock`]; when the thread's last guard is dropped, the lock is given back.
#[must_use = "the lock is given back as soon as the guard is dropped"]
pub struct RLockGuard<'a> {
    inner: &'a Inner,
    /// The kernel knows the lock as this thread's.
    not_send: PhantomData<MutexGuard<'a, ()>>,
}

impl Guard for RLockGuard<'_> {
    fn held(&mut self) -> Held<'_> {
        Held { robust: &self.inner.robust, depth: Some(&self.inner.depth) }
    }
}

impl Drop for RLockGuard<'_> {
    fn drop(&mut self) {
        let Inner { robust, depth, .. } = self.inner;
        // Not so in a forked child, which has the guard but not the lock.
        if !robust.is_ours() {
            return;
        }
        let left = depth.load(Ordering::Relaxed).saturating_sub(1);
        depth.store(left, Ordering::Relaxed);
        if left == 0 {
            robust.unlock();
        }
    }
}

impl fmt::Debug for RLockGuard<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RLockGuard")
    }
}
