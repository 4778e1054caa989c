//! The life of a pool, told to whoever listens by [`tracing`](https://docs.rs/tracing).
//!
//! The engine notes what happens while it is locked, and the pool's thread tells it when nothing
//! is: a subscriber is the user's code, and may ask the pool anything. Without the feature
//! `tracing` nothing is noted.

#[cfg_attr(feature = "tracing", path = "told.rs")]
#[cfg_attr(not(feature = "tracing"), path = "silent.rs")]
mod imp;

pub(crate) use imp::Life;
