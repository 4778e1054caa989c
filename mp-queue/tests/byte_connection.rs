//! Both ends of a byte connection.

mod common {
    pub(crate) mod watchdog;
}

use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::Duration;

use common::watchdog::watchdog;
use mp_handle::Descriptor;
use mp_queue::connection::{ByteConnection, RecvBytesError, SendBytesError};

const SHORT: Duration = Duration::from_millis(20);

fn bytes_pair() -> (ByteConnection, ByteConnection) {
    let (one, other) = UnixStream::pair().unwrap();
    (one.into(), other.into())
}

#[test]
fn a_peer_that_goes_inside_a_frame_is_no_end() {
    let (ours, mut raw) = UnixStream::pair().unwrap();
    let ours = ByteConnection::from(ours);
    raw.write_all(b"\0\0\0\x05hello\0\0\0\x05hel").unwrap();
    assert_eq!(ours.recv_bytes().unwrap(), b"hello");
    assert!(matches!(ours.try_recv_bytes(), Err(RecvBytesError::TimedOut)));
    drop(raw);
    assert!(matches!(ours.recv_bytes(), Err(RecvBytesError::Torn)));
}

#[test]
fn a_frame_that_comes_slowly_survives_time_outs() {
    let _watchdog = watchdog();
    let (ours, mut raw) = UnixStream::pair().unwrap();
    let ours = ByteConnection::from(ours);
    for byte in b"\0\0\0\x03abc" {
        assert!(matches!(ours.try_recv_bytes(), Err(RecvBytesError::TimedOut)));
        raw.write_all(&[*byte]).unwrap();
    }
    assert_eq!(ours.recv_bytes().unwrap(), b"abc");
}

#[test]
fn a_buffer_too_short_gives_the_message() {
    let (ours, theirs) = bytes_pair();
    let mut buffer = [0; 5];
    for _ in 0..2 {
        ours.send_bytes(b"hello").unwrap();
    }
    assert_eq!(theirs.recv_bytes_into(&mut buffer).unwrap(), 5);
    assert_eq!(&buffer, b"hello");
    match theirs.recv_bytes_into_timeout(&mut buffer[..4], SHORT) {
        Err(RecvBytesError::BufferTooShort { message }) => assert_eq!(message, b"hello"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_send_cut_off_by_its_deadline_is_the_last_one() {
    let (ours, mut raw) = UnixStream::pair().unwrap();
    let ours = ByteConnection::from(ours);
    let message = vec![7; 8 << 20];
    let cut = ours.send_bytes_timeout(&message, SHORT);
    assert!(matches!(cut, Err(SendBytesError::Torn)), "{cut:?}");
    assert!(matches!(ours.send_bytes(b"more"), Err(SendBytesError::Disconnected)));
    let mut arrived = Vec::new();
    raw.read_to_end(&mut arrived).unwrap();
    assert!(arrived.len() < message.len());
}

#[test]
fn a_send_without_room_can_be_repeated() {
    let _watchdog = watchdog();
    let (ours, theirs) = bytes_pair();
    let message = [7; 1000];
    let mut sent = 0;
    // Unix sockets take a small message whole or not at all.
    while ours.send_bytes_timeout(&message, Duration::ZERO).is_ok() {
        sent += 1;
    }
    thread::scope(|scope| {
        scope.spawn(|| ours.send_bytes(b"the last"));
        for _ in 0..sent {
            assert_eq!(theirs.recv_bytes().unwrap(), message);
        }
        assert_eq!(theirs.recv_bytes().unwrap(), b"the last");
    });
}

#[test]
fn threads_never_mix_their_frames() {
    let _watchdog = watchdog();
    let (ours, theirs) = bytes_pair();
    thread::scope(|scope| {
        for sender in 0..4_u8 {
            let ours = &ours;
            scope.spawn(move || {
                for _ in 0..20 {
                    ours.send_bytes(&vec![sender; 300_000]).unwrap();
                }
            });
        }
        for _ in 0..80 {
            let message = theirs.recv_bytes().unwrap();
            assert!(message.len() == 300_000 && message.iter().all(|byte| *byte == message[0]));
        }
    });
}

#[test]
fn a_handle_does_not_go_over_bytes() {
    let (ours, theirs) = bytes_pair();
    let null = std::fs::File::open("/dev/null").unwrap();
    let error = ours.send(&Descriptor::from(OwnedFd::from(null))).unwrap_err();
    assert!(matches!(error, SendBytesError::Codec(_)), "{error:?}");
    ours.send("fine").unwrap();
    assert_eq!(theirs.recv::<String>().unwrap(), "fine");
}
