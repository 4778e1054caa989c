//! Endpoints of the crate `ipc-channel` as arguments and results.
//!
//! They travel only in messages of that crate, which shows nobody their descriptors. So an
//! endpoint is sent to ourselves, by that crate's own bootstrap, and caught as it is on the wire:
//! one packet of bytes and descriptors, which travels as any. Where it arrives, the packet is put
//! on a wire of the same kind. Nothing here waits for another process.

use std::ffi::OsStr;
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::{env, fs, process};

use ipc_channel::ipc::{
    IpcBytesReceiver, IpcBytesSender, IpcOneShotServer, IpcReceiver, IpcSender, IpcSharedMemory,
    OpaqueIpcReceiver, OpaqueIpcSender,
};
use mp_handle::Descriptor;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketAddrUnix, SocketFlags, SocketType, socket_with,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::panic::catch_panic;

/// Lets an endpoint of the crate `ipc-channel` travel: as an argument or result of a process, or
/// inside any message of this library.
///
/// A receiver moves: the one that was sent can receive nothing any more, even if the process could
/// not be started. Senders and shared memory are copied. Once there they are what that crate makes
/// of them: it neither notices nor survives the death of a peer as this library's own channels do.
/// On the way, a socket has a name in the directory for temporary files, for a moment.
///
/// # Examples
///
/// ```
/// use ipc_channel::ipc::{self, IpcSender};
/// use mp_process::Ipc;
///
/// fn answer(to: Ipc<IpcSender<u32>>) {
///     to.into_inner().send(42).unwrap();
/// }
///
/// mp_process::init();
/// let (sender, receiver) = ipc::channel()?;
/// mp_process::spawn(answer, (Ipc::new(sender),))?.join()?;
/// assert_eq!(receiver.recv().unwrap(), 42);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Ipc<T> {
    endpoint: T,
}

impl<T: IpcEndpoint> Ipc<T> {
    /// Wraps an endpoint.
    pub fn new(endpoint: T) -> Self {
        Self { endpoint }
    }

    /// Returns the endpoint.
    pub fn into_inner(self) -> T {
        self.endpoint
    }
}

/// What [`Ipc`] can carry: the endpoints of `ipc-channel`, and nothing else.
pub trait IpcEndpoint: Serialize + DeserializeOwned + sealed::Sealed {}

impl<T: Serialize + DeserializeOwned + sealed::Sealed> IpcEndpoint for T {}

mod sealed {
    use super::*;

    /// Sealed, since a message that is long would block the one who sends it to himself.
    pub trait Sealed {}
    impl<T> Sealed for IpcSender<T> {}
    impl<T> Sealed for IpcReceiver<T> {}
    impl Sealed for IpcBytesSender {}
    impl Sealed for IpcBytesReceiver {}
    impl Sealed for OpaqueIpcSender {}
    impl Sealed for OpaqueIpcReceiver {}
    impl Sealed for IpcSharedMemory {}
}

impl<T: IpcEndpoint> Serialize for Ipc<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        catch(&self.endpoint).map_err(serde::ser::Error::custom)?.serialize(serializer)
    }
}

impl<'de, T: IpcEndpoint> Deserialize<'de> for Ipc<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let packet = Packet::deserialize(deserializer)?;
        // That crate panics for some of what it does not understand.
        let replayed = catch_panic(|| replay(&packet));
        match replayed {
            Ok(endpoint) => endpoint.map(Self::new).map_err(serde::de::Error::custom),
            Err(panic) => Err(serde::de::Error::custom(panic)),
        }
    }
}

/// A message of that crate, as it is on the wire.
#[derive(Serialize, Deserialize)]
struct Packet {
    bytes: Vec<u8>,
    descriptors: Vec<Descriptor>,
}

/// More than an endpoint takes.
const BYTES_MAX: usize = 4096;
const FDS_MAX: usize = 4;

impl Packet {
    /// Whether it is a message of one packet. Of any other, that crate would wait for the rest.
    fn is_whole(&self) -> bool {
        const WORD: usize = size_of::<usize>();
        let word = |at: usize| {
            let bytes = self.bytes.get(at..at + WORD)?;
            Some(usize::from_ne_bytes(bytes.try_into().ok()?))
        };
        let len = self.bytes.len();
        len <= BYTES_MAX
            && self.descriptors.len() <= FDS_MAX
            && word(0) == Some(len)
            && word(WORD) == len.checked_sub(2 * WORD)
    }
}

/// Sends an endpoint to ourselves, and returns what came.
fn catch<T: IpcEndpoint>(endpoint: &T) -> io::Result<Packet> {
    let place = Place::new()?;
    let listener = socket()?;
    rustix::net::bind(&listener, &place.address()?)?;
    rustix::net::listen(&listener, 1)?;
    let path = place.socket();
    let name = path.to_str().ok_or(io::ErrorKind::InvalidFilename)?;
    let sender = IpcSender::<&T>::connect(name.to_owned())?;
    let wire = rustix::net::accept_with(&listener, SocketFlags::CLOEXEC)?;
    sender.send(endpoint).map_err(io::Error::other)?;
    let packet = receive(&wire)?;
    if !packet.is_whole() {
        return Err(io::Error::other("this version of ipc-channel sends endpoints otherwise"));
    }
    Ok(packet)
}

/// Sends what came to that crate, which makes an endpoint of it.
fn replay<T: IpcEndpoint>(packet: &Packet) -> io::Result<T> {
    if !packet.is_whole() {
        return Err(io::Error::other("no message of ipc-channel"));
    }
    let (server, name) = IpcOneShotServer::<T>::new()?;
    let wire = socket()?;
    rustix::net::connect(&wire, &SocketAddrUnix::new(name)?)?;
    send(&wire, packet)?;
    let (_, endpoint) = server.accept().map_err(io::Error::other)?;
    Ok(endpoint)
}

fn socket() -> io::Result<OwnedFd> {
    let kind = SocketType::SEQPACKET;
    Ok(socket_with(AddressFamily::UNIX, kind, SocketFlags::CLOEXEC, None)?)
}

fn send(wire: &OwnedFd, packet: &Packet) -> io::Result<()> {
    let fds: Vec<BorrowedFd<'_>> = packet.descriptors.iter().map(AsFd::as_fd).collect();
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(FDS_MAX))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    if !fds.is_empty() {
        ancillary.push(SendAncillaryMessage::ScmRights(&fds));
    }
    let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
    rustix::net::sendmsg(wire, &[IoSlice::new(&packet.bytes)], &mut ancillary, flags)?;
    Ok(())
}

fn receive(wire: &OwnedFd) -> io::Result<Packet> {
    let mut bytes = vec![0; BYTES_MAX];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(FDS_MAX))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let flags = RecvFlags::DONTWAIT | RecvFlags::CMSG_CLOEXEC;
    let parts = &mut [IoSliceMut::new(&mut bytes)];
    let received = rustix::net::recvmsg(wire, parts, &mut ancillary, flags)?;
    bytes.truncate(received.bytes);
    let mut descriptors = Vec::new();
    for message in ancillary.drain() {
        if let RecvAncillaryMessage::ScmRights(rights) = message {
            descriptors.extend(rights.map(Descriptor::from));
        }
    }
    Ok(Packet { bytes, descriptors })
}

/// A directory that nobody else may enter, with room for a socket.
struct Place(PathBuf);

impl Place {
    fn new() -> io::Result<Self> {
        use std::os::unix::fs::DirBuilderExt;
        static MADE: AtomicU32 = AtomicU32::new(0);
        loop {
            let number = MADE.fetch_add(1, Ordering::Relaxed);
            let path = env::temp_dir().join(format!("mp-ipc-{}-{number}", process::id()));
            match fs::DirBuilder::new().mode(0o700).create(&path) {
                // What another process of this number has left behind.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                made => return made.map(|()| Self(path)),
            }
        }
    }

    fn socket(&self) -> PathBuf {
        self.0.join("s")
    }

    fn address(&self) -> io::Result<SocketAddrUnix> {
        let path: &Path = &self.socket();
        let bytes: &OsStr = path.as_os_str();
        Ok(SocketAddrUnix::new(bytes.as_bytes())?)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // Nobody but us could have taken either away.
        let _ = fs::remove_file(self.socket());
        let _ = fs::remove_dir(&self.0);
    }
}
