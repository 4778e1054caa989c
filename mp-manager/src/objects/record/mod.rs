//! What has changed in an object that is kept on disk.
//!
//! There an object is rows: bytes, with a number each, in the order of its items. Without the
//! feature `persist` nobody wants to know, and nothing is noted.

#[cfg(not(feature = "persist"))]
mod silent;
#[cfg(feature = "persist")]
mod told;

#[cfg(not(feature = "persist"))]
pub(super) use silent::{Record, Rows};
#[cfg(feature = "persist")]
pub(crate) use told::{Change, Kept};
#[cfg(feature = "persist")]
pub(super) use told::{Record, Rows};
