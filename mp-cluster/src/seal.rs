//! The seal of each message: who knows the cluster's secret has made it, for this build.

use hmac::{Hmac, KeyInit, Mac};
use mp_process::BuildId;
use sha2::{Digest as _, Sha256};

/// How many bytes a seal has.
pub(crate) const SEAL: usize = 16;

/// Seals messages, and opens those that were sealed with the same secret by the same build.
#[derive(Clone)]
pub(crate) struct Seal(Hmac<Sha256>);

impl Seal {
    pub(crate) fn new(secret: &[u8], build: &BuildId) -> Self {
        Self(keyed(&derive(secret, b"messages", build)))
    }

    /// Puts the seal behind the message.
    pub(crate) fn close(&self, message: &mut Vec<u8>) {
        let mac = self.0.clone().chain_update(&*message).finalize().into_bytes();
        message.extend_from_slice(&mac[..SEAL]);
    }

    /// The message, if its seal is right.
    pub(crate) fn open<'a>(&self, sealed: &'a [u8]) -> Option<&'a [u8]> {
        let (message, seal) = sealed.split_at_checked(sealed.len().checked_sub(SEAL)?)?;
        let mac = self.0.clone().chain_update(message);
        mac.verify_truncated_left(seal).is_ok().then_some(message)
    }
}

/// What processes of this build that know the secret let functions travel by.
pub(crate) fn friends_secret(secret: &[u8], build: &BuildId) -> u128 {
    let derived = derive(secret, b"functions", build);
    u128::from_le_bytes(std::array::from_fn(|at| derived[at]))
}

fn derive(secret: &[u8], purpose: &[u8], build: &BuildId) -> [u8; 32] {
    let mac = keyed(&Sha256::digest(secret)).chain_update(b"multiprocess cluster, ");
    mac.chain_update(purpose).chain_update(build.bytes()).finalize().into_bytes().into()
}

fn keyed(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("a key may have any length")
}

#[cfg(test)]
mod tests {
    use super::Seal;
    use mp_process::BuildId;

    #[test]
    fn a_seal_is_opened_by_who_knows_the_secret_and_breaks_with_any_bit() -> std::io::Result<()> {
        let seal = Seal::new(b"secret", BuildId::current()?);
        let mut message = b"message".to_vec();
        seal.close(&mut message);
        assert_eq!(seal.open(&message), Some(&b"message"[..]));
        assert_eq!(Seal::new(b"Secret", BuildId::current()?).open(&message), None);
        for bit in 0..8 * message.len() {
            let mut changed = message.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(seal.open(&changed), None);
        }
        for end in 0..message.len() {
            assert_eq!(seal.open(&message[..end]), None);
        }
        Ok(())
    }
}
