//! [`Guest`]: one who is at the greeting.

use std::fmt;
use std::io::ErrorKind;
use std::os::fd::{AsFd, BorrowedFd};

use mp_handle::Deadline;

use super::greeting::{HELLO, Host, Identity, Stranger};
use super::stream::Stream;

/// Why a guest is sent off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// What it said.
    Stranger(Stranger),
    /// It went away.
    Gone,
    /// It took too long.
    Late,
    /// Others came, and it had been here the longest.
    Displaced,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stranger(stranger) => stranger.fmt(f),
            Self::Gone => f.write_str("it went away before it was let in"),
            Self::Late => f.write_str("it took too long to say who it is"),
            Self::Displaced => f.write_str("too many are at the door, and it was the slowest"),
        }
    }
}

/// Who has not shown yet that it knows the key. It has memory for one short message.
pub(super) struct Guest {
    stream: Stream,
    host: Host,
    /// The message that is coming in.
    read: Vec<u8>,
    pub(super) deadline: Deadline,
    pub(super) name: String,
}

impl Guest {
    pub(super) fn new(stream: Stream, host: Host, deadline: Deadline, name: String) -> Self {
        Self { stream, host, read: Vec::with_capacity(HELLO), deadline, name }
    }

    /// Goes on as far as the other side has; tells whether it has proved that it knows the key.
    pub(super) fn advance(&mut self) -> Result<bool, Refused> {
        loop {
            let wanted = self.host.wanted();
            // No byte more: what follows is for others to read.
            let mut chunk = Vec::with_capacity(wanted - self.read.len());
            match self.stream.try_read(&mut chunk) {
                Ok(0) => return Err(Refused::Gone),
                Ok(_) => self.read.extend_from_slice(&chunk),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(_) => return Err(Refused::Gone),
            }
            if self.read.len() == wanted && self.take()? {
                return Ok(true);
            }
        }
    }

    /// Takes in a whole message.
    fn take(&mut self) -> Result<bool, Refused> {
        let mut reply = Vec::new();
        let taken = self.host.take(&self.read, &mut reply);
        self.read.clear();
        self.say(&reply)?;
        taken.map_err(Refused::Stranger)
    }

    /// Says who lets the guest in, or that there is no place, and gives its socket away.
    pub(super) fn admit(self, identity: Option<Identity>) -> Result<Stream, Refused> {
        self.say(&self.host.verdict(identity))?;
        match identity {
            Some(_) => Ok(self.stream),
            None => Err(Refused::Stranger(Stranger::Crowded)),
        }
    }

    /// So few bytes fit into the buffer of a new socket.
    fn say(&self, bytes: &[u8]) -> Result<(), Refused> {
        match self.stream.try_write(bytes) {
            Ok(sent) if sent == bytes.len() => Ok(()),
            _ => Err(Refused::Gone),
        }
    }
}

impl AsFd for Guest {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}
