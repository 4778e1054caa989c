//! Pages to read: for those who come from Python, and for those who wonder what to use.
//!
//! - [`coming_from_python`]: Python's `multiprocessing` and this crate, side by side.
//! - [`mistakes`]: what is most likely to go wrong at first, and what you are told.
//! - [`every_name`]: each name of Python's, and what it is called here.
//! - [`threads_or_processes`]: which of the two, with figures.
//! - [`past_one_machine`]: the same calls on a cluster.
//! - [`platforms`]: where this runs, and how a crate that also runs elsewhere depends on it.

#[doc = include_str!("../docs/coming-from-python.md")]
pub mod coming_from_python {}

#[doc = include_str!("../docs/mistakes.md")]
pub mod mistakes {}

#[doc = include_str!("../docs/every-name.md")]
pub mod every_name {}

#[doc = include_str!("../docs/threads-or-processes.md")]
pub mod threads_or_processes {}

#[doc = include_str!("../docs/cluster.md")]
pub mod past_one_machine {}

#[doc = include_str!("../docs/platforms.md")]
pub mod platforms {}

/// The programs of the index are tested, too.
#[cfg(doctest)]
#[doc = include_str!("../examples/README.md")]
mod examples {}
