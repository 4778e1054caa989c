//! The way for other programs: sockets with an address.
//!
//! - `greeting` is how both sides learn that both know the `key`, and `stream` the socket below;
//! - `route` says where a server is, and `caller` goes there: the client's half;
//! - `porter` lets clients in, `guest` is one who is at the greeting, and `line` is one who is in:
//!   the server's half.
//!
//! Each frame has its length before it, four bytes. Beside that it is what local clients say, but
//! without descriptors, and without functions of the program: nobody can say that the other side
//! is the same program, so functions have names there.

mod caller;
mod greeting;
mod guest;
mod key;
mod line;
mod porter;
mod route;
mod stream;
#[cfg_attr(not(feature = "tracing"), path = "untold.rs")]
mod told;

pub(crate) use caller::{Called, call_server};
pub(crate) use greeting::{Identity, random};
pub(crate) use key::Key;
pub(crate) use porter::{Arrivals, Gate, Porter};
pub(crate) use route::Route;
