//! Rings whose other side has gone mad: an error that names what was seen, and nothing worse.

use std::sync::atomic::Ordering;

use mp_handle::{
    Consumer, Corrupt, Deadline, Frames, Kind, Producer, PushError, Region, RingError, Waited,
    ring_size,
};

const RING: Kind = Kind::new(1000, "ring");
/// Where the shared parts lie.
const TAIL: usize = 0;
const HEAD: usize = 128;
const BYTES: usize = 512;

/// A ring, and its region for spoiling it.
fn ring(capacity: usize) -> (Producer, Consumer, Region) {
    let region = Region::create(RING, 0, ring_size(capacity)).unwrap();
    let producer = Producer::attach(&region, 0, capacity).unwrap();
    let consumer = Consumer::attach(&region, 0, capacity).unwrap();
    (producer, consumer, region)
}

/// A small generator (xorshift64), so that failures repeat.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

#[test]
fn impossible_indices_are_corrupt_on_both_sides() {
    let (mut producer, mut consumer, region) = ring(64);
    while producer.try_push(&[&[1; 12]]).is_ok() {}
    let mut buf = Vec::new();
    for garbage in [65, 1 << 40, u64::MAX] {
        region.atomic_u64(HEAD).unwrap().store(garbage, Ordering::Release);
        let seen = Corrupt::Indices { head: garbage, tail: 64, capacity: 64 };
        let error = producer.try_push(&[b"x"]).unwrap_err();
        assert_eq!(error, PushError::Corrupt(RingError::Corrupt(seen)));
        assert!(error.to_string().contains(&garbage.to_string()), "{error}");
        assert_eq!(producer.wait_space(1, Deadline::NEVER, || true), Waited::Ready);

        region.atomic_u64(TAIL).unwrap().store(garbage, Ordering::Release);
        let seen = RingError::Corrupt(Corrupt::Indices { head: 0, tail: garbage, capacity: 64 });
        assert_eq!(consumer.wait(Deadline::NEVER, || true), Waited::Ready);
        assert_eq!(consumer.try_pop(&mut buf), Err(seen));
        assert_eq!(consumer.drain(&mut buf), Err(seen));

        region.atomic_u64(HEAD).unwrap().store(0, Ordering::Release);
        assert_eq!(Consumer::attach(&region, 0, 64).unwrap_err(), seen);
        assert_eq!(Producer::attach(&region, 0, 64).unwrap_err(), seen);
    }
    assert!(buf.is_empty() && buf.capacity() == 0, "nothing was allocated for garbage");
}

#[test]
fn impossible_lengths_are_corrupt() {
    let (mut producer, mut consumer, region) = ring(64);
    producer.try_push(&[b"four"]).unwrap();
    let mut buf = Vec::new();
    for garbage in [5, 64, u32::MAX] {
        region.write(BYTES, &garbage.to_ne_bytes()).unwrap();
        let claimed = 4 + u64::from(garbage);
        let seen = RingError::Corrupt(Corrupt::Frame { claimed, published: 8 });
        assert_eq!(consumer.try_pop(&mut buf), Err(seen));
        assert!(buf.is_empty() && buf.capacity() == 0);
    }
    region.atomic_u64(TAIL).unwrap().store(3, Ordering::Release);
    let mut consumer = Consumer::attach(&region, 0, 64).unwrap();
    let seen = RingError::Corrupt(Corrupt::Frame { claimed: 4, published: 3 });
    assert_eq!(consumer.try_pop(&mut buf), Err(seen));
}

#[test]
fn random_garbage_everywhere_is_survived() {
    let mut random = Random(0x5eed);
    let (mut producer, mut consumer, region) = ring(256);
    for round in 0..20_000 {
        let (offset, len) = (random.next() as usize % (BYTES + 256), random.next() as usize % 9);
        let garbage = random.next().to_ne_bytes();
        let _ = region.write(offset, &garbage[..len.min(8)]);
        let small = u64::from(random.next() as u8);
        let index = if round % 2 == 0 { TAIL } else { HEAD };
        region.atomic_u64(index).unwrap().store(small, Ordering::Relaxed);

        let mut buf = Vec::new();
        let _ = producer.try_push(&[&garbage, &[1; 20]]);
        let _ = consumer.try_pop(&mut buf);
        let _ = consumer.drain(&mut buf);
        assert!(buf.len() <= 512, "no more than was there");
        assert!(Frames::new(&buf).count() <= buf.len());
        producer.notify();
        consumer.notify_space();
        let _ = consumer.wait(Deadline::now(), || true);
        let _ = producer.wait_space(100, Deadline::now(), || true);
        if let (Ok(fresh), Ok(other)) =
            (Producer::attach(&region, 0, 256), Consumer::attach(&region, 0, 256))
        {
            (producer, consumer) = (fresh, other);
        }
    }
}
