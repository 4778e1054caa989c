//! A breakpoint of the processor, with which a victim runs to an instruction far ahead of it.

#[cfg(not(target_arch = "x86_64"))]
use nix::errno::Errno;
use nix::unistd::Pid;

/// Has a process stop before each time that it does the instruction at this address.
///
/// Where this program does not know how, or there is no breakpoint to be had, it says so.
#[cfg(target_arch = "x86_64")]
pub(crate) fn set(pid: Pid, address: u64) -> nix::Result<()> {
    debug::write(pid, debug::ADDRESS, address)?;
    debug::write(pid, debug::CONTROL, debug::ON)
}

/// Ends that.
#[cfg(target_arch = "x86_64")]
pub(crate) fn clear(pid: Pid) -> nix::Result<()> {
    debug::write(pid, debug::CONTROL, 0)
}

#[cfg(not(target_arch = "x86_64"))]
pub(crate) fn set(_: Pid, _: u64) -> nix::Result<()> {
    Err(Errno::EOPNOTSUPP)
}

#[cfg(not(target_arch = "x86_64"))]
pub(crate) fn clear(_: Pid) -> nix::Result<()> {
    Err(Errno::EOPNOTSUPP)
}

/// The debug registers, as `ptrace(2)` shows them within `struct user`.
#[cfg(target_arch = "x86_64")]
mod debug {
    use std::mem::offset_of;

    use nix::libc::{c_long, user};
    use nix::sys::ptrace;
    use nix::unistd::Pid;

    pub(super) const ADDRESS: usize = 0;
    pub(super) const CONTROL: usize = 7;
    /// The first breakpoint is on, for this process, and for instructions.
    pub(super) const ON: u64 = 1;

    pub(super) fn write(pid: Pid, register: usize, value: u64) -> nix::Result<()> {
        let offset = offset_of!(user, u_debugreg) + register * size_of::<c_long>();
        ptrace::write_user(pid, offset as ptrace::AddressType, value as c_long)
    }
}
