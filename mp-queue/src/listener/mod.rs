//! [`Listener`]: where other programs connect.

mod bind;
mod builder;
mod error;
mod lobby;
mod peer;

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use mp_handle::{Deadline, clear_of_streams, wait_readable};
use rustix::io::Errno;
use rustix::net::{Shutdown, SocketFlags, acceptfrom_with, shutdown};

use crate::address::Address;
use crate::auth::Exchange;
use crate::bytes::{ByteConnection, Socket};
use bind::{Bound, SocketFile};
use lobby::{Event, Guest, Lobby};

pub(crate) use builder::HANDSHAKE_TIMEOUT;
pub use builder::ListenerBuilder;
pub use error::{AcceptError, BindError, ConnectError};
pub use peer::Peer;

/// Waits for other programs to connect, Rust or Python, and lets in those that are allowed to.
///
/// With a key each peer must prove that it knows it. Handshakes go on side by side, in whichever
/// thread accepts, and each has its deadline: a silent peer keeps nobody waiting. Local peers must
/// be of the same user, or root.
///
/// As a descriptor ([`AsFd`], for [`wait`](crate::connection::wait)) a listener is readable when
/// somebody knocks or goes on with a handshake: then [`try_accept`](Self::try_accept).
///
/// # Examples
///
/// ```
/// use mp_queue::connection::{Address, Client, Listener};
///
/// let listener = Listener::builder().key("secret").bind(Address::private()?)?;
/// let address = listener.address().clone();
/// let client = std::thread::spawn(move || {
///     let connection = Client::builder().key("secret").connect(address).unwrap();
///     connection.send_bytes(b"hello").unwrap();
/// });
/// let connection = listener.accept()?;
/// assert_eq!(connection.recv_bytes()?, b"hello");
/// # client.join().unwrap();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Listener {
    /// Goes before the socket does.
    file: Mutex<Option<SocketFile>>,
    socket: OwnedFd,
    address: Address,
    options: ListenerBuilder,
    lobby: Mutex<Lobby>,
    /// That of the lobby, to wait for it without the lock.
    readiness: OwnedFd,
    is_closed: AtomicBool,
    refused: AtomicU64,
    last_accepted: Mutex<Option<Peer>>,
}

impl Listener {
    /// Listens at an address, without a key: for local addresses, where the system knows the user.
    ///
    /// # Errors
    ///
    /// See [`BindError`].
    pub fn bind(address: impl Into<Address>) -> Result<Self, BindError> {
        Self::builder().bind(address)
    }

    /// Begins a listener with options.
    pub fn builder() -> ListenerBuilder {
        ListenerBuilder::new()
    }

    fn new(bound: Bound, options: ListenerBuilder) -> io::Result<Self> {
        let lobby = Lobby::new(&bound.socket)?;
        Ok(Self {
            socket: bound.socket,
            address: bound.address,
            options,
            readiness: lobby.as_fd().try_clone_to_owned()?,
            lobby: Mutex::new(lobby),
            file: Mutex::new(bound.file),
            is_closed: AtomicBool::new(false),
            refused: AtomicU64::new(0),
            last_accepted: Mutex::new(None),
        })
    }

    /// Waits for the next connection.
    ///
    /// # Errors
    ///
    /// See [`AcceptError`].
    pub fn accept(&self) -> Result<ByteConnection, AcceptError> {
        self.accept_until(Deadline::NEVER)
    }

    /// Takes the next connection if there is one already.
    ///
    /// # Errors
    ///
    /// See [`AcceptError`].
    pub fn try_accept(&self) -> Result<ByteConnection, AcceptError> {
        self.accept_until(Deadline::now())
    }

    /// Waits for the next connection, but no longer than `timeout`.
    ///
    /// # Errors
    ///
    /// See [`AcceptError`].
    pub fn accept_timeout(&self, timeout: Duration) -> Result<ByteConnection, AcceptError> {
        self.accept_until(Deadline::after(timeout))
    }

    /// Returns where it listens, with the port that the system chose.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Returns the peer of the connection that was accepted last.
    #[must_use]
    pub fn last_accepted(&self) -> Option<Peer> {
        *lock(&self.last_accepted)
    }

    /// Returns how many were not let in: they had no key or another one, were too slow, or were
    /// another user's.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// Lets nobody in any more, wakes those who wait in [`accept`](Self::accept), and removes the
    /// file of the socket. Dropping it does so as well.
    pub fn close(&self) {
        self.is_closed.store(true, Ordering::Release);
        drop(lock(&self.file).take());
        // It wakes those who poll, and fails for a socket that is closed already.
        let _ = shutdown(&self.socket, Shutdown::Both);
    }

    fn accept_until(&self, deadline: Deadline) -> Result<ByteConnection, AcceptError> {
        loop {
            if self.is_closed.load(Ordering::Acquire) {
                return Err(AcceptError::Closed);
            }
            if let Some((socket, peer)) = self.go_on()? {
                *lock(&self.last_accepted) = Some(peer);
                return Ok(ByteConnection::new(socket, self.options.frame_limit));
            }
            if !wait_readable(&self.readiness, deadline) {
                return Err(AcceptError::TimedOut);
            }
        }
    }

    /// Does what can be done without waiting, until somebody is let in.
    fn go_on(&self) -> io::Result<Option<(Socket, Peer)>> {
        let mut lobby = lock(&self.lobby);
        let (events, refused) = lobby.events()?;
        self.refused.fetch_add(refused, Ordering::Relaxed);
        let mut admitted = None;
        for event in events {
            admitted = match event {
                Event::Knock => self.open_door(&mut lobby)?,
                Event::Word(place) => self.hear(&mut lobby, place),
            };
            if admitted.is_some() {
                break;
            }
        }
        lobby.settle(&self.socket)?;
        Ok(admitted)
    }

    /// Brings those who knock to the lobby; without a key, lets the first of them in.
    fn open_door(&self, lobby: &mut Lobby) -> io::Result<Option<(Socket, Peer)>> {
        while !lobby.is_full() {
            let (fd, address) = match acceptfrom_with(&self.socket, SocketFlags::CLOEXEC) {
                Ok(accepted) => accepted,
                Err(Errno::INTR | Errno::CONNABORTED | Errno::PERM) => continue,
                // Invalid is a socket that was closed meanwhile.
                Err(Errno::WOULDBLOCK | Errno::INVAL) => break,
                Err(errno) => return Err(errno.into()),
            };
            let fd = clear_of_streams(fd)?;
            let peer = Peer::of(&fd, address).filter(|peer| peer.other_user().is_none());
            let socket = Socket::new(fd);
            match (peer, self.options.key.clone()) {
                (Some(peer), None) => return Ok(Some((socket, peer))),
                (Some(peer), Some(key)) => {
                    let deadline = Deadline::after(self.options.handshake_timeout);
                    match Exchange::listener(socket, key, self.options.legacy) {
                        Ok(exchange) => lobby.enter(Guest { exchange, peer, deadline })?,
                        Err(_) => self.refuse(),
                    }
                }
                (None, _) => self.refuse(),
            }
        }
        Ok(None)
    }

    /// Goes on with one handshake, and lets the guest in if it is done.
    fn hear(&self, lobby: &mut Lobby, place: usize) -> Option<(Socket, Peer)> {
        match lobby.guest(place)?.exchange.advance() {
            Ok(false) => None,
            Ok(true) => lobby.leave(place).map(|guest| (guest.exchange.into_socket(), guest.peer)),
            Err(_) => {
                lobby.leave(place);
                self.refuse();
                None
            }
        }
    }

    fn refuse(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.readiness.as_fd()
    }
}

impl AsRawFd for Listener {
    fn as_raw_fd(&self) -> RawFd {
        self.as_fd().as_raw_fd()
    }
}
