//! What code in workers tells by [`tracing`](https://docs.rs/tracing), brought to the subscriber
//! of the program.
//!
//! A worker has no subscriber: what the program sets up in `main` is not there. So if the parent
//! has one, each worker gets one that puts events into a ring of its own, from which the parent
//! takes them. To tell something never waits: what finds no room is counted, and lost. A worker
//! whose initializer sets up a subscriber keeps that.
//!
//! Without the feature `tracing` nobody tells anything.

#[cfg(feature = "tracing")]
mod forwarder;
#[cfg(feature = "tracing")]
mod record;

#[cfg_attr(feature = "tracing", path = "inbox.rs")]
#[cfg_attr(not(feature = "tracing"), path = "none.rs")]
mod imp;

pub(crate) use imp::{Ear, Inbox, Said};
