//! The processor that runs this thread.
#![allow(unsafe_code)]

/// Returns the number of the processor that runs this thread, `None` if the system does not say.
///
/// glibc's call and not rustix's: it reads the number from the thread's rseq area, in one
/// nanosecond and without entering the kernel or its vdso.
pub(crate) fn current_cpu() -> Option<u32> {
    // SAFETY: the function takes no arguments and touches no memory of ours.
    let number = unsafe { libc::sched_getcpu() };
    u32::try_from(number).ok()
}
