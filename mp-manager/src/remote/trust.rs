//! [`Trust`]: which servers a client talks to by TLS.

use std::io;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde::{Deserialize, Serialize};

use super::identity::Fingerprint;
use crate::error::ManagerError;

/// How a client knows a server. Beside that, both prove that they know the key.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Trust {
    pub(super) kind: Kind,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) enum Kind {
    Pinned(Fingerprint),
    Authority { roots: Vec<Vec<u8>>, name: String },
}

impl Trust {
    /// Trusts the server with this certificate alone.
    #[must_use]
    pub fn fingerprint(fingerprint: Fingerprint) -> Self {
        Self { kind: Kind::Pinned(fingerprint) }
    }

    /// Trusts the server of this name, or IP address, if one of these authorities says so, whose
    /// certificates are given in the form of PEM files.
    ///
    /// # Errors
    ///
    /// There is none, or one is not what it should be.
    pub fn authority(certificates: &[u8], name: &str) -> Result<Self, ManagerError> {
        let roots: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(certificates)
            .map(|certificate| certificate.map(|certificate| certificate.to_vec()))
            .collect();
        let roots = roots.map_err(io::Error::other);
        let roots = roots.map_err(ManagerError::system("read the certificate of an authority"))?;
        if roots.is_empty() {
            let reason = "there is no certificate of an authority".into();
            return Err(ManagerError::Misuse { reason });
        }
        Ok(Self { kind: Kind::Authority { roots, name: name.to_owned() } })
    }
}
