//! Rings: frames in order, nothing lost, and waits that end.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use mp_handle::{
    Consumer, Deadline, Frames, Kind, Producer, PushError, Region, RingError, SLICE, Waited,
    ring_size,
};

const RING: Kind = Kind::new(1000, "ring");
/// Where the two sides sleep.
const DATA: usize = 256;
const SPACE: usize = 384;

/// A ring mapped twice, as two processes would have it, and its region for spoiling it.
fn ring(capacity: usize) -> (Producer, Consumer, Region) {
    let region = Region::create(RING, 0, ring_size(capacity)).unwrap();
    let peer = Region::from_descriptor(region.descriptor().clone(), RING, 0).unwrap();
    let producer = Producer::attach(&region, 0, capacity).unwrap();
    let consumer = Consumer::attach(&peer, 0, capacity).unwrap();
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

/// Fills `frame` with the bytes of frame number `number`, of a length that varies.
fn make_frame(number: u64, frame: &mut Vec<u8>) {
    let mut random = Random(number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let len = random.next() % 40;
    frame.clear();
    frame.extend(number.to_ne_bytes());
    frame.extend((0..len).map(|_| random.next() as u8));
}

fn push_waiting(producer: &mut Producer, parts: &[&[u8]], len: usize) {
    while let Err(error) = producer.try_push(parts) {
        assert_eq!(error, PushError::Full);
        producer.notify();
        assert_eq!(producer.wait_space(len, Deadline::NEVER, || true), Waited::Ready);
    }
}

fn is_asleep(region: &Region, signal: usize) -> bool {
    region.atomic_u32(signal).unwrap().load(Ordering::SeqCst) != 0
}

fn await_sleeper(region: &Region, signal: usize) {
    while !is_asleep(region, signal) {
        thread::yield_now();
    }
}

#[test]
fn smoke() {
    let (mut producer, mut consumer, _) = ring(1024);
    let mut buf = b"> ".to_vec();
    assert!(consumer.is_empty());
    assert_eq!(consumer.try_pop(&mut buf), Ok(false));
    producer.try_push(&[b"he", b"", b"llo"]).unwrap();
    producer.try_push(&[]).unwrap();
    assert!(!consumer.is_empty());
    assert_eq!(consumer.try_pop(&mut buf), Ok(true));
    assert_eq!(buf, b"> hello");
    assert_eq!(consumer.try_pop(&mut buf), Ok(true));
    assert_eq!(buf, b"> hello", "an empty frame is a frame");
    assert_eq!(consumer.try_pop(&mut buf), Ok(false));
}

#[test]
fn a_million_frames_stay_whole_and_in_order() {
    const FRAMES: u64 = 1_000_000;
    let (mut producer, mut consumer, _) = ring(4096);
    let pushing = thread::spawn(move || {
        let mut frame = Vec::new();
        for number in 0..FRAMES {
            make_frame(number, &mut frame);
            let (first, rest) = frame.split_at(frame.len() / 2);
            push_waiting(&mut producer, &[first, rest], frame.len());
            if number % 64 == 0 || number + 1 == FRAMES {
                producer.notify();
            }
        }
    });
    let (mut batch, mut expected, mut number) = (Vec::new(), Vec::new(), 0);
    let mut check = |frame: &[u8]| {
        make_frame(number, &mut expected);
        assert_eq!(frame, expected, "frame {number}");
        number += 1;
        number
    };
    let mut seen = 0;
    while seen < FRAMES {
        assert_eq!(consumer.wait(Deadline::NEVER, || true), Waited::Ready);
        batch.clear();
        // Both ways of reading, by turns.
        if seen % 3 == 0 {
            assert_eq!(consumer.try_pop(&mut batch), Ok(true));
            seen = check(&batch);
        } else {
            consumer.drain(&mut batch).unwrap();
            for frame in Frames::new(&batch) {
                seen = check(frame.unwrap());
            }
        }
        consumer.notify_space();
    }
    pushing.join().unwrap();
    assert!(consumer.is_empty());
}

#[test]
fn a_full_ring_takes_no_more_and_loses_nothing() {
    let (mut producer, mut consumer, _) = ring(64);
    let frame = [7; 12];
    let frames = [&frame[..]; 5];
    assert_eq!(producer.try_push_all(&frames), Ok(4));
    assert_eq!(producer.try_push(&[&frame]), Err(PushError::Full));
    assert_eq!(producer.try_push(&[]), Err(PushError::Full));
    let mut buf = Vec::new();
    assert_eq!(consumer.try_pop(&mut buf), Ok(true));
    assert_eq!(producer.try_push_all(&frames), Ok(1));
    assert_eq!(consumer.drain(&mut buf), Ok(64));
    assert_eq!(buf.len(), 12 + 64);
}

#[test]
fn a_frame_of_more_than_half_the_ring_is_refused() {
    let (mut producer, mut consumer, _) = ring(64);
    let (max, mut buf) = (producer.max_frame(), Vec::new());
    assert_eq!(max, 28);
    for round in 0..40 {
        producer.try_push(&[&[round; 28]]).unwrap();
        buf.clear();
        assert_eq!(consumer.try_pop(&mut buf), Ok(true));
        assert_eq!(buf, [round; 28]);
        producer.try_push(&[&[round]]).unwrap();
        assert_eq!(consumer.try_pop(&mut buf), Ok(true));
    }
    let refused = PushError::TooLarge { len: 29, max };
    assert_eq!(producer.try_push(&[&[0; 20], &[0; 9]]), Err(refused));
    for len in [29, 61, usize::MAX] {
        let waited = producer.wait_space(len, Deadline::NEVER, || true);
        assert_eq!(waited, Waited::Ready, "in vain, and the next push tells");
    }
}

#[test]
fn a_new_side_goes_on_where_the_last_one_stopped() {
    let (mut producer, mut consumer, region) = ring(64);
    let mut buf = Vec::new();
    for round in 0..100_u8 {
        producer.try_push(&[&[round; 9]]).unwrap();
        producer = Producer::attach(&region, 0, 64).unwrap();
        producer.try_push(&[&[round; 3]]).unwrap();
        assert_eq!(consumer.try_pop(&mut buf), Ok(true));
        consumer = Consumer::attach(&region, 0, 64).unwrap();
        assert_eq!(consumer.try_pop(&mut buf), Ok(true));
        assert_eq!(buf, [round; 12]);
        buf.clear();
    }
}

#[test]
fn a_sleeping_consumer_is_woken_or_wakes_itself() {
    for wakes in [true, false] {
        let (mut producer, consumer, region) = ring(64);
        let pushing = thread::spawn(move || {
            await_sleeper(&region, DATA);
            producer.try_push(&[b"news"]).unwrap();
            // Not to notify is what a producer does that is killed just then.
            if wakes {
                producer.notify();
            }
        });
        assert_eq!(consumer.wait(Deadline::NEVER, || true), Waited::Ready);
        pushing.join().unwrap();
    }
}

#[test]
fn a_resting_consumer_is_woken_or_wakes_itself() {
    for wakes in [true, false] {
        let (mut producer, consumer, region) = ring(1024);
        let pushing = thread::spawn(move || {
            await_sleeper(&region, DATA);
            // Beyond the first slice, so that the long ones have begun.
            thread::sleep(2 * SLICE);
            producer.try_push(&[b"frame"]).unwrap();
            if wakes {
                producer.notify();
            }
        });
        assert_eq!(consumer.rest(Deadline::NEVER, || true), Waited::Ready);
        pushing.join().unwrap();
    }
}

#[test]
fn a_producer_sees_whether_somebody_takes_at_once() {
    let (mut producer, mut consumer, _) = ring(1024);
    producer.try_push(&[b"frame"]).unwrap();
    assert!(!producer.is_taken_soon(), "nobody was ever there");
    consumer.drain(&mut Vec::new()).unwrap();
    assert!(!producer.is_taken_soon(), "the consumer has not said on which processor it is");
    if thread::available_parallelism().is_ok_and(|count| count.get() == 1) {
        return;
    }
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                if consumer.drain(&mut Vec::new()).unwrap() > 0 {
                    consumer.notify_space();
                }
            }
        });
        // Both have to run at the same time for a moment.
        while !(producer.try_push(&[b"frame"]).is_ok() && producer.is_taken_soon()) {}
        done.store(true, Ordering::Relaxed);
    });
    producer.try_push(&[b"frame"]).unwrap();
    assert!(!producer.is_taken_soon(), "nobody is there any more");
}

#[test]
fn a_sleeping_producer_is_woken_or_wakes_itself() {
    for wakes in [true, false] {
        let (mut producer, mut consumer, region) = ring(64);
        while producer.try_push(&[&[1; 12]]).is_ok() {}
        let popping = thread::spawn(move || {
            await_sleeper(&region, SPACE);
            consumer.try_pop(&mut Vec::new()).unwrap();
            if wakes {
                consumer.notify_space();
            }
        });
        assert_eq!(producer.wait_space(12, Deadline::NEVER, || true), Waited::Ready);
        popping.join().unwrap();
        producer.try_push(&[&[2; 12]]).unwrap();
    }
}

#[test]
fn waits_end_by_deadline_and_by_death() {
    let (mut producer, consumer, _) = ring(64);
    let timeout = Duration::from_millis(70);
    let start = Instant::now();
    assert_eq!(consumer.wait(Deadline::after(timeout), || true), Waited::TimedOut);
    assert!(start.elapsed() >= timeout);
    assert_eq!(consumer.wait(Deadline::NEVER, || false), Waited::PeerGone);
    let start = Instant::now();
    assert_eq!(consumer.rest(Deadline::after(timeout), || true), Waited::TimedOut);
    assert!(start.elapsed() >= timeout);
    assert_eq!(consumer.rest(Deadline::NEVER, || false), Waited::PeerGone);

    while producer.try_push(&[&[1; 12]]).is_ok() {}
    let start = Instant::now();
    let waited = producer.wait_space(1, Deadline::after(timeout), || true);
    assert_eq!(waited, Waited::TimedOut);
    assert!(start.elapsed() >= timeout);
    assert_eq!(producer.wait_space(1, Deadline::NEVER, || false), Waited::PeerGone);
}

#[test]
fn a_ring_must_fit_its_region() {
    let region = Region::create(RING, 0, ring_size(1024)).unwrap();
    assert!(Producer::attach(&region, 0, 1024).is_ok());
    for capacity in [0, 32, 100, 1 << 32, usize::MAX] {
        let error = Consumer::attach(&region, 0, capacity).unwrap_err();
        assert_eq!(error, RingError::Capacity(capacity));
    }
    for (offset, capacity) in [(0, 2048), (64, 1024), (32, 64), (usize::MAX, 64), (1 << 60, 64)] {
        let error = Producer::attach(&region, offset, capacity).unwrap_err();
        assert!(matches!(error, RingError::OutOfRegion(_)), "{offset} {capacity}: {error}");
    }
    let second = ring_size(256).next_multiple_of(64);
    assert!(Producer::attach(&region, second, 256).is_ok(), "two rings in one region");
}

#[test]
fn both_sides_can_move_to_other_threads() {
    fn assert_send<T: Send>() {}
    assert_send::<Producer>();
    assert_send::<Consumer>();
}
