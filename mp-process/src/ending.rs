//! Whether a thread, or a process, has run the last of its code.
//!
//! The kernel needs a moment for one that ends: what it had open is closed a while after others can
//! see that it is gone, and its directory in `/proc` is there for longer than that.

use std::fs;
use std::io;
use std::path::Path;

/// How far a thread or a process is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Life {
    /// It may run code.
    Runs,
    /// It runs none any more, and the kernel is not done with it.
    Ends,
    /// It is not there.
    Gone,
}

/// Looks at the directory of a thread or a process in `/proc`; of a process at its first thread.
pub(crate) fn life(directory: &Path) -> io::Result<Life> {
    /// The kernel's flag `PF_EXITING`.
    const EXITING: u64 = 4;
    let stat = match fs::read(directory.join("stat")) {
        Err(error) if matches!(error.raw_os_error(), Some(libc::ENOENT | libc::ESRCH)) => {
            return Ok(Life::Gone);
        }
        stat => stat?,
    };
    // The second field is the name, in parentheses, which may contain anything; the ninth the flags.
    let stat = String::from_utf8_lossy(&stat);
    let flags = stat.rsplit_once(") ").and_then(|(_, rest)| rest.split(' ').nth(6)?.parse().ok());
    let is_exiting = flags.is_some_and(|flags: u64| flags & EXITING != 0);
    Ok(if is_exiting { Life::Ends } else { Life::Runs })
}
