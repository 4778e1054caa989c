//! The handshake as a machine without a socket: messages go in, messages come out.
//!
//! ```text
//!           has sent     awaits     and sends    awaits     and sends    awaits
//! listener  challenge    Response   welcome      Challenge  response     Verdict, done
//! client                 Challenge  response     Verdict    challenge    Response, welcome, done
//! ```

use super::digest::{self, SHA256};
use super::error::AuthError;
use super::key::{AuthKey, random_bytes};

/// The longest message of a handshake.
pub(crate) const MESSAGE_LIMIT: u64 = 256;

const CHALLENGE: &[u8] = b"#CHALLENGE#";
const WELCOME: &[u8] = b"#WELCOME#";
const FAILURE: &[u8] = b"#FAILURE#";

/// What the peer is to send next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expected {
    /// Its response to our challenge.
    Response,
    /// Its challenge.
    Challenge,
    /// What it thinks of our response.
    Verdict,
}

/// What follows from a message of the peer.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    /// What is to be sent, in this order, also if the handshake has failed.
    pub(crate) replies: Vec<Vec<u8>>,
    /// Whether the peer is trusted now.
    pub(crate) is_done: bool,
}

/// One side of a handshake.
#[derive(Debug)]
pub(crate) struct Handshake {
    key: AuthKey,
    /// Whether HMAC-MD5 will do.
    legacy: bool,
    is_listener: bool,
    /// Our challenge, with its prefix.
    challenge: Vec<u8>,
    expected: Expected,
}

impl Handshake {
    /// Begins as the listening side. The message is the first to be sent.
    pub(crate) fn listener(key: AuthKey, legacy: bool) -> Result<(Self, Vec<u8>), AuthError> {
        let handshake = Self::new(key, legacy, true)?;
        let first = handshake.own_challenge();
        Ok((handshake, first))
    }

    /// Begins as the connecting side, which waits for the other to speak.
    pub(crate) fn client(key: AuthKey, legacy: bool) -> Result<Self, AuthError> {
        Self::new(key, legacy, false)
    }

    fn new(key: AuthKey, legacy: bool, is_listener: bool) -> Result<Self, AuthError> {
        let random = random_bytes::<40>().map_err(AuthError::Io)?;
        let challenge = [SHA256, &random].concat();
        let expected = if is_listener { Expected::Response } else { Expected::Challenge };
        Ok(Self { key, legacy, is_listener, challenge, expected })
    }

    /// Takes the next message of the peer.
    ///
    /// After an error the peer is to be told [`farewell`](Self::farewell), and the connection to
    /// be closed.
    pub(crate) fn take(&mut self, message: &[u8]) -> Result<Progress, AuthError> {
        match self.expected {
            Expected::Response => self.take_response(message),
            Expected::Challenge => self.take_challenge(message),
            Expected::Verdict => self.take_verdict(message),
        }
    }

    /// Returns what the peer is told after an error, if it waits for it.
    pub(crate) fn farewell(&self) -> Option<&'static [u8]> {
        (self.expected == Expected::Response).then_some(FAILURE)
    }

    fn take_response(&mut self, response: &[u8]) -> Result<Progress, AuthError> {
        digest::verify(&self.key, &self.challenge, response, self.legacy)?;
        self.expected = Expected::Challenge;
        Ok(Progress { replies: vec![WELCOME.to_vec()], is_done: !self.is_listener })
    }

    fn take_challenge(&mut self, message: &[u8]) -> Result<Progress, AuthError> {
        let challenge = message.strip_prefix(CHALLENGE).ok_or(AuthError::Unexpected)?;
        // Who cannot answer our challenge might have us do it.
        if challenge == self.challenge {
            return Err(AuthError::Reflected);
        }
        let response = digest::respond(&self.key, challenge, self.legacy)?;
        self.expected = Expected::Verdict;
        Ok(Progress { replies: vec![response], is_done: false })
    }

    fn take_verdict(&mut self, message: &[u8]) -> Result<Progress, AuthError> {
        match message {
            WELCOME => {}
            FAILURE => return Err(AuthError::Rejected),
            _ => return Err(AuthError::Unexpected),
        }
        if self.is_listener {
            return Ok(Progress { replies: Vec::new(), is_done: true });
        }
        self.expected = Expected::Response;
        Ok(Progress { replies: vec![self.own_challenge()], is_done: false })
    }

    fn own_challenge(&self) -> Vec<u8> {
        [CHALLENGE, &self.challenge].concat()
    }
}

#[cfg(test)]
#[path = "handshake_tests.rs"]
mod tests;
