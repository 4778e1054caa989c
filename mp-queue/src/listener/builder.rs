//! [`ListenerBuilder`]: how a listener treats those who come.

use std::time::Duration;

use super::Listener;
use super::bind::bind_to;
use super::error::BindError;
use crate::address::Address;
use crate::auth::AuthKey;
use crate::bytes::FRAME_LIMIT;

/// How long a handshake may take unless it is set.
pub(crate) const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);

/// The options of a [`Listener`], made by [`Listener::builder`].
///
/// # Examples
///
/// ```
/// use mp_queue::connection::{Address, BindError, Listener};
/// use std::time::Duration;
///
/// let anywhere = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
/// let open = Listener::builder().bind(anywhere);
/// assert!(matches!(open, Err(BindError::NoKey)));
///
/// let listener = Listener::builder()
///     .key("a long secret")
///     .handshake_timeout(Duration::from_secs(1))
///     .bind(anywhere)?;
/// assert!(matches!(listener.address(), Address::Tcp(address) if address.port() != 0));
/// # Ok::<(), BindError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing listens until bind"]
#[non_exhaustive]
pub struct ListenerBuilder {
    pub(super) key: Option<AuthKey>,
    pub(super) legacy: bool,
    pub(super) handshake_timeout: Duration,
    pub(super) frame_limit: u64,
    is_open: bool,
    backlog: i32,
}

impl ListenerBuilder {
    pub(super) fn new() -> Self {
        Self {
            key: None,
            legacy: false,
            handshake_timeout: HANDSHAKE_TIMEOUT,
            frame_limit: FRAME_LIMIT,
            is_open: false,
            backlog: 128,
        }
    }

    /// Lets in only those who prove that they know the key, and proves it to them.
    pub fn key(mut self, key: impl Into<AuthKey>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// Lets a TCP listener be open to everybody who reaches it.
    pub fn without_key(mut self) -> Self {
        self.key = None;
        self.is_open = true;
        self
    }

    /// Also lets in Python 3.11 and earlier, whose handshake rests on MD5.
    #[cfg(feature = "legacy-md5")]
    pub fn legacy_md5(mut self) -> Self {
        self.legacy = true;
        self
    }

    /// Sets how long the handshake with one peer may take; 5 seconds if never set.
    pub fn handshake_timeout(mut self, timeout: Duration) -> Self {
        self.handshake_timeout = timeout;
        self
    }

    /// Sets how many peers may wait to be looked at; 128 if never set. The system has a limit of
    /// its own.
    pub fn backlog(mut self, peers: u32) -> Self {
        self.backlog = peers.try_into().unwrap_or(i32::MAX);
        self
    }

    /// Sets the longest message that connections receive; 64 MiB if never set.
    pub fn frame_limit(mut self, bytes: u64) -> Self {
        self.frame_limit = bytes;
        self
    }

    /// Listens at an address.
    ///
    /// The file of a listener that has died is replaced; that of one that lives is not.
    ///
    /// # Errors
    ///
    /// See [`BindError`].
    pub fn bind(self, address: impl Into<Address>) -> Result<Listener, BindError> {
        let address = address.into();
        if matches!(address, Address::Tcp(_)) && self.key.is_none() && !self.is_open {
            return Err(BindError::NoKey);
        }
        let bound = bind_to(address, self.backlog)?;
        Ok(Listener::new(bound, self)?)
    }
}
