//! The C library's named semaphores, `sem_open(3)`.
#![allow(unsafe_code)]

use std::ffi::CStr;
use std::io;
use std::ptr::NonNull;
use std::time::Duration;

use libc::{c_int, c_uint, clockid_t, sem_t, timespec};

unsafe extern "C" {
    /// Since glibc 2.30.
    fn sem_clockwait(semaphore: *mut sem_t, clock: clockid_t, until: *const timespec) -> c_int;
}

/// A semaphore that is open in this process.
#[derive(Debug)]
pub(crate) struct PosixSemaphore {
    /// What `sem_open` returned, not closed yet.
    place: NonNull<sem_t>,
}

// SAFETY: the functions of the C library may be called by all threads at the same time.
unsafe impl Send for PosixSemaphore {}
// SAFETY: as above.
unsafe impl Sync for PosixSemaphore {}

impl PosixSemaphore {
    /// The bytes of its file.
    pub(crate) const SIZE: u64 = size_of::<sem_t>() as u64;

    /// The most permits that it can count, `SEM_VALUE_MAX`.
    pub(crate) const LIMIT: u32 = c_int::MAX as u32;

    pub(crate) fn open(name: &CStr) -> io::Result<PosixSemaphore> {
        // SAFETY: a C string, and no flags, so there are no further arguments.
        opened(unsafe { libc::sem_open(name.as_ptr(), 0) })
    }

    /// Makes a new one, which only this user may open as yet.
    pub(crate) fn create(name: &CStr, permits: u32) -> io::Result<PosixSemaphore> {
        let (flags, mode): (c_int, c_uint) = (libc::O_CREAT | libc::O_EXCL, 0o600);
        // SAFETY: a C string, and the two further arguments that go with `O_CREAT`.
        opened(unsafe { libc::sem_open(name.as_ptr(), flags, mode, permits as c_uint) })
    }

    pub(crate) fn unlink(name: &CStr) -> io::Result<()> {
        // SAFETY: a C string.
        check(unsafe { libc::sem_unlink(name.as_ptr()) })
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
        // SAFETY: by the field's invariant, and nobody uses it from here on. The library counts
        // how often this process has opened it.
        unsafe { libc::sem_close(self.place.as_ptr()) };
    }
}

fn opened(place: *mut sem_t) -> io::Result<PosixSemaphore> {
    // `SEM_FAILED` is null.
    let place = NonNull::new(place).ok_or_else(io::Error::last_os_error)?;
    Ok(PosixSemaphore { place })
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
