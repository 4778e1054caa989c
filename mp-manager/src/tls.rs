//! Connections to other programs that nobody else can read, by TLS 1.3.
//!
//! The [`Identity`] of a server is given to [`Builder::tls`](crate::Builder::tls), and the [`Trust`] of a
//! client to [`Connector::tls`](crate::Connector::tls): either in one certificate, by its
//! [`Fingerprint`], or in an authority. It comes with the feature `rustls`.

pub use crate::remote::{Fingerprint, NoFingerprint, TlsIdentity as Identity, Trust};
