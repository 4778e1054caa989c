//! The client's half of a connection with a server of another program.

use std::io::{self, ErrorKind};
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use mp_handle::{Deadline, Descriptor, Parcel};
use mp_queue::connection::{Client, ConnectError};

use super::greeting::{Caller, HELLO, Identity, Stranger, VERDICT};
use super::near::Near;
use super::route::Route;
use super::stream::Stream;
use super::tls::Tls;
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
    tls: Option<Tls>,
}

impl Called {
    /// The connection itself, which is open until all of its descriptors are closed.
    pub(crate) fn descriptor(&self) -> io::Result<Descriptor> {
        self.stream.try_clone().map(|stream| Descriptor::from(OwnedFd::from(stream)))
    }

    pub(crate) fn into_line(self) -> io::Result<Line> {
        let tls = self.tls.map(|tls| Arc::new(Mutex::new(tls)));
        let max_frame = usize::try_from(self.identity.max_frame).unwrap_or(usize::MAX);
        let incoming = StreamIncoming::new(self.stream.try_clone()?, tls.clone());
        let outgoing = StreamOutgoing { stream: self.stream, tls, frame: Vec::new(), max_frame };
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
    let tls = route.trust.as_ref().map(Tls::call).transpose()?;
    let mut talk = Talk { stream, tls, heard: Vec::new() };
    let refused = |stranger: Stranger| ManagerError::NotAdmitted { reason: stranger.to_string() };
    let mut caller = Caller::new(route.key.clone(), talk.bind()?).map_err(system())?;
    talk.say(caller.hello())?;
    let theirs = talk.hear::<HELLO>()?;
    talk.say(&caller.take_hello(theirs).map_err(refused)?)?;
    let identity = caller.take_verdict(&talk.hear::<VERDICT>()?).map_err(refused)?;
    let Talk { stream, tls, .. } = talk;
    stream.set_patience(None).map_err(system())?;
    Ok(Called { identity, stream, tls })
}

/// A connection during the greeting.
struct Talk {
    stream: Stream,
    tls: Option<Tls>,
    heard: Vec<u8>,
}

impl Talk {
    /// Waits until the channel is sealed, if it is to be; returns what it is known by.
    fn bind(&mut self) -> Result<Vec<u8>, ManagerError> {
        while self.tls.as_ref().is_some_and(|tls| !tls.is_ready()) {
            self.say(&[])?;
            self.listen(0)?;
        }
        let binding = self.tls.as_ref().map_or(Ok(Vec::new()), |tls| tls.binding().map(Vec::from));
        binding.map_err(system())
    }

    fn say(&mut self, message: &[u8]) -> Result<(), ManagerError> {
        let Some(tls) = &mut self.tls else {
            return self.stream.write_all(message).map_err(system());
        };
        let mut sealed = Vec::new();
        let said = tls.seal(&[message], &mut sealed).and_then(|()| self.stream.write_all(&sealed));
        said.map_err(system())
    }

    fn hear<const N: usize>(&mut self) -> Result<[u8; N], ManagerError> {
        while self.heard.len() < N {
            self.listen(N)?;
        }
        let mut message = self.heard.drain(..N);
        // There are N of them.
        Ok(std::array::from_fn(|_| message.next().unwrap_or_default()))
    }

    /// Waits for some more bytes: if nothing is sealed, no more than up to `wanted` of them.
    fn listen(&mut self, wanted: usize) -> Result<(), ManagerError> {
        let sealed = self.tls.is_some();
        let capacity = if sealed { CHUNK } else { wanted.saturating_sub(self.heard.len()) };
        let mut chunk = Vec::with_capacity(capacity);
        match (self.stream.read(&mut chunk), &mut self.tls) {
            (Ok(0), _) => Err(not_admitted("it hung up during the handshake")),
            (Ok(_), None) => {
                self.heard.extend_from_slice(&chunk);
                Ok(())
            }
            (Ok(_), Some(tls)) => tls.open(&chunk, &mut self.heard).map_err(|error| {
                ManagerError::NotAdmitted { reason: format!("it is not to be trusted: {error}") }
            }),
            (Err(error), _) if error.kind() == ErrorKind::WouldBlock => {
                Err(not_admitted("it was silent during the handshake"))
            }
            (Err(error), _) => Err(system()(error)),
        }
    }
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

type SharedTls = Option<Arc<Mutex<Tls>>>;

fn lock(tls: &Mutex<Tls>) -> MutexGuard<'_, Tls> {
    tls.lock().unwrap_or_else(PoisonError::into_inner)
}

struct StreamOutgoing {
    stream: Stream,
    tls: SharedTls,
    frame: Vec<u8>,
    max_frame: usize,
}

impl Outgoing for StreamOutgoing {
    fn send(&mut self, _: u64, request: &Parcel) -> Result<(), Lost> {
        let len = u32::try_from(request.bytes().len()).map_err(|_| Lost)?;
        let parts = [&len.to_le_bytes()[..], request.bytes()];
        self.frame.clear();
        match &self.tls {
            // Nobody waits for the network with the lock, or both sides might.
            Some(tls) => lock(tls).seal(&parts, &mut self.frame).map_err(|_| Lost)?,
            None => parts.iter().for_each(|part| self.frame.extend_from_slice(part)),
        }
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
    tls: SharedTls,
    near: Option<Near>,
    /// What came, still sealed.
    raw: Vec<u8>,
    /// What has come; up to `taken` it was taken.
    read: Vec<u8>,
    taken: usize,
}

impl StreamIncoming {
    fn new(stream: Stream, tls: SharedTls) -> Self {
        let near = Near::find(&stream);
        Self { stream, tls, near, raw: Vec::new(), read: Vec::new(), taken: 0 }
    }

    /// Reads until so many bytes are there. Room is made as they come, not as they are announced.
    fn fill(&mut self, wanted: usize) -> Result<(), Lost> {
        self.read.drain(..self.taken);
        self.taken = 0;
        while self.read.len() < wanted {
            let missing = wanted - self.read.len();
            self.read.reserve_exact(missing.clamp(CHUNK, self.read.len().max(CHUNK)));
            let sealed = self.tls.is_some();
            self.raw.clear();
            self.raw.reserve(if sealed { CHUNK } else { 0 });
            let buffer = if sealed { &mut self.raw } else { &mut self.read };
            if read(&self.stream, self.near.as_ref(), buffer).map_err(|_| Lost)? == 0 {
                return Err(Lost);
            }
            if let Some(tls) = &self.tls {
                lock(tls).open(&self.raw, &mut self.read).map_err(|_| Lost)?;
            }
        }
        Ok(())
    }

    fn has(&self) -> usize {
        self.read.len() - self.taken
    }
}

/// Waits for bytes, and looks for them for a moment before if that pays.
fn read(stream: &Stream, near: Option<&Near>, buffer: &mut Vec<u8>) -> io::Result<usize> {
    let Some(near) = near else { return stream.read(buffer) };
    let found = near.spin(Deadline::NEVER, || stream.try_read(buffer));
    let read = found.unwrap_or_else(|| stream.read(buffer));
    near.note(stream);
    read
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

#[cfg(test)]
#[path = "caller_tests.rs"]
mod tests;
