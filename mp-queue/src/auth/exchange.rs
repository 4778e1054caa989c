//! A handshake over a socket.

use crate::bytes::{FrameReader, RecvBytesError, Socket, is_disconnect};

use super::error::AuthError;
use super::handshake::{Handshake, MESSAGE_LIMIT};
use super::key::AuthKey;

/// A socket whose two sides do not trust each other yet. It never waits: who drives it does.
#[derive(Debug)]
pub(crate) struct Exchange {
    socket: Socket,
    reader: FrameReader,
    handshake: Handshake,
}

impl Exchange {
    /// Begins as the listening side, which sends the first message.
    pub(crate) fn listener(socket: Socket, key: AuthKey, legacy: bool) -> Result<Self, AuthError> {
        let (handshake, first) = Handshake::listener(key, legacy)?;
        let exchange = Self { socket, reader: FrameReader::default(), handshake };
        exchange.send(&first)?;
        Ok(exchange)
    }

    /// Begins as the connecting side.
    pub(crate) fn client(socket: Socket, key: AuthKey, legacy: bool) -> Result<Self, AuthError> {
        let handshake = Handshake::client(key, legacy)?;
        Ok(Self { socket, reader: FrameReader::default(), handshake })
    }

    /// Goes on as far as the peer's messages are there, and tells whether the peer is trusted now.
    pub(crate) fn advance(&mut self) -> Result<bool, AuthError> {
        loop {
            let message = match self.reader.advance(&mut &self.socket, MESSAGE_LIMIT) {
                Ok(message) => message,
                Err(RecvBytesError::TimedOut) => return Ok(false),
                Err(error) => return Err(failed(error)),
            };
            let progress = self.handshake.take(&message).inspect_err(|_| self.bid_farewell())?;
            for reply in &progress.replies {
                self.send(reply)?;
            }
            if progress.is_done {
                return Ok(true);
            }
        }
    }

    /// The socket, to wait for it.
    pub(crate) fn socket(&self) -> &Socket {
        &self.socket
    }

    /// The socket, once the handshake is done.
    pub(crate) fn into_socket(self) -> Socket {
        self.socket
    }

    fn bid_farewell(&self) {
        if let Some(farewell) = self.handshake.farewell() {
            // The connection ends in any case; this only lets the peer say why.
            let _ = self.send(farewell);
        }
    }

    fn send(&self, message: &[u8]) -> Result<(), AuthError> {
        self.socket.write_small(message).map_err(|error| match is_disconnect(&error) {
            true => AuthError::Disconnected,
            false => AuthError::Io(error),
        })
    }
}

fn failed(error: RecvBytesError) -> AuthError {
    match error {
        RecvBytesError::Disconnected | RecvBytesError::Torn => AuthError::Disconnected,
        RecvBytesError::Io(error) => AuthError::Io(error),
        _ => AuthError::Unexpected,
    }
}
