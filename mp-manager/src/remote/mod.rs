//! The way for other programs: sockets with an address.
//!
//! - `greeting` is how both sides learn that both know the `key`, and `stream` the socket below;
//! - `route` says where a server is, and `caller` goes there: the client's half;
//! - `porter` lets clients in, `guest` is one who is at the greeting, and `line` is one who is in:
//!   the server's half;
//! - `near` is about two sides on one machine, and `channel` is what is sealed by `tls`, if it is: then a server shows its `identity`, and the
//!   client has `trust` in that, for example as it is `pinned`.
//!
//! Each frame has its length before it, four bytes. Beside that it is what local clients say, but
//! without descriptors, and without functions of the program: nobody can say that the other side
//! is the same program, so functions have names there.

mod caller;
mod channel;
mod greeting;
mod guest;
#[cfg(feature = "rustls")]
mod identity;
mod key;
mod line;
mod near;
#[cfg(feature = "rustls")]
mod pinned;
mod porter;
mod route;
mod stream;
#[cfg_attr(not(feature = "rustls"), path = "no_tls.rs")]
mod tls;
#[cfg_attr(not(feature = "tracing"), path = "untold.rs")]
mod told;
#[cfg(feature = "rustls")]
mod trust;

pub(crate) use caller::{Called, call_server};
pub(crate) use greeting::{Identity, random};
pub(crate) use porter::{Arrivals, Gate, Opened, Porter};
pub(crate) use route::Route;
#[cfg(feature = "rustls")]
pub use {
    identity::{Fingerprint, Identity as TlsIdentity, NoFingerprint},
    trust::Trust,
};
