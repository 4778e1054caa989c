//! What can go wrong with a barrier.

use std::error::Error;
use std::fmt;
use std::io;

use mp_handle::RegionError;
use rustix::io::Errno;

use super::words::PARTIES_MAX;
use crate::outcome::Refused;

/// Why a barrier could not be created.
#[derive(Debug)]
#[non_exhaustive]
pub enum BarrierCreateError {
    /// A barrier is for 1 to 1,000 parties.
    Parties {
        /// The number asked for.
        wanted: u32,
    },
    /// Its memory or its name was not to be had.
    Region(RegionError),
}

/// Returns the number of parties, if a barrier can be for so many.
pub(super) fn checked(parties: u32) -> Result<u32, BarrierCreateError> {
    let fits = (1..=PARTIES_MAX).contains(&parties);
    if fits { Ok(parties) } else { Err(BarrierCreateError::Parties { wanted: parties }) }
}

impl From<RegionError> for BarrierCreateError {
    fn from(error: RegionError) -> Self {
        BarrierCreateError::Region(error)
    }
}

impl fmt::Display for BarrierCreateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BarrierCreateError::Parties { wanted } => {
                write!(f, "a barrier is for 1 to {PARTIES_MAX} parties, not for {wanted}")
            }
            BarrierCreateError::Region(error) => error.fmt(f),
        }
    }
}

impl Error for BarrierCreateError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            BarrierCreateError::Parties { .. } => None,
            BarrierCreateError::Region(error) => error.source(),
        }
    }
}

/// Why waiting at a barrier ended, other than by the arrival of all.
#[derive(Debug)]
#[non_exhaustive]
#[doc(alias = "BrokenBarrierError")]
pub enum BarrierError {
    /// The barrier is broken, until it is reset.
    Broken(BrokenBy),
    /// The time was up. This has broken the barrier for the others.
    TimedOut,
    /// The system refused what the barrier needs.
    System(io::Error),
}

/// What broke a barrier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BrokenBy {
    /// Somebody called [`abort`](super::Barrier::abort).
    Abort,
    /// Somebody called [`reset`](super::Barrier::reset) while others waited.
    Reset,
    /// Somebody's time was up.
    Timeout,
    /// Somebody's action panicked.
    Panic,
    /// A party died.
    Death {
        /// Its process, if it lived to write that down.
        process: Option<u32>,
    },
    /// It is not known any more.
    Unknown,
}

impl BrokenBy {
    const UNITS: [BrokenBy; 4] =
        [BrokenBy::Abort, BrokenBy::Reset, BrokenBy::Timeout, BrokenBy::Panic];

    /// The upper half of a cause that is a death.
    const DEATH: u64 = 5;

    /// Makes a word of it, of which zero means nothing.
    pub(super) fn to_bits(self) -> u64 {
        if let BrokenBy::Death { process } = self {
            return BrokenBy::DEATH << 32 | u64::from(process.unwrap_or(0));
        }
        let place = BrokenBy::UNITS.iter().position(|&unit| unit == self);
        place.map_or(0, |place| (place as u64 + 1) << 32)
    }

    /// Reads a word of shared memory, whatever it is.
    pub(super) fn from_bits(bits: u64) -> BrokenBy {
        let (code, process) = (bits >> 32, bits as u32);
        if code == BrokenBy::DEATH {
            return BrokenBy::Death { process: Some(process).filter(|&process| process != 0) };
        }
        let unit = usize::try_from(code).ok().and_then(|code| code.checked_sub(1));
        unit.and_then(|unit| BrokenBy::UNITS.get(unit).copied()).unwrap_or(BrokenBy::Unknown)
    }
}

impl From<Refused> for BarrierError {
    fn from(refused: Refused) -> Self {
        BarrierError::System(match refused {
            // By a signal handler that came upon its own thread.
            Refused::AlreadyHeld => Errno::DEADLK.into(),
            Refused::TooManyHeld => Errno::NOLCK.into(),
            Refused::System(error) => error,
        })
    }
}

impl fmt::Display for BarrierError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BarrierError::Broken(by) => {
                write!(f, "the barrier is broken until somebody resets it: {by}")
            }
            BarrierError::TimedOut => {
                f.write_str("not all came to the barrier in time: it is broken until a reset")
            }
            BarrierError::System(error) => write!(f, "the system refused the barrier: {error}"),
        }
    }
}

impl fmt::Display for BrokenBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BrokenBy::Abort => f.write_str("it was aborted"),
            BrokenBy::Reset => f.write_str("it was reset"),
            BrokenBy::Timeout => f.write_str("somebody did not want to wait any longer"),
            BrokenBy::Panic => f.write_str("the action panicked"),
            BrokenBy::Death { process: Some(process) } => write!(f, "process {process} died"),
            BrokenBy::Death { process: None } => f.write_str("a process died"),
            BrokenBy::Unknown => f.write_str("by what is not known"),
        }
    }
}

impl Error for BarrierError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            BarrierError::System(error) => Some(error),
            _ => None,
        }
    }
}
