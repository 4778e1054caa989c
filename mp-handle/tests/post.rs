//! Parcels over a socket: whole, in order, and never a wait for a peer that does not read.

use std::io::ErrorKind;
use std::os::fd::{AsFd, OwnedFd};
use std::thread;
use std::time::{Duration, Instant};

use mp_handle::{Descriptor, Parcel, Post};
use rustix::io::{FdFlags, fcntl_getfd};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

#[path = "common/handles.rs"]
mod handles;
use handles::{number_of, numbered};

/// Bytes up to which a parcel rides in the packet.
const INLINE: usize = 16 << 10;

fn bytes(len: usize) -> Parcel {
    let mut parcel = Parcel::new();
    parcel.push_bytes(&(0..len).map(|i| (i % 251) as u8).collect::<Vec<_>>());
    parcel
}

fn handles(count: u64) -> Parcel {
    Parcel::encode(&(0..count).map(numbered).collect::<Vec<_>>()).unwrap()
}

/// Makes room for many descriptors, here and on the way.
fn raise_limit() {
    let maximum = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).unwrap();
}

/// Receives a parcel of [`handles`], and tells how many it has.
fn receive_handles(post: &Post) -> u64 {
    let (_, parcel) = post.receive().unwrap().unwrap();
    let arrived: Vec<Descriptor> = parcel.decode().unwrap();
    for (i, handle) in arrived.iter().enumerate() {
        assert_eq!(number_of(handle), i as u64);
        assert_eq!(fcntl_getfd(handle), Ok(FdFlags::CLOEXEC));
    }
    arrived.len() as u64
}

/// Sends tags from 0 on until the socket is full, and returns how many it took.
fn fill(post: &Post) -> u64 {
    let mut sent = 0;
    loop {
        match post.send(sent, &Parcel::new()) {
            Ok(()) => sent += 1,
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::WouldBlock);
                return sent;
            }
        }
    }
}

#[test]
fn smoke() {
    let (ours, theirs) = Post::pair().unwrap();
    ours.send(5, &Parcel::encode(&("handle", numbered(1))).unwrap()).unwrap();
    theirs.send(6, &Parcel::encode(&7u8).unwrap()).unwrap();
    let (tag, parcel) = theirs.receive().unwrap().unwrap();
    let (text, handle): (String, Descriptor) = parcel.decode().unwrap();
    assert_eq!((tag, text.as_str(), number_of(handle)), (5, "handle", 1));
    let (tag, parcel) = ours.receive().unwrap().unwrap();
    assert_eq!((tag, parcel.decode::<u8>().unwrap()), (6, 7));
}

#[test]
fn order_and_tags_are_kept() {
    let (ours, theirs) = Post::pair().unwrap();
    let tags = [0, u64::MAX, 1, 1, 1 << 40];
    for (i, tag) in tags.into_iter().enumerate() {
        ours.send(tag, &bytes(if i % 2 == 0 { 0 } else { INLINE + i })).unwrap();
    }
    for (i, sent) in tags.into_iter().enumerate() {
        let (tag, parcel) = theirs.receive().unwrap().unwrap();
        let len = if i % 2 == 0 { 0 } else { INLINE + i };
        assert_eq!((tag, parcel.bytes().len()), (sent, len));
    }
}

#[test]
fn parcels_of_every_size_arrive_whole() {
    let (ours, theirs) = Post::pair().unwrap();
    for len in [0, 1, 4096, INLINE - 1, INLINE, INLINE + 1, 1 << 20, (64 << 20) + 3] {
        let parcel = bytes(len);
        ours.send(len as u64, &parcel).unwrap();
        let (tag, arrived) = theirs.receive().unwrap().unwrap();
        assert_eq!(tag, len as u64);
        assert!(arrived.bytes() == parcel.bytes(), "{len} bytes arrived as others");
    }
}

#[test]
fn what_has_arrived_can_be_added_to() {
    let (ours, theirs) = Post::pair().unwrap();
    for len in [INLINE / 2, INLINE * 2] {
        ours.send(0, &Parcel::encode(&("x".repeat(len), numbered(1))).unwrap()).unwrap();
        let (_, mut parcel) = theirs.receive().unwrap().unwrap();
        let first = 0..parcel.bytes().len();
        let second = parcel.push(&numbered(2)).unwrap();
        let (text, handle) = parcel.get::<(String, Descriptor)>(first).unwrap();
        assert_eq!((text.len(), number_of(handle)), (len, 1));
        assert_eq!(number_of(parcel.get::<Descriptor>(second).unwrap()), 2);
        parcel.clear();
        assert!(parcel.bytes().is_empty() && parcel.descriptors().is_empty());
    }
}

#[test]
fn any_number_of_handles_arrives_in_order() {
    raise_limit();
    let (ours, theirs) = Post::pair().unwrap();
    for count in [0, 1, 252, 253, 254, 600] {
        ours.send(0, &handles(count)).unwrap();
        assert_eq!(receive_handles(&theirs), count);
    }
}

#[test]
fn handles_and_many_bytes_travel_together() {
    raise_limit();
    let (ours, theirs) = Post::pair().unwrap();
    for count in [1, 252, 253, 300] {
        let mut parcel = handles(count);
        let first = 0..parcel.bytes().len();
        let second = parcel.push_bytes(&[7; 2 * INLINE]);
        ours.send(0, &parcel).unwrap();
        let (_, parcel) = theirs.receive().unwrap().unwrap();
        assert_eq!(parcel.bytes()[second], [7; 2 * INLINE]);
        assert_eq!(parcel.descriptors().len() as u64, count);
        let arrived: Vec<Descriptor> = parcel.get(first).unwrap();
        assert_eq!(number_of(arrived.last().unwrap()), count - 1);
    }
}

#[test]
fn a_parcel_that_is_not_there_is_not_waited_for() {
    let (ours, theirs) = Post::pair().unwrap();
    assert_eq!(theirs.try_receive().unwrap_err().kind(), ErrorKind::WouldBlock);
    let (limit, begun) = (Duration::from_millis(20), Instant::now());
    assert_eq!(theirs.receive_timeout(limit).unwrap_err().kind(), ErrorKind::TimedOut);
    assert!(begun.elapsed() >= limit);
    ours.send(3, &Parcel::new()).unwrap();
    assert_eq!(theirs.try_receive().unwrap().unwrap().0, 3);
    assert_eq!(theirs.try_receive().unwrap_err().kind(), ErrorKind::WouldBlock);
    drop(ours);
    assert!(theirs.try_receive().unwrap().is_none());
    let nothing = theirs.receive_timeout(Duration::from_secs(100));
    assert!(nothing.unwrap().is_none(), "the end needs no waiting");
}

#[test]
fn the_end_comes_after_the_last_parcel() {
    let (ours, theirs) = Post::pair().unwrap();
    ours.send(1, &bytes(INLINE + 1)).unwrap();
    ours.send(2, &bytes(0)).unwrap();
    drop(ours);
    assert_eq!(theirs.receive().unwrap().unwrap().0, 1);
    assert_eq!(theirs.receive().unwrap().unwrap().0, 2);
    assert!(theirs.receive().unwrap().is_none());
    assert!(theirs.receive().unwrap().is_none());
}

#[test]
fn a_peer_that_left_something_unread_has_still_sent_its_parcels() {
    let (ours, theirs) = Post::pair().unwrap();
    theirs.send(0, &Parcel::new()).unwrap();
    ours.send(1, &Parcel::new()).unwrap();
    drop(ours);
    assert_eq!(theirs.receive().unwrap().map(|(tag, _)| tag), Some(1));
    assert!(theirs.receive().unwrap().is_none());
}

#[test]
fn sending_to_nobody_is_a_broken_pipe() {
    for leave_unread in [false, true] {
        let (ours, theirs) = Post::pair().unwrap();
        if leave_unread {
            ours.send(0, &Parcel::new()).unwrap();
        }
        drop(theirs);
        for parcel in [bytes(0), bytes(INLINE + 1), handles(1)] {
            let error = ours.send(1, &parcel).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::BrokenPipe);
        }
    }
}

#[test]
fn a_full_socket_would_block() {
    let (ours, theirs) = Post::pair().unwrap();
    let sent = fill(&ours);
    assert!(sent > 10, "only {sent} parcels fit");
    for tag in 0..sent {
        assert_eq!(theirs.receive().unwrap().unwrap().0, tag);
    }
    assert!(fill(&ours) > 0);
}

#[test]
fn large_parcels_fit_where_small_ones_do() {
    let (ours, theirs) = Post::pair().unwrap();
    for tag in 0..8 {
        ours.send(tag, &bytes(1 << 20)).unwrap();
    }
    drop(ours);
    while let Some((_, parcel)) = theirs.receive().unwrap() {
        assert_eq!(parcel.bytes().len(), 1 << 20);
    }
}

#[test]
fn a_parcel_for_which_there_is_no_room_leaves_no_part_of_it() {
    raise_limit();
    let (ours, theirs) = Post::pair().unwrap();
    let small = fill(&ours);
    let many = handles(600);
    let mut sent = 0;
    for _ in 0..2 {
        theirs.receive().unwrap().unwrap();
        sent += u64::from(ours.send(u64::MAX, &many).is_ok());
    }
    drop(ours);
    for _ in 2..small {
        assert_eq!(theirs.receive().unwrap().unwrap().1.descriptors().len(), 0);
    }
    for _ in 0..sent {
        assert_eq!(receive_handles(&theirs), 600);
    }
    assert!(theirs.receive().unwrap().is_none());
}

#[test]
fn an_end_can_be_given_away() {
    let (ours, theirs) = Post::pair().unwrap();
    let (envelope, desk) = Post::pair().unwrap();
    let end = Descriptor::from(OwnedFd::from(theirs));
    envelope.send(0, &Parcel::encode(&end).unwrap()).unwrap();
    drop(end);
    ours.send(9, &Parcel::new()).unwrap();
    let (_, parcel) = desk.receive().unwrap().unwrap();
    let theirs = Post::from(parcel.decode::<Descriptor>().unwrap().into_owned().unwrap());
    assert_eq!(theirs.receive().unwrap().unwrap().0, 9);
    drop(theirs);
    assert_eq!(ours.send(0, &Parcel::new()).unwrap_err().kind(), ErrorKind::BrokenPipe);
}

#[test]
fn two_who_receive_from_one_end_spoil_nothing_for_each_other() {
    const COUNT: u64 = 600;
    let (ours, theirs) = Post::pair().unwrap();
    let other = Post::from(theirs.as_fd().try_clone_to_owned().unwrap());
    // Short and long by turns: who has looked at one may get the other.
    let len = |tag: u64| if tag.is_multiple_of(2) { 1 } else { 10_000 };
    let receive = |post: Post| {
        let mut tags = Vec::new();
        while let Some((tag, parcel)) = post.receive().unwrap() {
            assert_eq!(parcel.bytes().len(), len(tag));
            tags.push(tag);
        }
        tags
    };
    let mut tags = thread::scope(|scope| {
        let receivers = [theirs, other].map(|post| scope.spawn(move || receive(post)));
        for tag in 0..COUNT {
            while ours.send(tag, &bytes(len(tag))).is_err() {
                thread::yield_now();
            }
        }
        drop(ours);
        receivers.map(|receiver| receiver.join().unwrap()).concat()
    });
    tags.sort_unstable();
    assert!(tags.into_iter().eq(0..COUNT));
}
