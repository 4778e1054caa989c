//! Packets that no [`Post`] sends: each is an error, and the parcel behind it arrives.

use std::fs::File;
use std::io::{ErrorKind, IoSlice};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use mp_handle::{Descriptor, Parcel, Post};
use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, ftruncate, memfd_create};
use rustix::io::pwrite;
use rustix::net::{
    AddressFamily, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketFlags, SocketType,
    sendmsg, socketpair,
};

const SEALS: SealFlags =
    SealFlags::WRITE.union(SealFlags::SHRINK).union(SealFlags::GROW).union(SealFlags::SEAL);

/// A post, and the socket of a peer gone mad.
struct Mad {
    post: Post,
    peer: Post,
}

impl Mad {
    fn new() -> Mad {
        let (post, peer) = Post::pair().unwrap();
        Mad { post, peer }
    }

    fn send(&self, packet: &[u8], fds: &[BorrowedFd<'_>]) {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(8))];
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        assert!(fds.is_empty() || ancillary.push(SendAncillaryMessage::ScmRights(fds)));
        let parts = [IoSlice::new(packet)];
        sendmsg(&self.peer, &parts, &mut ancillary, SendFlags::DONTWAIT).unwrap();
    }

    /// Sends the packet, and expects it to be refused, and the next to be received.
    #[track_caller]
    fn refused(&self, packet: &[u8], fds: &[BorrowedFd<'_>]) {
        self.send(packet, fds);
        self.peer.send(1, &Parcel::encode("next").unwrap()).unwrap();
        let error = self.post.receive().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidData, "{error}");
        let (tag, parcel) = self.post.receive().unwrap().unwrap();
        assert_eq!((tag, parcel.decode::<String>().unwrap().as_str()), (1, "next"));
    }
}

/// The header of a packet, with bytes behind it.
fn packet(len: u64, descriptors: u32, in_memfd: u32, bytes: &[u8]) -> Vec<u8> {
    let mut packet = 7u64.to_ne_bytes().to_vec();
    packet.extend(len.to_ne_bytes());
    packet.extend(descriptors.to_ne_bytes());
    packet.extend(in_memfd.to_ne_bytes());
    packet.extend(bytes);
    packet
}

fn memfd(bytes: &[u8], seals: SealFlags) -> OwnedFd {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let memfd = memfd_create("test", flags).unwrap();
    assert_eq!(pwrite(&memfd, bytes, 0), Ok(bytes.len()));
    fcntl_add_seals(&memfd, seals).unwrap();
    memfd
}

/// Sends `fd` as that in which `len` bytes are.
#[track_caller]
fn refused_as_memfd(fd: impl AsFd, len: u64) {
    Mad::new().refused(&packet(len, 1, 1, &[]), &[fd.as_fd()]);
}

#[test]
fn the_packets_here_are_understood() {
    let mad = Mad::new();
    mad.send(&packet(3, 0, 0, &[1, 2, 3]), &[]);
    let (tag, parcel) = mad.post.receive().unwrap().unwrap();
    assert_eq!((tag, parcel.bytes()), (7, &[1, 2, 3][..]));
    let memfd = memfd(b"bytes", SEALS);
    mad.send(&packet(5, 1, 1, &[]), &[memfd.as_fd()]);
    let (_, parcel) = mad.post.receive().unwrap().unwrap();
    assert_eq!(parcel.bytes(), b"bytes");
}

#[test]
fn packets_too_short_and_too_long() {
    let mad = Mad::new();
    for len in [1, 8, 23, 24 + (16 << 10) + 1, 60_000] {
        mad.refused(&vec![0xA5; len], &[]);
    }
    mad.refused(&packet(16 << 10, 0, 0, &[7; (16 << 10) + 1]), &[]);
    let file = File::open("/dev/null").unwrap();
    mad.refused(&[], &[file.as_fd()]);
    mad.refused(&[0; 23], &[file.as_fd()]);
}

#[test]
fn lengths_that_are_not_true() {
    let mad = Mad::new();
    for len in [0, 2, 4, 1 << 40, u64::MAX] {
        mad.refused(&packet(len, 0, 0, b"abc"), &[]);
    }
    for len in [0, 1, 1 << 40, u64::MAX] {
        mad.refused(&packet(len, 0, 1, &[]), &[]);
    }
}

#[test]
fn descriptors_that_are_not_there() {
    let mad = Mad::new();
    let file = File::open("/dev/null").unwrap();
    for count in [1, 2, 253, 254, 600, u32::MAX] {
        mad.refused(&packet(0, count, 0, &[]), &[]);
        mad.refused(&packet(0, count, 0, &[]), &[file.as_fd(), file.as_fd(), file.as_fd()]);
    }
    mad.refused(&packet(0, 0, 0, &[]), &[file.as_fd()]);
    mad.refused(&packet(0, 254, 0, &[]), &[file.as_fd()]);
}

#[test]
fn a_bundle_without_an_end_is_not_waited_for() {
    let mad = Mad::new();
    for kind in [SocketType::SEQPACKET, SocketType::STREAM, SocketType::DGRAM] {
        let flags = SocketFlags::CLOEXEC;
        let (kept, given) = socketpair(AddressFamily::UNIX, kind, flags, None).unwrap();
        rustix::net::send(&kept, b"x", SendFlags::empty()).unwrap();
        mad.refused(&packet(0, 254, 0, &[]), &[given.as_fd()]);
        mad.refused(&packet(0, u32::MAX, 0, &[]), &[given.as_fd()]);
    }
}

#[test]
fn what_somebody_could_still_change_is_not_mapped() {
    refused_as_memfd(memfd(b"bytes", SealFlags::empty()), 5);
    refused_as_memfd(memfd(b"bytes", SEALS.difference(SealFlags::WRITE)), 5);
    refused_as_memfd(memfd(b"bytes", SEALS.difference(SealFlags::SHRINK)), 5);
    refused_as_memfd(memfd(b"bytes", SEALS.difference(SealFlags::SEAL)), 5);
    refused_as_memfd(memfd(b"bytes", SealFlags::FUTURE_WRITE | SealFlags::SHRINK), 5);
}

#[test]
fn what_is_no_memory_is_not_mapped() {
    refused_as_memfd(File::open("/proc/self/exe").unwrap(), 5);
    refused_as_memfd(File::open("/dev/zero").unwrap(), 5);
    refused_as_memfd(File::open("/").unwrap(), 5);
    refused_as_memfd(std::io::pipe().unwrap().0, 5);
    refused_as_memfd(Post::pair().unwrap().0, 5);
}

/// Pages of such a file can be missing when they are touched, which is a SIGBUS.
#[test]
fn huge_pages_are_not_mapped() {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING | MemfdFlags::HUGETLB;
    let Ok(memfd) = memfd_create("test", flags) else { return };
    if ftruncate(&memfd, 1 << 30).is_ok() {
        fcntl_add_seals(&memfd, SEALS).unwrap();
        refused_as_memfd(memfd, 5);
    }
}

#[test]
fn a_memfd_shorter_than_announced_is_not_mapped() {
    for len in [6, 4096, 4097, 1 << 40, u64::MAX] {
        refused_as_memfd(memfd(b"bytes", SEALS), len);
    }
}

/// Its pages would be made when they are read, at the receiver's cost.
#[test]
fn a_memfd_with_holes_is_not_mapped() {
    let memfd = memfd(b"bytes", SealFlags::empty());
    ftruncate(&memfd, 1 << 40).unwrap();
    fcntl_add_seals(&memfd, SEALS).unwrap();
    refused_as_memfd(memfd, 1 << 40);
}

#[test]
fn noise() {
    let mad = Mad::new();
    let file = File::open("/dev/null").unwrap();
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let mut random = |below: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % below
    };
    for _ in 0..5000 {
        let len = 1 + random(64);
        let bytes: Vec<u8> = (0..len).map(|_| random(256) as u8 & random(256) as u8).collect();
        mad.send(&bytes, &vec![file.as_fd(); random(4) as usize]);
        if let Ok(received) = mad.post.receive() {
            let (_, parcel) = received.unwrap();
            let _ = parcel.decode::<(Vec<Descriptor>, String)>();
        }
    }
    mad.refused(&[0], &[]);
}
