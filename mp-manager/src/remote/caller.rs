//! The client's half of a connection with a server of another program.

use std::io::{self, ErrorKind};
use std::os::fd::OwnedFd;
use std::time::Duration;

use mp_handle::{Descriptor, Parcel};
use mp_queue::connection::{Client, ConnectError};

use super::greeting::{Caller, HELLO, Identity, Stranger, VERDICT};
use super::route::Route;
use super::stream::Stream;
use crate::client::{Incoming, Line, Lost, Outgoing};
use crate::error::ManagerError;

/// The longest answer that is taken in.
const LIMIT: u32 = 1 << 30;

/// What is read at once.
const CHUNK: usize = 64 << 10;

/// A connection whose two sides know the key.
pub(crate) struct Called {
    pub(crate) identity: Identity,
    stream: Stream,
}

impl Called {
    /// The connection itself, which is open until all of its descriptors are closed.
    pub(crate) fn descriptor(&self) -> io::Result<Descriptor> {
        self.stream.try_clone().map(|stream| Descriptor::from(OwnedFd::from(stream)))
    }

    pub(crate) fn into_line(self) -> io::Result<Line> {
        let incoming = self.stream.try_clone()?;
        let incoming = StreamIncoming { stream: incoming, read: Vec::new(), taken: 0 };
        let max_frame = usize::try_from(self.identity.max_frame).unwrap_or(usize::MAX);
        let outgoing = StreamOutgoing { stream: self.stream, frame: Vec::new(), max_frame };
        Ok((Box::new(outgoing), Box::new(incoming)))
    }
}

fn system<E: Into<io::Error>>() -> impl FnOnce(E) -> ManagerError {
    ManagerError::system("connect to the manager server")
}

/// Connects to a server, and makes sure that both sides know the key.
pub(crate) fn call_server(route: &Route, patience: Duration) -> Result<Called, ManagerError> {
    let connection = Client::builder().timeout(patience).connect(route.address.clone());
    let stream = Stream::new(OwnedFd::from(connection.map_err(not_connected)?));
    stream.set_patience(Some(patience)).map_err(system())?;
    let refused = |stranger: Stranger| ManagerError::NotAdmitted { reason: stranger.to_string() };
    let mut caller = Caller::new(route.key.clone()).map_err(system())?;
    stream.write_all(caller.hello()).map_err(system())?;
    let theirs = listen::<HELLO>(&stream)?;
    let proof = caller.take_hello(theirs).map_err(refused)?;
    stream.write_all(&proof).map_err(system())?;
    let identity = caller.take_verdict(&listen::<VERDICT>(&stream)?).map_err(refused)?;
    stream.set_patience(None).map_err(system())?;
    Ok(Called { identity, stream })
}

/// Hears a message of the greeting.
fn listen<const N: usize>(stream: &Stream) -> Result<[u8; N], ManagerError> {
    let mut message = Vec::with_capacity(N);
    while message.len() < N {
        let mut rest = Vec::with_capacity(N - message.len());
        match stream.read(&mut rest) {
            Ok(0) => return Err(not_admitted("it hung up during the handshake")),
            Ok(_) => message.extend_from_slice(&rest),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                return Err(not_admitted("it was silent during the handshake"));
            }
            Err(error) => return Err(system()(error)),
        }
    }
    // There are N of them now.
    Ok(std::array::from_fn(|i| message[i]))
}

fn not_admitted(reason: &str) -> ManagerError {
    ManagerError::NotAdmitted { reason: reason.to_owned() }
}

fn not_connected(error: ConnectError) -> ManagerError {
    match error {
        ConnectError::Io(error) => system()(error),
        ConnectError::OtherUser { .. } => not_admitted("it is another user's"),
        error => system()(io::Error::other(error)),
    }
}

struct StreamOutgoing {
    stream: Stream,
    frame: Vec<u8>,
    max_frame: usize,
}

impl Outgoing for StreamOutgoing {
    fn send(&mut self, _: u64, request: &Parcel) -> Result<(), Lost> {
        let len = u32::try_from(request.bytes().len()).map_err(|_| Lost)?;
        self.frame.clear();
        self.frame.extend_from_slice(&len.to_le_bytes());
        self.frame.extend_from_slice(request.bytes());
        let sent = self.stream.write_all(&self.frame);
        self.frame.shrink_to(CHUNK);
        sent.map_err(|_| Lost)
    }

    fn max_frame(&self) -> usize {
        self.max_frame
    }
}

struct StreamIncoming {
    stream: Stream,
    /// What has come; up to `taken` it was taken.
    read: Vec<u8>,
    taken: usize,
}

impl StreamIncoming {
    /// Reads until so many bytes are there. Room is made as they come, not as they are announced.
    fn fill(&mut self, wanted: usize) -> Result<(), Lost> {
        self.read.drain(..self.taken);
        self.taken = 0;
        while self.read.len() < wanted {
            let missing = wanted - self.read.len();
            self.read.reserve_exact(missing.clamp(CHUNK, self.read.len().max(CHUNK)));
            if self.stream.read(&mut self.read).map_err(|_| Lost)? == 0 {
                return Err(Lost);
            }
        }
        Ok(())
    }

    fn has(&self) -> usize {
        self.read.len() - self.taken
    }
}

impl Incoming for StreamIncoming {
    fn receive(&mut self, answer: &mut Vec<u8>) -> Result<(), Lost> {
        if self.has() < 4 {
            self.fill(4)?;
        }
        let len = self.read[self.taken..].first_chunk().ok_or(Lost)?;
        let len = u32::from_le_bytes(*len);
        if len > LIMIT {
            return Err(Lost);
        }
        let whole = 4 + len as usize;
        if self.has() < whole {
            self.fill(whole)?;
        }
        answer.extend_from_slice(&self.read[self.taken + 4..self.taken + whole]);
        self.taken += whole;
        if self.has() == 0 {
            self.read.clear();
            self.read.shrink_to(CHUNK);
            self.taken = 0;
        }
        Ok(())
    }
}
