//! Why a process could not be started.

use std::{error, fmt, io};

use mp_handle::CodecError;
use serde::{Deserialize, Serialize};

use crate::fork_server::ForkServerError;

/// A process could not be started. Nothing of it is left behind.
///
/// Its `Debug` is the sentence that its `Display` is: what `unwrap` and a `main` that returns it show.
#[non_exhaustive]
pub enum SpawnError {
    /// The program does not call [`init`](crate::init), which every child needs.
    NotInitialized,
    /// The function is not part of the program itself.
    ForeignFunction(ForeignFunction),
    /// The arguments could not be encoded.
    Arguments(CodecError),
    /// A name, variable or path that no process can be given, because it contains a NUL byte.
    NulByte {
        /// Which one.
        what: &'static str,
    },
    /// The fork server does not serve.
    ForkServer(ForkServerError),
    /// The system refused something.
    System {
        /// What was to be done.
        what: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

impl SpawnError {
    /// Says what was to be done when the system refused.
    pub(crate) fn system<E: Into<io::Error>>(what: &'static str) -> impl FnOnce(E) -> Self {
        move |source| Self::System { what, source: source.into() }
    }
}

impl fmt::Display for SpawnError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotInitialized => f.write_str(
                "no process can be started before init: make `multiprocess::init();` (or \
                 `mp_process::init();`) the first line of main, put #[multiprocess::main] on it, \
                 or #[multiprocess::test] on a test",
            ),
            Self::ForeignFunction(error) => error.fmt(f),
            Self::Arguments(error) => write!(f, "the arguments cannot be encoded: {error}"),
            Self::ForkServer(error) => error.fmt(f),
            Self::NulByte { what } => write!(f, "{what} contains a NUL byte"),
            Self::System { what, source } => write!(f, "cannot {what}: {source}"),
        }
    }
}

impl fmt::Debug for SpawnError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl error::Error for SpawnError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::ForeignFunction(error) => Some(error),
            Self::Arguments(error) => Some(error),
            Self::ForkServer(error) => Some(error),
            Self::System { source, .. } => Some(source),
            Self::NotInitialized | Self::NulByte { .. } => None,
        }
    }
}

impl From<ForeignFunction> for SpawnError {
    fn from(error: ForeignFunction) -> Self {
        Self::ForeignFunction(error)
    }
}

impl From<ForkServerError> for SpawnError {
    fn from(error: ForkServerError) -> Self {
        Self::ForkServer(error)
    }
}

impl From<CodecError> for SpawnError {
    fn from(error: CodecError) -> Self {
        Self::Arguments(error)
    }
}

/// A function whose code is in a shared library: another process of the program may have loaded
/// that elsewhere, or not at all. Call it from a function of the program itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForeignFunction {
    pub(crate) image: String,
}

impl ForeignFunction {
    /// The path of the library.
    #[must_use]
    pub fn image(&self) -> &str {
        &self.image
    }
}

impl fmt::Display for ForeignFunction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the function is in {}, not in the program itself: call it from a function of the \
             program",
            self.image
        )
    }
}

impl error::Error for ForeignFunction {}
