//! Why a fork server does not serve.

use std::time::Duration;
use std::{error, fmt};

use crate::outcome::Failure;

/// A fork server could not be started, or did not do its work.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ForkServerError {
    /// What it preloads has started threads, which are still there.
    #[non_exhaustive]
    Threads {
        /// How many, the one of the server not counted.
        count: usize,
    },
    /// It ended before it could serve: what it preloads panicked, exited or crashed.
    Ended(Failure),
    /// It did not come to serve, or did not answer, within the start timeout. It was killed.
    #[non_exhaustive]
    TimedOut {
        /// The start timeout.
        after: Duration,
    },
    /// It was killed while it was asked for a child, and so were those started in its place.
    Killed,
}

impl fmt::Display for ForkServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Threads { count } => write!(
                f,
                "the fork server cannot fork with {count} other thread(s): what it preloads must \
                 end those that it starts"
            ),
            Self::Ended(failure) => {
                write!(f, "the fork server did not come to serve: it {failure}")
            }
            Self::TimedOut { after } => write!(
                f,
                "the fork server did not answer within {after:?}: preload less, or set a longer \
                 start timeout"
            ),
            Self::Killed => f.write_str("the fork server was killed again and again"),
        }
    }
}

impl error::Error for ForkServerError {}
