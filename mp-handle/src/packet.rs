//! One packet over a socket of type `SOCK_SEQPACKET`: bytes and descriptors that arrive together.
//!
//! The kernel takes 253 descriptors at once. More travel in bundles: each is a socket with one packet
//! in it, and the packet proper carries these sockets. Thus a sender killed half-way, a full socket
//! or a receiver without room never leaves a part of something behind: the kernel closes what is in
//! a bundle together with the bundle. And who only looks finds copies of all, and takes nothing out.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::{Errno, retry_on_intr};
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags,
    SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketFlags, SocketType,
};

use crate::streams::clear_of_streams;

/// The kernel's limit of descriptors in one packet (`SCM_MAX_FD`).
pub(crate) const MAX_FDS: usize = 253;

/// As many bundles as one packet carries.
pub(crate) const MAX_BUNDLED: usize = MAX_FDS * MAX_FDS;

/// Makes two connected sockets.
pub(crate) fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    let kind = SocketType::SEQPACKET;
    let (one, other) =
        rustix::net::socketpair(AddressFamily::UNIX, kind, SocketFlags::CLOEXEC, None)?;
    Ok((clear_of_streams(one)?, clear_of_streams(other)?))
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
            for fd in rights {
                fds.push(clear_of_streams(fd)?);
            }
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

/// Puts descriptors into sockets, as many as are needed, and returns the ends at which they come out.
pub(crate) fn bundle(fds: &[BorrowedFd<'_>]) -> io::Result<Vec<OwnedFd>> {
    if fds.len() > MAX_BUNDLED {
        return Err(Errno::TOOMANYREFS.into());
    }
    let bundle = |fds: &[BorrowedFd<'_>]| {
        let (entrance, exit) = pair()?;
        send(&entrance, &[IoSlice::new(&[0])], fds)?;
        Ok(exit)
    };
    fds.chunks(MAX_FDS).map(bundle).collect()
}

/// Returns copies of what is in bundles, in order; of less if one of them is no bundle.
pub(crate) fn unbundle(bundles: &[OwnedFd]) -> io::Result<Vec<OwnedFd>> {
    let mut fds = Vec::new();
    for bundle in bundles {
        let mut byte = [0];
        let mut parts = [IoSliceMut::new(&mut byte)];
        // It was there before the bundle was sent, so nothing is waited for.
        match receive(bundle, &mut parts, &mut fds, RecvFlags::DONTWAIT | RecvFlags::PEEK) {
            Err(error) if Errno::from_io_error(&error) == Some(Errno::MFILE) => return Err(error),
            Err(_) => break,
            Ok(_) => {}
        }
    }
    Ok(fds)
}

pub(crate) fn invalid(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
