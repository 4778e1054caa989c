//! Objects that are kept on disk, so that they outlive the server.
//!
//! They are in memory as all others, and read there. What a request has changed in one of them is
//! written to the store, and no answer leaves the server before that is kept: the answers of a turn
//! are held back, all that it has changed is kept at once, and then they go. So who is answered has
//! seen nothing, and done nothing, that a kill of the server could undo.

#[cfg(not(feature = "persist"))]
mod silent;
#[cfg(feature = "persist")]
mod store;
#[cfg(feature = "persist")]
mod told;

#[cfg(not(feature = "persist"))]
pub(super) use silent::{Cellar, serve};
#[cfg(feature = "persist")]
pub(crate) use store::Keep;
#[cfg(feature = "persist")]
pub(super) use told::{Cellar, serve};
