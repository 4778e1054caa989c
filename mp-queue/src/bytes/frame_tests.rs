//! The frame parser under frames that come in pieces, and under bytes that are no frames.

use std::io::{self, Read};

use super::*;

/// Numbers without a pattern, the same in each run (xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}

/// Bytes that arrive in pieces of any size, with pauses and signals between them.
struct Trickle<'a> {
    bytes: &'a [u8],
    random: &'a mut Random,
}

impl Read for Trickle<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.random.below(4) {
            0 => return Err(io::ErrorKind::WouldBlock.into()),
            1 => return Err(io::ErrorKind::Interrupted.into()),
            _ => {}
        }
        let piece = self.bytes.len().min(buffer.len()).min(1 + self.random.below(40) as usize);
        self.bytes.read(&mut buffer[..piece])
    }
}

/// Reads until something else than a pause comes.
fn next(
    reader: &mut FrameReader,
    source: &mut impl Read,
    limit: u64,
) -> Result<Vec<u8>, RecvBytesError> {
    loop {
        match reader.advance(source, limit) {
            Err(RecvBytesError::TimedOut) => {}
            other => return other,
        }
    }
}

fn frame(body: &[u8], long: bool) -> Vec<u8> {
    let header = match long {
        true => [&[0xff; SHORT][..], &(body.len() as u64).to_be_bytes()].concat(),
        false => header(body.len() as u64),
    };
    [&header, body].concat()
}

#[test]
fn headers_are_those_of_cpython() {
    assert_eq!(header(0), [0; 4]);
    assert_eq!(header(5), [0, 0, 0, 5]);
    assert_eq!(header(0x7fff_ffff), [0x7f, 0xff, 0xff, 0xff]);
    let two_gib = [0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0x80, 0, 0, 0];
    assert_eq!(header(1 << 31), two_gib);
}

#[test]
fn frames_in_pieces_arrive_whole_and_in_order() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for _ in 0..300 {
        let bodies: Vec<Vec<u8>> = (0..random.below(8))
            .map(|_| (0..random.below(300)).map(|_| random.below(256) as u8).collect())
            .collect();
        let bytes: Vec<u8> =
            bodies.iter().flat_map(|body| frame(body, random.below(2) == 0)).collect();
        let mut source = Trickle { bytes: &bytes, random: &mut random };
        let mut reader = FrameReader::default();
        for body in &bodies {
            assert_eq!(&next(&mut reader, &mut source, 300).unwrap(), body);
        }
        let end = next(&mut reader, &mut source, 300);
        assert!(matches!(end, Err(RecvBytesError::Disconnected)));
    }
}

#[test]
fn an_end_inside_a_frame_is_torn_wherever_it_comes() {
    for long in [false, true] {
        let whole = frame(b"twelve bytes", long);
        for end in 1..whole.len() {
            let torn = FrameReader::default().advance(&mut &whole[..end], 100);
            assert!(matches!(torn, Err(RecvBytesError::Torn)), "{end}: {torn:?}");
        }
    }
}

#[test]
fn negative_lengths_are_refused() {
    for length in [-2_i32, -5, i32::MIN] {
        let refused = FrameReader::default().advance(&mut &length.to_be_bytes()[..], u64::MAX);
        assert!(matches!(refused, Err(RecvBytesError::NegativeLength(n)) if n == length));
    }
}

#[test]
fn a_frame_too_long_waits_for_a_larger_limit() {
    let bytes = frame(b"hello", false);
    let (mut reader, mut source) = (FrameReader::default(), &bytes[..]);
    for _ in 0..2 {
        let refused = reader.advance(&mut source, 4);
        assert!(matches!(refused, Err(RecvBytesError::TooLong { len: 5, limit: 4 })));
    }
    assert_eq!(reader.advance(&mut source, 5).unwrap(), b"hello");
}

#[test]
fn claims_take_no_memory() {
    for claim in [i32::MAX.to_be_bytes().to_vec(), header(u64::MAX), header(1 << 62)] {
        let bytes = [&claim[..], &[7; 100_000]].concat();
        let mut reader = FrameReader::default();
        assert!(matches!(reader.advance(&mut &bytes[..], u64::MAX), Err(RecvBytesError::Torn)));
        assert!(reader.body.capacity() <= 2 * 100_000 + AHEAD, "{}", reader.body.capacity());
    }
}

#[test]
fn any_bytes_end_in_frames_and_one_error() {
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    for _ in 0..3000 {
        // Small numbers and 0xff are what headers are made of.
        let bytes: Vec<u8> = (0..random.below(64))
            .map(|_| [0, 1, 0xff, random.below(256) as u8][random.below(4) as usize])
            .collect();
        let mut source = Trickle { bytes: &bytes, random: &mut random };
        let mut reader = FrameReader::default();
        let mut taken = 0;
        let error = loop {
            match next(&mut reader, &mut source, 1 << 16) {
                Ok(body) => taken += SHORT + body.len(),
                Err(error) => break error,
            }
        };
        assert!(taken <= bytes.len());
        assert!(!matches!(error, RecvBytesError::Io(_)), "{error:?}");
    }
}
