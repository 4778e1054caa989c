//! The client's half: one connection for each server that this process has proxies of.
//!
//! - `registry` knows the connections, `line` is the way to the server, and `link` and `mailbox` let
//!   all threads share it, but no forked copy of the process (`generation`);
//! - `request` and `answer` are what goes over it, encoded and decoded;
//! - `reference` is what all proxies hold.

mod answer;
mod generation;
mod line;
mod link;
mod mailbox;
mod reference;
mod registry;
mod request;

pub(crate) use answer::Answer;
pub(crate) use line::{Incoming, Line, Lost, Outgoing, listen};
pub(crate) use link::Link;
pub(crate) use reference::Reference;
pub(crate) use registry::{adopt, call, link_to};
pub(crate) use request::Request;
