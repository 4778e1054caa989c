//! One packet over a socket of type `SOCK_SEQPACKET`: bytes and descriptors that arrive together.
//!
//! The kernel takes 253 descriptors at once. More travel as a bundle: in packets through a socket
//! of their own, whose receiving end is the one descriptor of the packet proper. Thus a sender
//! killed half-way, a full socket or a receiver without room never leaves a part of something
//! behind: the kernel closes what is in a bundle together with the bundle.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::{Errno, retry_on_intr};
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags,
    SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketFlags, SocketType,
};

/// The kernel's limit of descriptors in one packet (`SCM_MAX_FD`).
pub(crate) const MAX_FDS: usize = 253;

/// Makes two connected sockets.
pub(crate) fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    let kind = SocketType::SEQPACKET;
    Ok(rustix::net::socketpair(AddressFamily::UNIX, kind, SocketFlags::CLOEXEC, None)?)
}

/// Sends a packet with at most [`MAX_FDS`] descriptors. Neither blocks nor raises a signal.
pub(crate) fn send(
    socket: impl AsFd,
    parts: &[IoSlice<'_>],
    fds: &[BorrowedFd<'_>],
) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_FDS))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    if !fds.is_empty() {
        let fits = ancillary.push(SendAncillaryMessage::ScmRights(fds));
        debug_assert!(fits, "space for {MAX_FDS} descriptors");
    }
    let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
    let sent = retry_on_intr(|| rustix::net::sendmsg(&socket, parts, &mut ancillary, flags));
    match sent {
        Ok(_) => Ok(()),
        // A peer that closed before it had read everything, or in this very moment.
        Err(Errno::CONNRESET | Errno::CONNREFUSED | Errno::NOTCONN) => Err(Errno::PIPE.into()),
        Err(errno) => Err(errno.into()),
    }
}

/// Receives a packet into `parts`, and adds its descriptors to `fds`. Returns the number of its
/// bytes; 0 means that the peer is gone, and that nothing it sent is left.
pub(crate) fn receive(
    socket: impl AsFd,
    parts: &mut [IoSliceMut<'_>],
    fds: &mut Vec<OwnedFd>,
    flags: RecvFlags,
) -> io::Result<usize> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_FDS))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let flags = flags | RecvFlags::CMSG_CLOEXEC;
    let received = loop {
        match rustix::net::recvmsg(&socket, parts, &mut ancillary, flags) {
            // A peer that closed before it had read everything. The kernel says so once, and
            // before it hands over what that peer has sent.
            Err(Errno::INTR | Errno::CONNRESET) => {}
            other => break other?,
        }
    };
    for message in ancillary.drain() {
        if let RecvAncillaryMessage::ScmRights(rights) = message {
            fds.extend(rights);
        }
    }
    if received.flags.contains(ReturnFlags::CTRUNC) {
        return Err(Errno::MFILE.into());
    }
    if received.flags.contains(ReturnFlags::TRUNC) {
        return Err(invalid("a packet longer than any of a parcel"));
    }
    Ok(received.bytes)
}

/// Throws the next packet away; the kernel closes what is in it.
pub(crate) fn discard(socket: impl AsFd) -> io::Result<()> {
    let receive = || rustix::net::recv(&socket, &mut [0_u8; 0], RecvFlags::DONTWAIT);
    retry_on_intr(receive)?;
    Ok(())
}

/// Puts any number of descriptors into a socket, and returns the end at which they come out.
pub(crate) fn bundle(fds: &[BorrowedFd<'_>]) -> io::Result<OwnedFd> {
    let (entrance, exit) = pair()?;
    for fds in fds.chunks(MAX_FDS) {
        send(&entrance, &[IoSlice::new(&[0])], fds).map_err(|error| match error.kind() {
            // Nobody reads it before it is sent: to wait and try again would be in vain.
            io::ErrorKind::WouldBlock => Errno::TOOMANYREFS.into(),
            _ => error,
        })?;
    }
    Ok(exit)
}

/// Takes `count` descriptors out of a bundle, or fewer if there are not as many.
pub(crate) fn unbundle(exit: &OwnedFd, count: usize) -> io::Result<Vec<OwnedFd>> {
    let mut fds = Vec::new();
    while fds.len() < count {
        let known = fds.len();
        let mut byte = [0];
        let mut parts = [IoSliceMut::new(&mut byte)];
        // All of it was there before the bundle was sent, so nothing is waited for.
        match receive(exit, &mut parts, &mut fds, RecvFlags::DONTWAIT) {
            Err(error) if Errno::from_io_error(&error) == Some(Errno::MFILE) => return Err(error),
            Err(_) => break,
            Ok(_) => {}
        }
        if fds.len() == known {
            break;
        }
    }
    Ok(fds)
}

pub(crate) fn invalid(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
