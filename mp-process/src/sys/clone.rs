//! A fork whose child is a child of our parent.
//!
//! fork(2) of the C library makes children of the caller, and only the system call behind it knows
//! `CLONE_PARENT`. So what the library does for the child around that call has to be done here. In
//! a process of one thread, where no lock can be held by another, that is little:
//!
//! 1. The number of the thread, which the library keeps for its locks, becomes that of the child.
//!    The kernel writes it, as it does for fork(2), where the library told it that the number is.
//! 2. The list of robust locks is empty, and known to the kernel.
//! 3. What has noted who this process is forgets it: see [`mp_handle::on_fork`]. What other code
//!    has registered with `pthread_atfork` is out of reach.

use std::io;
use std::mem;
use std::ptr;
use std::sync::atomic::AtomicU32;

use libc::{c_int, c_long, c_ulong, c_void, pid_t, size_t};

/// `struct robust_list_head` of <linux/futex.h>.
#[repr(C)]
struct RobustHead {
    first: *mut c_void,
    futex_offset: c_long,
    pending: *mut c_void,
}

/// Forks children of our parent, from the thread that made it.
#[derive(Debug)]
pub(crate) struct Cloner {
    /// Where the C library keeps the number of this thread.
    tid: *mut pid_t,
    robust: *mut RobustHead,
}

impl Cloner {
    /// Looks up what belongs to the calling thread.
    ///
    /// Fails with `Unsupported` where the kernel does not tell.
    pub(crate) fn new() -> io::Result<Self> {
        let mut tid = ptr::null_mut::<pid_t>();
        // SAFETY: the kernel writes one pointer, to where it is told to.
        let told = unsafe { libc::prctl(libc::PR_GET_TID_ADDRESS, &raw mut tid) } == 0;
        let own = rustix::thread::gettid().as_raw_pid();
        // SAFETY: it is the address that the C library gave to the kernel, to write to it when
        // this thread ends.
        if !told || tid.is_null() || unsafe { tid.read() } != own {
            return Err(io::ErrorKind::Unsupported.into());
        }
        let mut robust = ptr::null_mut::<RobustHead>();
        let mut size: size_t = 0;
        let this_thread: c_int = 0;
        // SAFETY: the kernel writes a pointer and a size, to where it is told to.
        let failed = unsafe {
            libc::syscall(libc::SYS_get_robust_list, this_thread, &raw mut robust, &raw mut size)
        };
        if failed != 0 {
            return Err(io::Error::last_os_error());
        }
        if robust.is_null() || size != size_of::<RobustHead>() {
            return Err(io::ErrorKind::Unsupported.into());
        }
        Ok(Self { tid, robust })
    }

    /// Forks a child of our parent; returns whether this is it.
    ///
    /// Its number is in `born` before it, or anybody else, can know of it: also if this process is
    /// killed before the call returns.
    ///
    /// # Safety
    ///
    /// This process has no other thread that holds, or will ever need, a lock of the program.
    pub(crate) unsafe fn fork(&self, born: &AtomicU32) -> io::Result<bool> {
        let flags = libc::CLONE_PARENT
            | libc::CLONE_PARENT_SETTID
            | libc::CLONE_CHILD_SETTID
            | libc::CLONE_CHILD_CLEARTID
            | libc::SIGCHLD;
        // SAFETY: both addresses are valid for a number, and without CLONE_VM the child goes on
        // upon a copy of this stack, as after fork(2).
        match unsafe { raw_clone(flags as c_ulong, born.as_ptr(), self.tid) } {
            0 => {
                self.begin();
                Ok(true)
            }
            pid if pid > 0 => Ok(false),
            _ => Err(io::Error::last_os_error()),
        }
    }

    /// What the C library does in the child.
    fn begin(&self) {
        // SAFETY: the list is that of this thread, of which the kernel knows nothing yet.
        unsafe {
            (*self.robust).first = self.robust.cast();
            (*self.robust).pending = ptr::null_mut();
            libc::syscall(
                libc::SYS_set_robust_list,
                self.robust,
                mem::size_of::<RobustHead>() as size_t,
            );
        }
        mp_handle::forked();
    }
}

/// clone(2), whose arguments stand in another order on some processors. The one that has no
/// meaning here, the thread's storage, is given the same as its neighbour.
///
/// # Safety
///
/// As for fork(2); both addresses are valid to write to.
unsafe fn raw_clone(flags: c_ulong, parent_tid: *mut u32, child_tid: *mut pid_t) -> c_long {
    let stack = ptr::null_mut::<c_void>();
    // SAFETY: by the contract of this function.
    unsafe {
        if cfg!(target_arch = "s390x") {
            libc::syscall(libc::SYS_clone, stack, flags, parent_tid, child_tid, child_tid)
        } else {
            libc::syscall(libc::SYS_clone, flags, stack, parent_tid, child_tid, child_tid)
        }
    }
}
