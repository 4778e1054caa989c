//! Parcels over a socket.
//!
//! The socket is of type `SOCK_SEQPACKET`: a packet arrives whole or not at all, so that a sender
//! killed half-way leaves nothing behind. Up to [`INLINE`] bytes ride in the packet; more ride in
//! a sealed memfd, so that a small socket buffer never blocks the sender. More descriptors than
//! the kernel takes at once (253) follow in packets of their own.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags,
    SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketFlags, SocketType,
};

use crate::descriptor::Descriptor;
use crate::parcel::Parcel;
use crate::sealed::SealedBytes;

/// Bytes of a parcel that ride in the packet itself.
const INLINE: usize = 16 << 10;
/// The kernel's limit of descriptors in one packet (`SCM_MAX_FD`).
const FDS_PER_PACKET: usize = 253;
const HEADER: usize = 24;

/// What stands before the bytes of each packet.
#[derive(Clone, Copy)]
struct Header {
    tag: u64,
    len: u64,
    /// Descriptors still to come, those of this packet included.
    descriptors: u32,
    in_memfd: u32,
}

impl Header {
    fn to_bytes(self) -> [u8; HEADER] {
        let mut bytes = [0; HEADER];
        bytes[..8].copy_from_slice(&self.tag.to_ne_bytes());
        bytes[8..16].copy_from_slice(&self.len.to_ne_bytes());
        bytes[16..20].copy_from_slice(&self.descriptors.to_ne_bytes());
        bytes[20..].copy_from_slice(&self.in_memfd.to_ne_bytes());
        bytes
    }

    fn from_bytes(bytes: [u8; HEADER]) -> Self {
        let word = |at: usize| u64::from_ne_bytes(std::array::from_fn(|i| bytes[at + i]));
        let half = |at: usize| u32::from_ne_bytes(std::array::from_fn(|i| bytes[at + i]));
        Self { tag: word(0), len: word(8), descriptors: half(16), in_memfd: half(20) }
    }
}

/// One end of a private, connected pair of sockets that carries [`Parcel`]s with a tag each.
///
/// # Examples
///
/// ```
/// use mp_handle::{Parcel, Post};
///
/// let (ours, theirs) = Post::pair()?;
/// ours.send(7, &Parcel::encode("hello")?)?;
/// let (tag, parcel) = theirs.receive()?.expect("the other end is open");
/// assert_eq!((tag, parcel.decode::<String>()?.as_str()), (7, "hello"));
/// drop(ours);
/// assert!(theirs.receive()?.is_none());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Post {
    socket: OwnedFd,
}

impl Post {
    /// Makes two connected ends.
    ///
    /// # Errors
    ///
    /// The system's error from socketpair(2), for example for want of descriptors.
    pub fn pair() -> io::Result<(Self, Self)> {
        let (one, other) = rustix::net::socketpair(
            AddressFamily::UNIX,
            SocketType::SEQPACKET,
            SocketFlags::CLOEXEC,
            None,
        )?;
        Ok((Self { socket: one }, Self { socket: other }))
    }

    /// Sends a parcel. Never blocks.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::WouldBlock`] if the other side has left so much unread that nothing more
    /// fits, [`io::ErrorKind::BrokenPipe`] if it is gone, or the system's error if memory or
    /// descriptors are not to be had.
    pub fn send(&self, tag: u64, parcel: &Parcel) -> io::Result<()> {
        let bytes = parcel.bytes();
        let in_memfd = bytes.len() > INLINE;
        let spill = if in_memfd { Some(SealedBytes::create(bytes)?) } else { None };
        let fds: Vec<BorrowedFd<'_>> = (spill.iter().map(AsFd::as_fd))
            .chain(parcel.descriptors().iter().map(AsFd::as_fd))
            .collect();
        let header = Header {
            tag,
            len: bytes.len() as u64,
            descriptors: u32::try_from(fds.len()).map_err(io::Error::other)?,
            in_memfd: u32::from(in_memfd),
        };
        let inline = if in_memfd { &[][..] } else { bytes };
        let first = fds.len().min(FDS_PER_PACKET);
        self.send_packet(header, inline, &fds[..first])?;
        for (i, fds) in fds[first..].chunks(FDS_PER_PACKET).enumerate() {
            let sent = (first + i * FDS_PER_PACKET) as u32;
            let header = Header { descriptors: header.descriptors - sent, ..header };
            self.send_packet(header, &[], fds)?;
        }
        Ok(())
    }

    fn send_packet(&self, header: Header, bytes: &[u8], fds: &[BorrowedFd<'_>]) -> io::Result<()> {
        let header = header.to_bytes();
        let parts = [IoSlice::new(&header), IoSlice::new(bytes)];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(FDS_PER_PACKET))];
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        if !fds.is_empty() {
            let fits = ancillary.push(SendAncillaryMessage::ScmRights(fds));
            debug_assert!(fits, "space for 253 descriptors");
        }
        let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
        rustix::io::retry_on_intr(|| {
            rustix::net::sendmsg(&self.socket, &parts, &mut ancillary, flags)
        })?;
        Ok(())
    }

    /// Waits for the next parcel. `None` means that the other side is gone, and that nothing it
    /// sent is left.
    ///
    /// # Errors
    ///
    /// The system's error, among them [`rustix::io::Errno::MFILE`] if this process has no room
    /// for the descriptors of the parcel; or [`io::ErrorKind::InvalidData`] if what arrived is
    /// no parcel.
    pub fn receive(&self) -> io::Result<Option<(u64, Parcel)>> {
        self.receive_with(RecvFlags::empty())
    }

    /// Takes the next parcel if it is there already; [`io::ErrorKind::WouldBlock`] if not.
    ///
    /// # Errors
    ///
    /// As [`receive`](Self::receive).
    pub fn try_receive(&self) -> io::Result<Option<(u64, Parcel)>> {
        self.receive_with(RecvFlags::DONTWAIT)
    }

    fn receive_with(&self, flags: RecvFlags) -> io::Result<Option<(u64, Parcel)>> {
        let mut fds = Vec::new();
        let Some((header, bytes)) = self.receive_packet(flags, &mut fds)? else {
            return Ok(None);
        };
        while fds.len() < header.descriptors as usize {
            let known = fds.len();
            let more = self.receive_packet(RecvFlags::empty(), &mut fds)?;
            if more.is_none() || fds.len() == known {
                return Err(invalid("a parcel without all of its descriptors"));
            }
        }
        let mut fds = fds.into_iter();
        let spill = if header.in_memfd == 0 { None } else { fds.next() };
        let len = usize::try_from(header.len).map_err(|_| invalid("a parcel of absurd length"))?;
        let sealed = spill.map(|fd| SealedBytes::open(fd, len)).transpose()?;
        let descriptors = fds.map(Descriptor::from).collect();
        Ok(Some((
            header.tag,
            match sealed {
                Some(sealed) => Parcel::from_sealed(sealed, descriptors),
                None if bytes.len() == len => Parcel::from_parts(bytes, descriptors),
                None => return Err(invalid("a parcel shorter than announced")),
            },
        )))
    }

    /// Receives one packet, and adds its descriptors to `fds`.
    fn receive_packet(
        &self,
        flags: RecvFlags,
        fds: &mut Vec<OwnedFd>,
    ) -> io::Result<Option<(Header, Vec<u8>)>> {
        let mut header = [0; HEADER];
        let mut bytes = vec![0; INLINE];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(FDS_PER_PACKET))];
        let mut ancillary = RecvAncillaryBuffer::new(&mut space);
        let flags = flags | RecvFlags::CMSG_CLOEXEC;
        let received = rustix::io::retry_on_intr(|| {
            let mut parts = [IoSliceMut::new(&mut header), IoSliceMut::new(&mut bytes)];
            rustix::net::recvmsg(&self.socket, &mut parts, &mut ancillary, flags)
        });
        let received = match received {
            Err(Errno::CONNRESET) => return Ok(None),
            other => other?,
        };
        for message in ancillary.drain() {
            if let RecvAncillaryMessage::ScmRights(rights) = message {
                fds.extend(rights);
            }
        }
        if received.bytes == 0 {
            return Ok(None);
        }
        if received.flags.contains(ReturnFlags::CTRUNC) {
            return Err(Errno::MFILE.into());
        }
        if received.bytes < HEADER || received.flags.contains(ReturnFlags::TRUNC) {
            return Err(invalid("a packet that is no parcel"));
        }
        bytes.truncate(received.bytes - HEADER);
        Ok(Some((Header::from_bytes(header), bytes)))
    }
}

impl From<OwnedFd> for Post {
    /// Takes an end that another process was given.
    fn from(socket: OwnedFd) -> Self {
        Self { socket }
    }
}

impl From<Post> for OwnedFd {
    fn from(post: Post) -> Self {
        post.socket
    }
}

impl AsFd for Post {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

fn invalid(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
