//! The way to a server that nobody else can read: TLS 1.3, by rustls.
//!
//! The greeting goes on inside, and what is proved there covers a secret of the TLS connection as
//! well: who sits between two such connections, with whatever certificate, is found out by both
//! sides, unless it knows the key.

use std::io::{self, IoSlice, Read, Write};
use std::sync::Arc;

use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::version::TLS13;
use rustls::{ClientConfig, ClientConnection, Connection, RootCertStore, ServerConfig};

pub(crate) use super::identity::Identity;
use super::pinned::Pinned;
use super::trust::Kind;
pub(crate) use super::trust::Trust;
use crate::error::ManagerError;

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

fn failed(error: rustls::Error) -> ManagerError {
    ManagerError::system("set up TLS")(io::Error::other(error))
}

/// How a server shows who it is.
#[derive(Clone)]
pub(crate) struct Acceptor(Arc<ServerConfig>);

impl Acceptor {
    pub(crate) fn new(identity: &Identity) -> Result<Self, ManagerError> {
        let chain = identity.chain.iter().cloned().map(CertificateDer::from).collect();
        let key = PrivateKeyDer::try_from(identity.key.expose().to_vec());
        let key = key.map_err(|error| failed(rustls::Error::General(error.to_owned())))?;
        let config = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&TLS13])
            .map_err(failed)?
            .with_no_client_auth();
        let mut config = config.with_single_cert(chain, key).map_err(failed)?;
        // A connection lives as long as its process: nobody comes back to one.
        config.send_tls13_tickets = 0;
        Ok(Self(Arc::new(config)))
    }

    /// Begins as the side that is called.
    pub(super) fn accept(&self) -> Result<Tls, ManagerError> {
        let connection = rustls::ServerConnection::new(Arc::clone(&self.0)).map_err(failed)?;
        Ok(Tls::new(connection.into()))
    }
}

/// One side of a connection.
pub(super) struct Tls {
    connection: Box<Connection>,
}

impl Tls {
    /// Begins as the side that calls.
    pub(super) fn call(trust: &Trust) -> Result<Self, ManagerError> {
        let config = ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&TLS13])
            .map_err(failed)?;
        let (config, name) = match &trust.kind {
            Kind::Pinned(fingerprint) => {
                let pinned = Arc::new(Pinned::new(*fingerprint, provider()));
                let config = config.dangerous().with_custom_certificate_verifier(pinned);
                (config.with_no_client_auth(), "manager")
            }
            Kind::Authority { roots, name } => {
                let mut store = RootCertStore::empty();
                for root in roots {
                    store.add(CertificateDer::from(root.clone())).map_err(failed)?;
                }
                (config.with_root_certificates(store).with_no_client_auth(), name.as_str())
            }
        };
        let name = ServerName::try_from(name.to_owned());
        let name = name.map_err(|error| failed(rustls::Error::General(error.to_string())))?;
        let connection = ClientConnection::new(Arc::new(config), name).map_err(failed)?;
        Ok(Self::new(connection.into()))
    }

    fn new(mut connection: Connection) -> Self {
        // What is put in is taken out at once.
        connection.set_buffer_limit(None);
        Self { connection: Box::new(connection) }
    }

    /// Takes in what came from the socket, and puts what was said behind `plain`.
    pub(super) fn open(&mut self, mut sealed: &[u8], plain: &mut Vec<u8>) -> io::Result<()> {
        while !sealed.is_empty() {
            self.connection.read_tls(&mut sealed)?;
            let state = self.connection.process_new_packets().map_err(io::Error::other)?;
            let start = plain.len();
            plain.resize(start + state.plaintext_bytes_to_read(), 0);
            self.connection.reader().read_exact(&mut plain[start..])?;
        }
        Ok(())
    }

    /// Puts what is to be said behind `sealed`, as it is to be sent, with what the protocol itself
    /// has to say.
    pub(super) fn seal(&mut self, parts: &[&[u8]], sealed: &mut Vec<u8>) -> io::Result<()> {
        let parts: Vec<_> = parts.iter().map(|part| IoSlice::new(part)).collect();
        let wanted: usize = parts.iter().map(|part| part.len()).sum();
        if self.connection.writer().write_vectored(&parts)? != wanted {
            return Err(io::ErrorKind::WriteZero.into());
        }
        while self.connection.wants_write() {
            self.connection.write_tls(sealed)?;
        }
        Ok(())
    }

    pub(super) fn is_ready(&self) -> bool {
        !self.connection.is_handshaking()
    }

    /// A secret of this connection that its two sides know, and nobody between.
    pub(super) fn binding(&self) -> io::Result<[u8; 32]> {
        let label = b"EXPORTER-mp-manager";
        self.connection.export_keying_material([0; 32], label, None).map_err(io::Error::other)
    }
}
