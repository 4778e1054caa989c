//! The responses to challenges, made and verified.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::error::AuthError;
use super::key::AuthKey;

/// What stands before a challenge, and before a response, of HMAC-SHA256.
pub(super) const SHA256: &[u8] = b"{sha256}";
/// A legacy challenge is random bytes only, as many as this.
const LEGACY_CHALLENGE: usize = 20;
/// A legacy response is a bare HMAC-MD5.
const LEGACY_RESPONSE: usize = 16;

/// Answers a challenge of the peer.
pub(super) fn respond(key: &AuthKey, challenge: &[u8], legacy: bool) -> Result<Vec<u8>, AuthError> {
    if challenge.len() == LEGACY_CHALLENGE {
        return if legacy { legacy_md5::respond(key, challenge) } else { Err(AuthError::Legacy) };
    }
    match challenge.strip_prefix(SHA256) {
        // Fewer random bytes than ever were sent are no challenge.
        Some(random) if random.len() >= LEGACY_CHALLENGE => {}
        Some(_) => return Err(AuthError::Unexpected),
        None => return Err(AuthError::UnknownDigest),
    }
    let mac = mac::<Hmac<Sha256>>(key, challenge).finalize().into_bytes();
    Ok([SHA256, &mac].concat())
}

/// Tells whether the peer has answered our challenge as one who knows the key, in a time that says
/// nothing about the right answer.
pub(super) fn verify(
    key: &AuthKey,
    challenge: &[u8],
    response: &[u8],
    legacy: bool,
) -> Result<(), AuthError> {
    if response.len() == LEGACY_RESPONSE {
        return if legacy {
            legacy_md5::verify(key, challenge, response)
        } else {
            Err(AuthError::Legacy)
        };
    }
    let proof = response.strip_prefix(SHA256).ok_or(AuthError::UnknownDigest)?;
    mac::<Hmac<Sha256>>(key, challenge).verify_slice(proof).map_err(|_| AuthError::WrongKey)
}

fn mac<M: Mac + KeyInit>(key: &AuthKey, message: &[u8]) -> M {
    let mac =
        <M as KeyInit>::new_from_slice(key.expose()).expect("an HMAC takes keys of any length");
    mac.chain_update(message)
}

/// What Python 3.11 and earlier speak.
#[cfg(feature = "legacy-md5")]
mod legacy_md5 {
    use md5::Md5;

    use super::*;

    pub(super) fn respond(key: &AuthKey, challenge: &[u8]) -> Result<Vec<u8>, AuthError> {
        Ok(mac::<Hmac<Md5>>(key, challenge).finalize().into_bytes().to_vec())
    }

    pub(super) fn verify(key: &AuthKey, challenge: &[u8], proof: &[u8]) -> Result<(), AuthError> {
        mac::<Hmac<Md5>>(key, challenge).verify_slice(proof).map_err(|_| AuthError::WrongKey)
    }
}

/// What stands in for the digest that is not built in.
#[cfg(not(feature = "legacy-md5"))]
mod legacy_md5 {
    use super::*;

    pub(super) fn respond(_: &AuthKey, _: &[u8]) -> Result<Vec<u8>, AuthError> {
        Err(AuthError::Legacy)
    }

    pub(super) fn verify(_: &AuthKey, _: &[u8], _: &[u8]) -> Result<(), AuthError> {
        Err(AuthError::Legacy)
    }
}
