//! [`Guest`]: one who is at the greeting.

use std::fmt;
use std::io::ErrorKind;
use std::os::fd::{AsFd, BorrowedFd};

use mp_handle::Deadline;

use super::channel::Channel;
use super::greeting::{HELLO, Host, Identity, Stranger};

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
    channel: Channel,
    host: Host,
    /// The message that is coming in.
    read: Vec<u8>,
    pub(super) deadline: Deadline,
    pub(super) name: String,
}

impl Guest {
    pub(super) fn new(channel: Channel, host: Host, deadline: Deadline, name: String) -> Self {
        Self { channel, host, read: Vec::with_capacity(HELLO), deadline, name }
    }

    /// Goes on as far as the other side has; tells whether it has proved that it knows the key.
    pub(super) fn advance(&mut self) -> Result<bool, Refused> {
        loop {
            // No byte more: what follows is for others to read.
            let mut chunk = Vec::with_capacity(self.host.wanted() - self.read.len());
            match self.channel.try_read(&mut chunk) {
                Ok(true) => self.read.extend_from_slice(&chunk),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.get_ref().is_some() => {
                    return Err(Refused::Stranger(Stranger::Language));
                }
                Ok(false) | Err(_) => return Err(Refused::Gone),
            }
            // TLS may have something to say itself.
            self.say(&[])?;
            while self.read.len() >= self.host.wanted() {
                if self.take()? {
                    return Ok(true);
                }
            }
        }
    }

    /// Takes in a whole message.
    fn take(&mut self) -> Result<bool, Refused> {
        let message: Vec<u8> = self.read.drain(..self.host.wanted()).collect();
        self.host.bind(self.channel.binding().map_err(|_| Refused::Gone)?);
        let mut reply = Vec::new();
        let taken = self.host.take(&message, &mut reply);
        self.say(&reply)?;
        match taken {
            // Who goes on before it was let in may not be who it was.
            Ok(true) if !self.read.is_empty() => Err(Refused::Stranger(Stranger::Language)),
            taken => taken.map_err(Refused::Stranger),
        }
    }

    /// Says who lets the guest in, or that there is no place, and gives its channel away.
    pub(super) fn admit(mut self, identity: Option<Identity>) -> Result<Channel, Refused> {
        let verdict = self.host.verdict(identity);
        self.say(&verdict)?;
        match identity {
            Some(_) => Ok(self.channel),
            None => Err(Refused::Stranger(Stranger::Crowded)),
        }
    }

    /// So few bytes fit into the buffer of a new socket.
    fn say(&mut self, bytes: &[u8]) -> Result<(), Refused> {
        let mut unsent = Vec::new();
        let sealed = self.channel.seal(&[bytes], &mut unsent);
        let sent = sealed.and_then(|()| self.channel.try_send(&mut unsent));
        if sent.is_ok() && unsent.is_empty() { Ok(()) } else { Err(Refused::Gone) }
    }
}

impl AsFd for Guest {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.channel.as_fd()
    }
}
