//! What the C library has for shared memory.
//!
//! Each of these lies at the beginning of a region, which its owner keeps; a region is aligned to
//! 64 bytes, and nothing in it moves.
#![allow(unsafe_code)]

use std::io;
use std::mem::MaybeUninit;

use anyhow::{Result, ensure};
use mp_handle::Region;

use super::super::{PAGE, SharedLock};

/// The functions return their error.
fn check(error: libc::c_int) -> Result<()> {
    ensure!(error == 0, io::Error::from_raw_os_error(error));
    Ok(())
}

/// Checks that there is room for a `T`, and returns where.
fn place<T>(memory: &Region) -> Result<*mut T> {
    ensure!(memory.len() >= PAGE.max(size_of::<T>()), "too little memory");
    Ok(memory.as_ptr().cast())
}

/// A robust mutex: the next one learns that its owner died.
pub(crate) struct Robust {
    memory: Region,
}

impl SharedLock for Robust {
    fn create(memory: &Region) -> Result<()> {
        let mut attributes = MaybeUninit::uninit();
        let attributes = attributes.as_mut_ptr();
        // SAFETY: `place` has room for it, and the attributes are initialised by the first call.
        unsafe {
            check(libc::pthread_mutexattr_init(attributes))?;
            check(libc::pthread_mutexattr_setpshared(attributes, libc::PTHREAD_PROCESS_SHARED))?;
            check(libc::pthread_mutexattr_setrobust(attributes, libc::PTHREAD_MUTEX_ROBUST))?;
            check(libc::pthread_mutex_init(place(memory)?, attributes))
        }
    }

    fn open(memory: Region) -> Result<Self> {
        Ok(Self { memory })
    }

    #[inline]
    fn with(&self, body: impl FnOnce()) -> Result<()> {
        let mutex = self.memory.as_ptr().cast();
        // SAFETY: `create` has initialised it before any process opened it.
        match unsafe { libc::pthread_mutex_lock(mutex) } {
            // SAFETY: this thread has the lock, and it is inconsistent.
            libc::EOWNERDEAD => check(unsafe { libc::pthread_mutex_consistent(mutex) })?,
            error => check(error)?,
        }
        body();
        // SAFETY: this thread has the lock.
        check(unsafe { libc::pthread_mutex_unlock(mutex) })
    }
}

/// A semaphore of one permit.
pub(crate) struct Semaphore {
    memory: Region,
}

impl SharedLock for Semaphore {
    fn create(memory: &Region) -> Result<()> {
        // SAFETY: `place` has room for it.
        ensure!(unsafe { libc::sem_init(place(memory)?, 1, 1) } == 0, io::Error::last_os_error());
        Ok(())
    }

    fn open(memory: Region) -> Result<Self> {
        Ok(Self { memory })
    }

    #[inline]
    fn with(&self, body: impl FnOnce()) -> Result<()> {
        let semaphore = self.memory.as_ptr().cast();
        // SAFETY: `create` has initialised it before any process opened it.
        while unsafe { libc::sem_wait(semaphore) } != 0 {
            let error = io::Error::last_os_error();
            ensure!(error.kind() == io::ErrorKind::Interrupted, error);
        }
        body();
        // SAFETY: as above.
        ensure!(unsafe { libc::sem_post(semaphore) } == 0, io::Error::last_os_error());
        Ok(())
    }
}

/// A lock for many readers, or one writer. Only its reading side is measured.
pub(crate) struct RwLock {
    memory: Region,
}

impl SharedLock for RwLock {
    fn create(memory: &Region) -> Result<()> {
        let mut attributes = MaybeUninit::uninit();
        let attributes = attributes.as_mut_ptr();
        // SAFETY: `place` has room for it, and the attributes are initialised by the first call.
        unsafe {
            check(libc::pthread_rwlockattr_init(attributes))?;
            check(libc::pthread_rwlockattr_setpshared(attributes, libc::PTHREAD_PROCESS_SHARED))?;
            check(libc::pthread_rwlock_init(place(memory)?, attributes))
        }
    }

    fn open(memory: Region) -> Result<Self> {
        Ok(Self { memory })
    }

    #[inline]
    fn with(&self, body: impl FnOnce()) -> Result<()> {
        let lock = self.memory.as_ptr().cast();
        // SAFETY: `create` has initialised it before any process opened it.
        check(unsafe { libc::pthread_rwlock_rdlock(lock) })?;
        body();
        // SAFETY: this thread has the lock.
        check(unsafe { libc::pthread_rwlock_unlock(lock) })
    }
}
