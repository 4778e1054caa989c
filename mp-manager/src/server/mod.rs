//! The server: one thread at a time serves all clients.
//!
//! - `start` is the process, `leader` the loop, and `watcher` what happens when a function of a user
//!   takes its time;
//! - `state` is all that the loop works on, where requests are served; `desk` is what is asked of
//!   the server itself;
//! - `errands` are the functions of users, `waiting` is about requests that have to wait,
//!   `hearing` about those that must not come too early, and `ends` about clients and objects that
//!   go;
//! - `client` and `line` are the server's end of a connection, `door` lets clients in;
//! - `names` are the objects that are published, `cellar` those that are kept on disk;
//! - `outside` are answers from other threads;
//! - `roster` knows who refers to which object.

mod by_id;
mod cellar;
mod client;
mod desk;
mod door;
mod ends;
mod errands;
mod hearing;
mod leader;
mod limits;
mod line;
mod names;
#[cfg(feature = "pool")]
mod outside;
mod roster;
mod start;
mod state;
mod waiting;
mod watcher;

#[cfg(feature = "persist")]
pub(crate) use cellar::Keep;
pub(crate) use limits::Limits;
pub(crate) use line::{Frame, Line, Lost};
#[cfg(feature = "pool")]
pub(crate) use outside::Outside;
pub(crate) use roster::{Hold, Roster};
pub(crate) use start::{Initializer, Ready, Start, serve};
