//! A process forked without our doing, as other libraries do it.
#![allow(unsafe_code)]

/// A forked child, not yet waited for.
pub(crate) struct Forked {
    pub(crate) pid: u32,
}

/// Forks; the child ends with what `work` returns. For processes whose other threads only wait.
pub(crate) fn fork(work: impl FnOnce() -> u8) -> Forked {
    // SAFETY: no other thread works on anything, so the child finds all as it should be.
    match unsafe { libc::fork() } {
        -1 => panic!("cannot fork"),
        // SAFETY: ends the process, and runs nothing of the parent's.
        0 => unsafe { libc::_exit(work().into()) },
        pid => Forked { pid: pid.unsigned_abs() },
    }
}

impl Forked {
    /// Waits for its end; returns its exit code, `None` if it was killed.
    pub(crate) fn join(self) -> Option<i32> {
        let pid = self.pid.cast_signed();
        let mut status = 0;
        // SAFETY: `status` is where the kernel may write.
        while unsafe { libc::waitpid(pid, &raw mut status, 0) } != pid {}
        libc::WIFEXITED(status).then(|| libc::WEXITSTATUS(status))
    }
}
