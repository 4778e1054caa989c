//! Mutual authentication by a common key, as CPython 3.12 and later do it.
//!
//! Each side proves that it knows the key without showing it: it answers a random challenge `M`
//! with an HMAC of it. All messages are frames, and none is longer than 256 bytes.
//!
//! ```text
//! listener                                          client
//!    "#CHALLENGE#" + M1                     ----->
//!                                           <-----  response to M1
//!    "#WELCOME#", or "#FAILURE#" and end    ----->
//!                                           <-----  "#CHALLENGE#" + M2
//!    response to M2                         ----->
//!                                           <-----  "#WELCOME#", or "#FAILURE#" and end
//! ```
//!
//! `M` is `{sha256}` and 40 random bytes; the response is `{sha256}` and the HMAC-SHA256 of the
//! whole of `M`, its prefix included, so that nobody can talk the two into another digest.
//!
//! Python 3.11 and earlier know only HMAC-MD5, without a prefix. With the feature `legacy-md5`,
//! and only for those who ask for it, both directions fall back to it.
//!
//! The handshake says who is there when a connection begins. It neither encrypts nor signs what
//! follows: over a network that is not trusted, use a tunnel.

mod digest;
mod error;
mod exchange;
mod handshake;
mod key;

pub use error::AuthError;
pub(crate) use exchange::Exchange;
pub use key::AuthKey;
pub(crate) use key::random_bytes;
