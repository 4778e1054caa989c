//! What a forked child changes of itself, where an executed one is given it.

use std::ffi::{OsStr, OsString, c_int};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;
use std::ptr;

unsafe extern "C" {
    static mut environ: *mut *mut libc::c_char;
}

/// Blocks every signal that can be blocked.
pub(crate) fn block_signals() {
    set_mask(libc::sigfillset);
}

/// Blocks no signal.
pub(crate) fn unblock_signals() {
    set_mask(libc::sigemptyset);
}

fn set_mask(fill: unsafe extern "C" fn(*mut libc::sigset_t) -> c_int) {
    let mut set = MaybeUninit::uninit();
    // SAFETY: `fill` initialises the set, which is only read then.
    unsafe {
        fill(set.as_mut_ptr());
        libc::pthread_sigmask(libc::SIG_SETMASK, set.as_ptr(), ptr::null_mut());
    }
}

/// The number of this process, asked of the system itself: to a process that was just forked, each
/// page of the C library that it needs for nothing else costs as much as a dozen system calls.
pub(crate) fn own_number() -> u32 {
    rustix::process::getpid().as_raw_pid().unsigned_abs()
}

/// Puts what `by` stands for in the place of `fd`, which keeps its number. Only standard streams
/// are inherited by programs that are executed.
pub(crate) fn replace(fd: BorrowedFd<'_>, by: BorrowedFd<'_>) -> io::Result<()> {
    let (number, by) = (fd.as_raw_fd(), by.as_raw_fd());
    if number == by {
        return Ok(());
    }
    let flags = if number <= libc::STDERR_FILENO { 0 } else { libc::O_CLOEXEC };
    // SAFETY: both are open, and nothing that reads or writes to `fd` takes it for memory.
    match unsafe { libc::dup3(by, number, flags) } {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

/// Writes out what the streams of the C library have gathered.
pub(crate) fn flush_streams() {
    // SAFETY: a null pointer stands for all of them.
    unsafe { libc::fflush(ptr::null_mut()) };
}

/// Whether this text, in which each `NAME=value` ends with a zero byte, is the environment.
fn is_environment(mut text: &[u8]) -> bool {
    // SAFETY: this runs in a process of one thread, where nobody changes the environment: an
    // array of C strings that ends with a null pointer.
    unsafe {
        let mut next = environ;
        while !next.is_null() && !(*next).is_null() {
            let variable = std::ffi::CStr::from_ptr(*next).to_bytes_with_nul();
            let Some(rest) = text.strip_prefix(variable) else { return false };
            text = rest;
            next = next.add(1);
        }
    }
    text.is_empty()
}

/// Replaces the environment by such a text.
pub(crate) fn set_environment(text: &[u8]) {
    if is_environment(text) {
        return;
    }
    // SAFETY: this runs in a process of one thread, which alone reads and changes it.
    unsafe {
        libc::clearenv();
        for variable in text.split(|&byte| byte == 0) {
            match variable.iter().position(|&byte| byte == b'=') {
                // What has no name cannot be set, nor asked for.
                None | Some(0) => {}
                Some(at) => {
                    let (name, value) = (&variable[..at], &variable[at + 1..]);
                    std::env::set_var(OsStr::from_bytes(name), OsStr::from_bytes(value));
                }
            }
        }
    }
}

/// Sets variables, or removes those without a value, having removed all of them if `clear`.
pub(crate) fn change_environment(clear: bool, changes: &[(OsString, Option<OsString>)]) {
    // SAFETY: this runs in a process of one thread, which alone reads and changes it. The names
    // were taken from what `execve` would have been given.
    unsafe {
        if clear {
            libc::clearenv();
        }
        for (name, value) in changes.iter().filter(|(name, _)| is_settable(name)) {
            match value {
                Some(value) => std::env::set_var(name, value),
                None => std::env::remove_var(name),
            }
        }
    }
}

/// Whether the C library takes it for the name of a variable.
fn is_settable(name: &OsStr) -> bool {
    !name.is_empty() && !name.as_bytes().iter().any(|&byte| matches!(byte, 0 | b'='))
}

/// Ends this process, and runs nothing more of it.
pub(crate) fn exit_at_once(code: i32) -> ! {
    // SAFETY: it does not return, and leaves nothing that anybody would use.
    unsafe { libc::_exit(code) }
}
