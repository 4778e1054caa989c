//! The server: one thread at a time serves all clients.
//!
//! - `leader` is the loop, and what happens when a function of a user takes its time;
//! - `state` is all that the loop works on, and `desk` what is asked of the server itself;
//! - `client` and `line` are the server's end of a connection, `door` lets clients in;
//! - `roster` knows who refers to which object.

mod client;
mod desk;
mod door;
mod leader;
mod limits;
mod line;
mod roster;
mod state;

pub(crate) use leader::{Initializer, Start, serve};
pub(crate) use limits::Limits;
pub(crate) use roster::{Hold, Roster};
