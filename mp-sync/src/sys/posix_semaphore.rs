//! The C library's named semaphores, the files of `sem_open(3)`.
//!
//! They are mapped here, and not by `sem_open`: that gives a new one a name of its own first, which
//! stays for ever if the process is killed before the right one is there. Here a file has no name
//! until all is in it.
#![allow(unsafe_code)]

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::path::Path;
use std::ptr::{self, NonNull};
use std::time::Duration;

use libc::{c_int, c_uint, clockid_t, sem_t, timespec};
use mp_handle::RegionError;
use rustix::fs::{Mode, OFlags, open};
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};

unsafe extern "C" {
    /// Since glibc 2.30.
    fn sem_clockwait(semaphore: *mut sem_t, clock: clockid_t, until: *const timespec) -> c_int;
}

/// A semaphore that is open in this process.
#[derive(Debug)]
pub(crate) struct PosixSemaphore {
    /// A shared mapping of its file, which nobody else has.
    place: NonNull<sem_t>,
}

// SAFETY: the functions of the C library may be called by all threads at the same time.
unsafe impl Send for PosixSemaphore {}
// SAFETY: as above.
unsafe impl Sync for PosixSemaphore {}

impl PosixSemaphore {
    /// The bytes of its file.
    pub(crate) const SIZE: usize = size_of::<sem_t>();

    /// The most permits that it can count, `SEM_VALUE_MAX`.
    pub(crate) const LIMIT: u32 = c_int::MAX as u32;

    /// Opens the file at a path, to be looked at before it is [mapped](Self::map).
    pub(crate) fn open(path: &Path) -> io::Result<File> {
        let flags = OFlags::RDWR | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
        Ok(open(path, flags, Mode::empty())?.into())
    }

    /// Maps a file, which has to be as long as a semaphore is.
    pub(crate) fn map(file: impl AsFd) -> io::Result<PosixSemaphore> {
        let access = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: a new mapping, at an address that the system chooses.
        let place = unsafe {
            mmap(ptr::null_mut(), PosixSemaphore::SIZE, access, MapFlags::SHARED, file, 0)?
        };
        let place = NonNull::new(place.cast()).ok_or_else(io::Error::last_os_error)?;
        Ok(PosixSemaphore { place })
    }

    /// Makes a new one, with its permission bits and permits before it has its name.
    pub(crate) fn create(
        path: &Path,
        permits: u32,
        mode: u32,
    ) -> Result<PosixSemaphore, RegionError> {
        let folder = path.parent().unwrap_or(Path::new("/"));
        let file = mp_handle::unnamed(folder, mode)?;
        mp_handle::reserve(&file, PosixSemaphore::SIZE as u64)?;
        let semaphore = PosixSemaphore::map(&file)?;
        // SAFETY: nobody else has the memory, which is as long and as aligned as it must be.
        check(unsafe { libc::sem_init(semaphore.place.as_ptr(), 1, permits as c_uint) })?;
        mp_handle::publish(&file, path)?;
        Ok(semaphore)
    }

    /// Takes a permit if there is one.
    pub(crate) fn try_wait(&self) -> io::Result<()> {
        // SAFETY: by the field's invariant.
        check(unsafe { libc::sem_trywait(self.place.as_ptr()) })
    }

    /// Takes a permit, waiting that long for one.
    pub(crate) fn wait(&self, time: Duration) -> io::Result<()> {
        let until = from_now(time);
        // SAFETY: by the field's invariant; `until` is read during the call.
        check(unsafe { sem_clockwait(self.place.as_ptr(), libc::CLOCK_MONOTONIC, &until) })
    }

    /// Adds a permit.
    pub(crate) fn post(&self) -> io::Result<()> {
        // SAFETY: by the field's invariant.
        check(unsafe { libc::sem_post(self.place.as_ptr()) })
    }

    /// Returns the number of permits.
    pub(crate) fn value(&self) -> u32 {
        let mut value: c_int = 0;
        // SAFETY: by the field's invariant; `value` is written during the call. It cannot fail.
        unsafe { libc::sem_getvalue(self.place.as_ptr(), &raw mut value) };
        value.unsigned_abs()
    }
}

impl Drop for PosixSemaphore {
    fn drop(&mut self) {
        // SAFETY: by the field's invariant, and nobody uses it from here on. It cannot fail.
        let _ = unsafe { munmap(self.place.as_ptr().cast(), PosixSemaphore::SIZE) };
    }
}

fn check(result: c_int) -> io::Result<()> {
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Returns the moment on the monotonic clock that comes after so much time: less than a second.
fn from_now(time: Duration) -> timespec {
    let mut moment = timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `moment` is written during the call, which cannot fail for this clock.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut moment) };
    moment.tv_nsec += i64::from(time.subsec_nanos());
    moment.tv_sec += moment.tv_nsec / 1_000_000_000;
    moment.tv_nsec %= 1_000_000_000;
    moment
}
