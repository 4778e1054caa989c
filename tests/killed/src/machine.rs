//! What each kind of processor has its own way for.

#[cfg(not(target_arch = "x86_64"))]
use nix::errno::Errno;
use nix::sys::ptrace;
use nix::unistd::Pid;

/// The instruction that enters the kernel.
#[cfg(target_arch = "x86_64")]
pub(crate) const CALL: &[u8] = &[0x0f, 0x05];
#[cfg(target_arch = "aarch64")]
pub(crate) const CALL: &[u8] = &[0x01, 0x00, 0x00, 0xd4];

/// The address of the next instruction.
#[cfg(target_arch = "x86_64")]
pub(crate) fn program_counter(pid: Pid) -> nix::Result<u64> {
    Ok(ptrace::getregs(pid)?.rip)
}

#[cfg(target_arch = "aarch64")]
pub(crate) fn program_counter(pid: Pid) -> nix::Result<u64> {
    Ok(ptrace::getregs(pid)?.pc)
}

/// Has a process stop before each time that it does the instruction at this address.
///
/// Where this program does not know how, or there is no breakpoint to be had, it says so.
#[cfg(target_arch = "x86_64")]
pub(crate) fn set_breakpoint(pid: Pid, address: u64) -> nix::Result<()> {
    debug::write(pid, debug::ADDRESS, address)?;
    debug::write(pid, debug::CONTROL, debug::ON)
}

/// Ends that.
#[cfg(target_arch = "x86_64")]
pub(crate) fn clear_breakpoint(pid: Pid) -> nix::Result<()> {
    debug::write(pid, debug::CONTROL, 0)
}

#[cfg(not(target_arch = "x86_64"))]
pub(crate) fn set_breakpoint(_: Pid, _: u64) -> nix::Result<()> {
    Err(Errno::EOPNOTSUPP)
}

#[cfg(not(target_arch = "x86_64"))]
pub(crate) fn clear_breakpoint(_: Pid) -> nix::Result<()> {
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
