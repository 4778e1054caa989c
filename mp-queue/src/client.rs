//! [`Client`]: connecting to a listener.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::os::fd::OwnedFd;
use std::time::Duration;

use mp_handle::{Deadline, clear_of_streams, wait_readable};
use rustix::io::Errno;
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with};

use crate::address::{Address, Resolved};
use crate::auth::{AuthError, AuthKey, Exchange};
use crate::bytes::{ByteConnection, FRAME_LIMIT, Socket};
use crate::listener::{ConnectError, HANDSHAKE_TIMEOUT, Peer};

/// Connects to a [`Listener`](crate::connection::Listener), Rust or Python.
#[derive(Debug)]
#[non_exhaustive]
pub struct Client {}

impl Client {
    /// Connects to a listener that has no key.
    ///
    /// # Errors
    ///
    /// See [`ConnectError`].
    ///
    /// # Examples
    ///
    /// ```
    /// use mp_queue::connection::{Address, Client, Listener};
    ///
    /// let listener = Listener::bind(Address::private()?)?;
    /// let ours = Client::connect(listener.address())?;
    /// let theirs = listener.accept()?;
    /// ours.send(&[1, 2, 3])?;
    /// assert_eq!(theirs.recv::<[u8; 3]>()?, [1, 2, 3]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn connect(address: impl Into<Address>) -> Result<ByteConnection, ConnectError> {
        Self::builder().connect(address)
    }

    /// Begins a connection with options.
    pub fn builder() -> ClientBuilder {
        ClientBuilder {
            key: None,
            legacy: false,
            timeout: HANDSHAKE_TIMEOUT,
            frame_limit: FRAME_LIMIT,
        }
    }
}

/// The options of a connection, made by [`Client::builder`].
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use mp_queue::connection::{Address, Client, ConnectError};
///
/// let nobody = Client::builder()
///     .key("secret")
///     .timeout(Duration::from_secs(1))
///     .connect(Address::private()?);
/// assert!(matches!(nobody, Err(ConnectError::Io(_))));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing happens until connect"]
#[non_exhaustive]
pub struct ClientBuilder {
    key: Option<AuthKey>,
    legacy: bool,
    timeout: Duration,
    frame_limit: u64,
}

impl ClientBuilder {
    /// Proves to the listener that one knows its key, and has it prove the same.
    pub fn key(mut self, key: impl Into<AuthKey>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// Also connects to Python 3.11 and earlier, whose handshake rests on MD5.
    #[cfg(feature = "legacy-md5")]
    pub fn legacy_md5(mut self) -> Self {
        self.legacy = true;
        self
    }

    /// Sets how long it may take to connect, the handshake included; 5 seconds if never set.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets the longest message that is received; 64 MiB if never set.
    pub fn frame_limit(mut self, bytes: u64) -> Self {
        self.frame_limit = bytes;
        self
    }

    /// Connects to a listener.
    ///
    /// # Errors
    ///
    /// See [`ConnectError`].
    pub fn connect(self, address: impl Into<Address>) -> Result<ByteConnection, ConnectError> {
        let deadline = Deadline::after(self.timeout);
        let socket = match address.into().resolve()? {
            Resolved::Tcp(address) => connect_tcp(address, deadline)?,
            Resolved::Unix(address) => connect_unix(&address, deadline)?,
        };
        self.greet(Socket::new(socket), deadline)
    }

    /// Does the handshake, if there is a key.
    fn greet(self, socket: Socket, deadline: Deadline) -> Result<ByteConnection, ConnectError> {
        let Some(key) = self.key else {
            return Ok(ByteConnection::new(socket, self.frame_limit));
        };
        let mut exchange = Exchange::client(socket, key, self.legacy)?;
        while !exchange.advance()? {
            if !wait_readable(exchange.socket(), deadline) {
                return Err(AuthError::TimedOut.into());
            }
        }
        Ok(ByteConnection::new(exchange.into_socket(), self.frame_limit))
    }
}

fn connect_tcp(address: SocketAddr, deadline: Deadline) -> io::Result<OwnedFd> {
    // Zero would be refused as nonsense, and not as too late.
    let left = deadline.remaining().map(|left| left.max(Duration::from_nanos(1)));
    let stream = TcpStream::connect_timeout(&address, left.unwrap_or(Duration::MAX))?;
    clear_of_streams(stream.into())
}

/// Connects a Unix socket. The system waits while the backlog of the listener is full, for as long
/// as the socket may wait to send.
fn connect_unix(address: &SocketAddrUnix, deadline: Deadline) -> Result<OwnedFd, ConnectError> {
    let flags = SocketFlags::CLOEXEC;
    let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None);
    let socket = clear_of_streams(socket.map_err(io::Error::from)?)?;
    loop {
        // Zero would be for ever.
        let left = deadline.remaining().map(|left| left.max(Duration::from_millis(1)));
        set_socket_timeout(&socket, Timeout::Send, left).map_err(io::Error::from)?;
        match connect(&socket, address) {
            Err(Errno::INTR) => {}
            other => break other.map_err(io::Error::from)?,
        }
    }
    match Peer::of(&socket, None).and_then(Peer::other_user) {
        Some(uid) => Err(ConnectError::OtherUser { uid }),
        None => Ok(socket),
    }
}
