//! The client's half: one connection for each server that this process has proxies of.
//!
//! - `registry` knows the connections, `line` is the way to the server, and `link` lets all
//!   threads share it;
//! - `request` and `answer` are what goes over it, encoded and decoded;
//! - `reference` is what all proxies hold.

mod answer;
mod line;
mod link;
mod reference;
mod registry;
mod request;

pub(crate) use answer::Answer;
pub(crate) use line::{Incoming, Line, Lost, Outgoing, listen};
pub(crate) use link::Link;
pub(crate) use reference::Reference;
pub(crate) use registry::{adopt, call, link_to};
pub(crate) use request::Request;
