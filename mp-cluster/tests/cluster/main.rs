//! A cluster on one machine: a server, agents, and whatever may happen to them.
//!
//! Without `nats-server` on the path each test says that it was skipped.

mod allowed;
mod builds;
mod calls;
mod clients;
mod common;
mod deaths;
mod endings;
mod large;
mod objects;
mod servers;
mod several;
mod timeline;
