//! The client's end of the way to a server.

use std::io::{self, ErrorKind};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use mp_handle::{
    Bell, Consumer, Deadline, Parcel, Post, Producer, PushError, SLICE, Waited, clear_of_streams,
};
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::net::{
    AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with,
    sockopt::socket_peercred,
};
use rustix::process::geteuid;

use crate::error::ManagerError;
use crate::ring::{ANSWERS, Hello, REQUESTS, RING, SPILLED, Welcome, is_hung_up, receive_spilled};
use crate::wire::{ANSWER_HEADER, REQUEST_HEADER};

/// The server is gone, or does not keep to the protocol.
#[derive(Debug)]
pub(crate) struct Lost;

/// Requests to the server.
pub(crate) trait Outgoing: Send {
    /// Sends a request, whose header bears the id; waits for room.
    fn send(&mut self, id: u64, request: &Parcel) -> Result<(), Lost>;

    /// The longest request that the server takes in; a longer one is the end of the connection.
    fn max_frame(&self) -> usize;
}

/// Answers of the server.
pub(crate) trait Incoming: Send {
    /// Waits for the next answer.
    fn receive(&mut self, answer: &mut Vec<u8>) -> Result<(), Lost>;
}

/// Both directions.
pub(crate) type Line = (Box<dyn Outgoing>, Box<dyn Incoming>);

/// The name of a local server's socket, in the system's table of names: there is no file to be
/// left behind. Anybody can knock, so each side asks the system who the other is.
fn socket_name(server: u128) -> io::Result<SocketAddrUnix> {
    Ok(SocketAddrUnix::new_abstract_name(format!("mp-manager-{server:032x}").as_bytes())?)
}

/// Makes the socket at which a server listens; clients may connect before it is served.
pub(crate) fn listen(server: u128) -> io::Result<OwnedFd> {
    let socket = new_socket(SocketFlags::CLOEXEC | SocketFlags::NONBLOCK)?;
    rustix::net::bind(&socket, &socket_name(server)?)?;
    rustix::net::listen(&socket, 1024)?;
    Ok(socket)
}

fn new_socket(flags: SocketFlags) -> io::Result<OwnedFd> {
    clear_of_streams(socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?)
}

/// Connects to a local server. `is_alive` says whether it is still worth waiting for it.
pub(super) fn connect_local(
    server: u128,
    patience: Duration,
    is_alive: impl FnMut() -> bool,
) -> Result<Line, ManagerError> {
    let system = || ManagerError::system("connect to the manager server");
    let socket = knock(server).map_err(system())?;
    let own = geteuid();
    if !socket_peercred(&socket).is_ok_and(|peer| peer.uid == own || peer.uid.is_root()) {
        return Err(ManagerError::NotAdmitted { reason: "it is another user's".into() });
    }
    let hello = Hello::new()?;
    let parcel = Parcel::encode(&hello).map_err(ManagerError::Encode)?;
    socket.send(0, &parcel).map_err(system())?;
    let welcome = wait_for_welcome(&socket, patience, is_alive).map_err(system())?;
    let (bell, max_frame) = match welcome.decode().map_err(ManagerError::Decode)? {
        Welcome::Admitted { bell, max_frame } => (bell, max_frame),
        Welcome::Refused(reason) => return Err(ManagerError::NotAdmitted { reason }),
    };
    let corrupt = |_| ManagerError::Protocol { what: "a ring that is not sound" };
    let requests = Producer::attach(&hello.region, REQUESTS, RING).map_err(corrupt)?;
    let answers = Consumer::attach(&hello.region, ANSWERS, RING).map_err(corrupt)?;
    let socket = Arc::new(socket);
    let outgoing = RingOutgoing { requests, bell, socket: Arc::clone(&socket), max_frame };
    Ok((Box::new(outgoing), Box::new(RingIncoming { answers, socket })))
}

fn knock(server: u128) -> io::Result<Post> {
    let socket = new_socket(SocketFlags::CLOEXEC)?;
    let name = socket_name(server)?;
    rustix::io::retry_on_intr(|| connect(&socket, &name))?;
    Ok(Post::from(socket))
}

fn wait_for_welcome(
    socket: &Post,
    patience: Duration,
    mut is_alive: impl FnMut() -> bool,
) -> io::Result<Parcel> {
    let deadline = Deadline::after(patience);
    loop {
        match socket.receive_timeout(SLICE) {
            Ok(Some((_, welcome))) => return Ok(welcome),
            Ok(None) => return Err(ErrorKind::NotConnected.into()),
            Err(error) if error.kind() != ErrorKind::TimedOut => return Err(error),
            Err(error) if deadline.is_expired() || !is_alive() => return Err(error),
            Err(_) => {}
        }
    }
}

struct RingOutgoing {
    requests: Producer,
    bell: Bell,
    socket: Arc<Post>,
    max_frame: usize,
}

struct RingIncoming {
    answers: Consumer,
    socket: Arc<Post>,
}

impl Outgoing for RingOutgoing {
    #[inline]
    fn send(&mut self, id: u64, request: &Parcel) -> Result<(), Lost> {
        if request.descriptors().is_empty() && self.requests.try_push(&[request.bytes()]).is_ok() {
            self.bell.ring();
            return Ok(());
        }
        self.send_slow(id, request)
    }

    fn max_frame(&self) -> usize {
        self.max_frame
    }
}

impl RingOutgoing {
    /// There is no room, or the body has to go over the socket.
    #[cold]
    fn send_slow(&mut self, id: u64, request: &Parcel) -> Result<(), Lost> {
        let bytes = request.bytes();
        if bytes.len() <= self.requests.max_frame() && request.descriptors().is_empty() {
            return self.push(bytes);
        }
        let (header, body) = bytes.split_at_checked(REQUEST_HEADER).ok_or(Lost)?;
        let body = Parcel::from_parts(body.to_vec(), request.descriptors().to_vec());
        while let Err(error) = self.socket.send(id, &body) {
            if error.kind() != ErrorKind::WouldBlock {
                return Err(Lost);
            }
            self.bell.ring();
            wait_writable(&self.socket);
        }
        let mut header = header.to_vec();
        header[REQUEST_HEADER - 1] |= SPILLED;
        self.push(&header)
    }

    fn push(&mut self, frame: &[u8]) -> Result<(), Lost> {
        loop {
            match self.requests.try_push(&[frame]) {
                Ok(()) => {
                    self.bell.ring();
                    return Ok(());
                }
                Err(PushError::Full) => self.bell.ring(),
                Err(_) => return Err(Lost),
            }
            let socket = &self.socket;
            let is_alive = || !is_hung_up(socket);
            if self.requests.wait_space(frame.len(), Deadline::NEVER, is_alive) != Waited::Ready {
                return Err(Lost);
            }
        }
    }
}

impl Incoming for RingIncoming {
    #[inline]
    fn receive(&mut self, answer: &mut Vec<u8>) -> Result<(), Lost> {
        while !self.answers.try_pop(answer).map_err(|_| Lost)? {
            let socket = &self.socket;
            if self.answers.wait(Deadline::NEVER, || !is_hung_up(socket)) != Waited::Ready {
                return Err(Lost);
            }
        }
        if answer.get(ANSWER_HEADER - 1).is_some_and(|status| status & SPILLED != 0) {
            self.unspill(answer)?;
        }
        Ok(())
    }
}

impl RingIncoming {
    /// Puts the body of an answer into its place that came over the socket.
    #[cold]
    fn unspill(&self, answer: &mut Vec<u8>) -> Result<(), Lost> {
        let (id, _) = answer.split_first_chunk().ok_or(Lost)?;
        let body = receive_spilled(&self.socket, u64::from_le_bytes(*id)).ok_or(Lost)?;
        answer[ANSWER_HEADER - 1] &= !SPILLED;
        answer.truncate(ANSWER_HEADER);
        answer.extend_from_slice(body.bytes());
        Ok(())
    }
}

fn wait_writable(socket: &Post) {
    let slice = Timespec { tv_sec: 0, tv_nsec: SLICE.subsec_nanos().into() };
    // Whatever it says, the caller tries again.
    let _ = rustix::event::poll(&mut [PollFd::new(socket, PollFlags::OUT)], Some(&slice));
}
