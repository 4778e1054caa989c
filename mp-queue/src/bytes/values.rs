//! Values over a [`ByteConnection`]: each is the one message of its encoded bytes.

use std::time::Duration;

use mp_handle::{CodecError, Parcel};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{ByteConnection, RecvBytesError, SendBytesError};

impl ByteConnection {
    /// Sends a value to another Rust program, which knows its type. The encoding is that of this
    /// version of this library.
    ///
    /// # Errors
    ///
    /// See [`SendBytesError`]. A value with a handle in it cannot be encoded.
    pub fn send<T: Serialize + ?Sized>(&self, value: &T) -> Result<(), SendBytesError> {
        self.send_bytes(encode(value)?.bytes())
    }

    /// Sends a value, and waits no longer than `timeout`.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub fn send_timeout<T: Serialize + ?Sized>(
        &self,
        value: &T,
        timeout: Duration,
    ) -> Result<(), SendBytesError> {
        self.send_bytes_timeout(encode(value)?.bytes(), timeout)
    }

    /// Waits for the next value.
    ///
    /// # Errors
    ///
    /// See [`RecvBytesError`].
    pub fn recv<T: DeserializeOwned>(&self) -> Result<T, RecvBytesError> {
        decode(self.recv_bytes()?)
    }

    /// Waits for the next value, but no longer than `timeout`.
    ///
    /// # Errors
    ///
    /// See [`RecvBytesError`].
    pub fn recv_timeout<T: DeserializeOwned>(
        &self,
        timeout: Duration,
    ) -> Result<T, RecvBytesError> {
        decode(self.recv_bytes_timeout(timeout)?)
    }
}

fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Parcel, SendBytesError> {
    let parcel = Parcel::encode(value).map_err(SendBytesError::Codec)?;
    if parcel.descriptors().is_empty() {
        return Ok(parcel);
    }
    let message = "a handle cannot travel over a connection that carries bytes only";
    Err(SendBytesError::Codec(<CodecError as serde::ser::Error>::custom(message)))
}

fn decode<T: DeserializeOwned>(message: Vec<u8>) -> Result<T, RecvBytesError> {
    Parcel::from_parts(message, Vec::new()).decode().map_err(RecvBytesError::Codec)
}
