//! The roles in which a test program starts itself.

use std::env;
use std::ffi::OsStr;
use std::process::{Command, Stdio};

const ROLE: &str = "TEST_ROLE";

/// The role of this process; `None` if it is the one that has the tests.
pub(crate) fn role() -> Option<String> {
    env::var(ROLE).ok()
}

/// A program in a role, with a pipe for its output.
pub(crate) fn program(path: impl AsRef<OsStr>, role: &str) -> Command {
    let mut program = Command::new(path);
    program.env(ROLE, role).stdout(Stdio::piped());
    program
}
