//! The frame parser of byte connections, against one that has all bytes at hand.

use std::io::Write;
use std::os::unix::net::UnixStream;

use bolero::check;
use mp_fuzz::spoil;
use mp_queue::connection::{ByteConnection, RecvBytesError};

const LIMIT: u64 = 300;

/// How it ends, when there are no more frames.
#[derive(Debug, PartialEq, Eq)]
enum End {
    Disconnected,
    Torn,
    TooLong,
    Negative,
}

/// Takes the first frame off the bytes.
fn parse<'a>(bytes: &mut &'a [u8]) -> Result<&'a [u8], End> {
    if bytes.is_empty() {
        return Err(End::Disconnected);
    }
    let (short, mut rest) = bytes.split_first_chunk().ok_or(End::Torn)?;
    let len = match i32::from_be_bytes(*short) {
        -1 => {
            let (long, behind) = rest.split_first_chunk().ok_or(End::Torn)?;
            rest = behind;
            u64::from_be_bytes(*long)
        }
        len => u64::try_from(len).map_err(|_| End::Negative)?,
    };
    if len > LIMIT {
        return Err(End::TooLong);
    }
    let (body, rest) = rest.split_at_checked(len as usize).ok_or(End::Torn)?;
    *bytes = rest;
    Ok(body)
}

fn end(error: RecvBytesError) -> End {
    match error {
        RecvBytesError::Disconnected => End::Disconnected,
        RecvBytesError::Torn => End::Torn,
        RecvBytesError::TooLong { .. } => End::TooLong,
        RecvBytesError::NegativeLength(_) => End::Negative,
        other => panic!("{other}"),
    }
}

#[test]
fn any_stream_is_the_same_frames_for_two_parsers() {
    let mut valid = b"\0\0\0\x05hello\0\0\0\0\0\0\0\x03abc".to_vec();
    valid.extend([0xff; 4].iter().chain(&7_u64.to_be_bytes()).chain(b"seventh"));
    check!().for_each(|input: &[u8]| {
        let bytes = spoil(&valid, input);
        let (mut peer, stream) = UnixStream::pair().expect("two sockets");
        let connection = ByteConnection::from(stream);
        connection.set_frame_limit(LIMIT);
        peer.write_all(&bytes).expect("room for little");
        drop(peer);
        let mut rest = &bytes[..];
        loop {
            match (parse(&mut rest), connection.recv_bytes()) {
                (Ok(body), Ok(message)) => assert_eq!(body, message),
                (Err(expected), Err(error)) => break assert_eq!(end(error), expected),
                (expected, got) => panic!("{got:?} instead of {expected:?}"),
            }
        }
    });
}
