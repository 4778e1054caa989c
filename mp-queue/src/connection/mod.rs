//! Connections: to a child, and to any program that speaks the protocol of Python's
//! `multiprocessing.connection`.
//!
//! - [`pipe`] makes two [`Connection`]s that carry typed values and handles between processes of
//!   one program.
//! - [`Listener`] and [`Client`] make [`ByteConnection`]s between programs, over Unix sockets or
//!   TCP, after a mutual handshake with an [`AuthKey`].
//! - [`wait`] waits for several of them at once, and for processes and queues.

#[doc(inline)]
pub use crate::{
    address::{Address, PathTooLong},
    auth::{AuthError, AuthKey},
    bytes::{ByteConnection, RecvBytesError, SendBytesError},
    client::{Client, ClientBuilder},
    listener::{AcceptError, BindError, ConnectError, Listener, ListenerBuilder, Peer},
    pipe::{Connection, RecvError, SendError, pipe, pipe_one_way},
    wait::{Waitable, wait},
};

#[cfg(feature = "async")]
#[doc(inline)]
pub use crate::pipe::AsyncConnection;
