//! [`Identity`]: what a server shows to those who call it by TLS.

use std::fmt;
use std::io;
use std::str::FromStr;

use mp_queue::connection::AuthKey;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::key::Key;
use super::tls::Acceptor;
use crate::error::ManagerError;

/// The certificate of a server, and the key that only the server has.
///
/// # Examples
///
/// ```
/// use mp_manager::Manager;
/// use mp_manager::tls::{Identity, Trust};
///
/// mp_process::init();
/// let identity = Identity::self_signed()?;
/// let fingerprint = identity.fingerprint(); // to be told to the clients, with the key
/// let manager = Manager::builder().key("a long secret").tls(identity).start()?;
/// let address = manager.address()?.expect("there is one");
///
/// let remote = Manager::connector(address.clone()).key("a long secret");
/// assert_eq!(remote.clone().tls(Trust::fingerprint(fingerprint)).connect()?.pid(), manager.pid());
/// assert!(remote.connect().is_err());
/// # Ok::<(), mp_manager::ManagerError>(())
/// ```
#[derive(Clone, Serialize, Deserialize)]
pub struct Identity {
    /// The certificate of the server first, then those of the authorities that stand for it.
    pub(super) chain: Vec<Vec<u8>>,
    pub(super) key: Key,
}

fn invalid<E: fmt::Display>(what: &'static str) -> impl FnOnce(E) -> ManagerError {
    move |error| ManagerError::system(what)(io::Error::other(error.to_string()))
}

impl Identity {
    /// Makes a new one, of which nobody has heard: clients are told its
    /// [`fingerprint`](Self::fingerprint).
    ///
    /// # Errors
    ///
    /// The system has no randomness.
    pub fn self_signed() -> Result<Self, ManagerError> {
        let made = rcgen::generate_simple_self_signed(["manager".to_owned()]);
        let made = made.map_err(invalid("make a certificate"))?;
        let key = Key::from(AuthKey::from(made.signing_key.serialize_der()));
        Ok(Self { chain: vec![made.cert.der().to_vec()], key })
    }

    /// Takes a certificate, with those of the authorities behind it, and its private key, in the
    /// form of PEM files.
    ///
    /// # Errors
    ///
    /// They are not what they should be, or do not belong together.
    pub fn from_pem(certificates: &[u8], key: &[u8]) -> Result<Self, ManagerError> {
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(certificates)
            .map(|certificate| certificate.map(|certificate| certificate.to_vec()))
            .collect();
        let chain = chain.map_err(invalid("read a certificate"))?;
        let key = PrivateKeyDer::from_pem_slice(key).map_err(invalid("read a private key"))?;
        let key = Key::from(AuthKey::from(key.secret_der()));
        let identity = Self { chain, key };
        Acceptor::new(&identity)?;
        Ok(identity)
    }

    /// Returns what tells the certificate from all others.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(self.chain.first().map(Vec::as_slice).unwrap_or_default())
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({})", self.fingerprint())
    }
}

/// The SHA-256 of a certificate. As text it is 64 hexadecimal digits.
///
/// # Examples
///
/// ```
/// use mp_manager::tls::{Fingerprint, Identity};
///
/// let fingerprint = Identity::self_signed()?.fingerprint();
/// assert_eq!(fingerprint.to_string().parse(), Ok(fingerprint));
/// assert!("xyz".parse::<Fingerprint>().is_err());
/// # Ok::<(), mp_manager::ManagerError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    pub(super) fn of(certificate: &[u8]) -> Self {
        Self(Sha256::digest(certificate).into())
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

/// Says that a text is no fingerprint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoFingerprint;

impl fmt::Display for NoFingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a fingerprint has 64 hexadecimal digits")
    }
}

impl std::error::Error for NoFingerprint {}

impl FromStr for Fingerprint {
    type Err = NoFingerprint;

    fn from_str(text: &str) -> Result<Self, NoFingerprint> {
        if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(NoFingerprint);
        }
        let byte = |i: usize| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).unwrap_or_default();
        Ok(Self(std::array::from_fn(byte)))
    }
}
