//! A signal with a handler: what waits is interrupted, and must go on as if nothing had happened.
#![allow(unsafe_code)]

use nix::libc::c_int;
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};

/// What players are interrupted with.
pub(super) const INTERRUPT: Signal = Signal::SIGUSR1;

extern "C" fn hear(_: c_int) {}

/// Has this process hear it. System calls that it interrupts are not begun again by the kernel.
pub(super) fn listen() {
    let action = SigAction::new(SigHandler::Handler(hear), SaFlags::empty(), SigSet::empty());
    // SAFETY: the handler does nothing.
    unsafe { sigaction(INTERRUPT, &action) }.expect("the signal may be handled");
}
