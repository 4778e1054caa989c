//! [`AuthKey`]: the secret that both sides of a handshake know.

use std::fmt;
use std::io;

use rustix::io::{Errno, retry_on_intr};
use rustix::rand::{GetRandomFlags, getrandom};

/// A key for the handshake of [`Listener`](crate::connection::Listener) and
/// [`Client`](crate::connection::Client). It never prints itself, and no serde format takes it.
///
/// # Examples
///
/// ```
/// use mp_queue::connection::AuthKey;
///
/// let key = AuthKey::from("a long secret");
/// assert_eq!(format!("{key:?}"), "AuthKey(..)");
/// assert_eq!(key.expose(), b"a long secret");
/// assert_ne!(AuthKey::random()?.expose(), AuthKey::random()?.expose());
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone)]
pub struct AuthKey {
    bytes: Vec<u8>,
}

impl AuthKey {
    /// Makes a key of 32 random bytes.
    ///
    /// # Errors
    ///
    /// The system's error from getrandom(2).
    pub fn random() -> io::Result<Self> {
        Ok(Self { bytes: random_bytes::<32>()?.to_vec() })
    }

    /// Returns the secret itself, for example to hand it to a child.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.bytes
    }
}

impl From<&str> for AuthKey {
    fn from(key: &str) -> Self {
        Self { bytes: key.as_bytes().to_vec() }
    }
}

impl From<&[u8]> for AuthKey {
    fn from(key: &[u8]) -> Self {
        Self { bytes: key.to_vec() }
    }
}

impl From<Vec<u8>> for AuthKey {
    fn from(key: Vec<u8>) -> Self {
        Self { bytes: key }
    }
}

impl fmt::Debug for AuthKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AuthKey(..)")
    }
}

/// Returns random bytes from the system, unpredictable to everybody else.
pub(crate) fn random_bytes<const N: usize>() -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    // The system gives up to 256 bytes whole, once it has started.
    match retry_on_intr(|| getrandom(&mut bytes, GetRandomFlags::empty()))? {
        len if len == N => Ok(bytes),
        _ => Err(Errno::IO.into()),
    }
}
