//! Parcels over a socket.
//!
//! The socket is of type `SOCK_SEQPACKET`, and each parcel is one packet: it arrives whole or not
//! at all, so that a sender killed half-way leaves nothing behind. Up to [`INLINE`] bytes ride in
//! the packet; more ride in a sealed memfd, so that a small socket buffer never blocks the sender.
//! More descriptors than the kernel takes at once ride in bundles.

use std::cell::RefCell;
use std::io::{self, IoSlice, IoSliceMut};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::net::RecvFlags;

use crate::deadline::Deadline;
use crate::descriptor::Descriptor;
use crate::packet::{self, invalid};
use crate::parcel::Parcel;
use crate::readable::wait_readable;
use crate::sealed::SealedBytes;

/// Bytes of a parcel that ride in the packet itself.
const INLINE: usize = 16 << 10;
const HEADER: usize = 24;

/// What stands before the bytes of each packet.
#[derive(Clone, Copy)]
struct Header {
    tag: u64,
    len: u64,
    /// The descriptors of the parcel, that of the memfd included.
    descriptors: u32,
    /// 1 if the bytes are in a memfd, which is then the first descriptor; 0 if in the packet.
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
    /// The most descriptors that one packet can bring along, that of bytes in a memfd included.
    pub const MAX_DESCRIPTORS: usize = packet::MAX_BUNDLED;

    /// Makes two connected ends.
    ///
    /// # Errors
    ///
    /// The system's error from socketpair(2), for example for want of descriptors.
    pub fn pair() -> io::Result<(Self, Self)> {
        let (one, other) = packet::pair()?;
        Ok((Self { socket: one }, Self { socket: other }))
    }

    /// Sends a parcel, or nothing if it fails. Never blocks.
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
        let header = header.to_bytes();
        let inline = if in_memfd { &[][..] } else { bytes };
        let parts = [IoSlice::new(&header), IoSlice::new(inline)];
        if fds.len() <= packet::MAX_FDS {
            return packet::send(&self.socket, &parts, &fds);
        }
        let bundles = packet::bundle(&fds)?;
        let bundles: Vec<BorrowedFd<'_>> = bundles.iter().map(AsFd::as_fd).collect();
        packet::send(&self.socket, &parts, &bundles)
    }

    /// Waits for the next parcel. `None` means that the other side is gone, and that nothing it
    /// sent is left.
    ///
    /// # Errors
    ///
    /// The system's error, among them [`rustix::io::Errno::MFILE`] if this process has no room
    /// for the descriptors of the parcel; or [`io::ErrorKind::InvalidData`] if what arrived is
    /// no parcel. What arrived is then gone, and closed; the next parcel is not affected.
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

    /// Waits for the next parcel, but no longer than `timeout`; then
    /// [`io::ErrorKind::TimedOut`].
    ///
    /// # Errors
    ///
    /// As [`receive`](Self::receive).
    pub fn receive_timeout(&self, timeout: Duration) -> io::Result<Option<(u64, Parcel)>> {
        if !wait_readable(&self.socket, Deadline::after(timeout)) {
            return Err(io::ErrorKind::TimedOut.into());
        }
        self.try_receive()
    }

    /// Takes a copy of the next parcel, which stays where it is, if there is one;
    /// [`io::ErrorKind::WouldBlock`] if not. Its descriptors are duplicates.
    ///
    /// To peek, act, and only then [`discard`](Self::discard) leaves the parcel to the next one
    /// who looks if this process is killed before it has acted.
    ///
    /// # Errors
    ///
    /// As [`receive`](Self::receive); the parcel stays in any case.
    ///
    /// # Examples
    ///
    /// ```
    /// use mp_handle::{Parcel, Post};
    ///
    /// let (ours, theirs) = Post::pair()?;
    /// ours.send(7, &Parcel::encode("hello")?)?;
    /// for _ in 0..2 {
    ///     let (tag, parcel) = theirs.peek()?.expect("the other end is open");
    ///     assert_eq!((tag, parcel.decode::<String>()?.as_str()), (7, "hello"));
    /// }
    /// theirs.discard()?;
    /// assert_eq!(theirs.peek().unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn peek(&self) -> io::Result<Option<(u64, Parcel)>> {
        self.receive_with(RecvFlags::DONTWAIT | RecvFlags::PEEK)
    }

    /// Throws the next parcel away, without taking its descriptors; does nothing if there is none.
    ///
    /// # Errors
    ///
    /// The system's error from recv(2).
    pub fn discard(&self) -> io::Result<()> {
        match packet::discard(&self.socket) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
            result => result,
        }
    }

    fn receive_with(&self, flags: RecvFlags) -> io::Result<Option<(u64, Parcel)>> {
        let mut header = [0; HEADER];
        let mut fds = Vec::new();
        let (received, bytes) = with_room(|room| {
            let mut parts = [IoSliceMut::new(&mut header), IoSliceMut::new(room)];
            let received = packet::receive(&self.socket, &mut parts, &mut fds, flags)?;
            Ok::<_, io::Error>((received, room[..received.saturating_sub(HEADER)].to_vec()))
        })?;
        if received == 0 && fds.is_empty() {
            return Ok(None);
        }
        if received < HEADER {
            return Err(invalid("a packet too short"));
        }
        let header = Header::from_bytes(header);
        let count = header.descriptors as usize;
        if count > packet::MAX_FDS && fds.len() == count.div_ceil(packet::MAX_FDS) {
            fds = packet::unbundle(&fds)?;
        }
        if fds.len() != count {
            return Err(invalid("a parcel without all of its descriptors"));
        }
        Ok(Some((header.tag, open(&header, bytes, fds)?)))
    }
}

thread_local! {
    /// Where this thread receives packets.
    static ROOM: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Gives `work` room for what the longest packet carries. Most are short, but to ask the kernel for
/// the length first would cost half of a call to receive it.
fn with_room<R>(work: impl FnOnce(&mut [u8]) -> R) -> R {
    // At the end of a thread its room may be gone already.
    let mut room = ROOM.try_with(RefCell::take).unwrap_or_default();
    room.resize(INLINE, 0);
    let result = work(&mut room);
    let _ = ROOM.try_with(|kept| kept.replace(room));
    result
}

/// Puts a parcel together from what has arrived.
fn open(header: &Header, bytes: Vec<u8>, fds: Vec<OwnedFd>) -> io::Result<Parcel> {
    let len = usize::try_from(header.len).map_err(|_| invalid("a parcel of absurd length"))?;
    let mut fds = fds.into_iter();
    if header.in_memfd == 0 {
        if bytes.len() != len {
            return Err(invalid("a parcel of another length than announced"));
        }
        return Ok(Parcel::from_parts(bytes, fds.map(Descriptor::from).collect()));
    }
    let memfd = fds.next().ok_or_else(|| invalid("a parcel without its bytes"))?;
    let sealed = SealedBytes::open(memfd, len)?;
    Ok(Parcel::from_sealed(sealed, fds.map(Descriptor::from).collect()))
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
