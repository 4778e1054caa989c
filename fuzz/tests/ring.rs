//! Rings whose memory a peer writes into.

use std::sync::atomic::Ordering::SeqCst;

use bolero::check;
use mp_fuzz::take;
use mp_handle::{Consumer, Kind, Producer, Region, ring_size};

const CAPACITY: usize = 256;

/// Where the indices lie, and where the bytes begin.
const INDICES: [usize; 2] = [0, 128];
const BYTES: usize = 512;

/// Writes an index, near what it was or anywhere.
fn spoil_index(region: &Region, input: &mut &[u8]) {
    let [which, how, by] = take(input);
    let word = region.atomic_u64(INDICES[usize::from(which % 2)]).expect("an index");
    let now = word.load(SeqCst);
    let value = match how % 3 {
        0 => now.wrapping_add_signed(i64::from(by as i8)),
        1 => now ^ 1 << (by % 64),
        _ => u64::from_ne_bytes(take(input)),
    };
    word.store(value, SeqCst);
}

#[test]
fn any_memory_is_frames_or_an_error() {
    check!().for_each(|mut input: &[u8]| {
        let kind = Kind::new(1000, "ring");
        let region = Region::create(kind, 0, ring_size(CAPACITY)).expect("memory");
        let mut producer = Producer::attach(&region, 0, CAPACITY).expect("a fresh ring");
        let mut consumer = Consumer::attach(&region, 0, CAPACITY).expect("a fresh ring");
        let mut frame = Vec::new();
        while !input.is_empty() {
            let [what, with] = take(&mut input);
            match what % 7 {
                0 | 1 => drop(producer.try_push(&[&[7; 256][..usize::from(with)]])),
                2 => {
                    frame.clear();
                    let _ = consumer.try_pop(&mut frame);
                    assert!(frame.len() <= CAPACITY);
                }
                3 => {
                    frame.clear();
                    let _ = consumer.drain(&mut frame);
                    assert!(frame.len() <= CAPACITY);
                }
                4 => spoil_index(&region, &mut input),
                5 => {
                    let place = BYTES + usize::from(with) % (CAPACITY - 4);
                    region.write(place, &take::<4>(&mut input)).expect("a place in the ring");
                }
                _ => {
                    let _ = Producer::attach(&region, 0, CAPACITY).map(|new| producer = new);
                    let _ = Consumer::attach(&region, 0, CAPACITY).map(|new| consumer = new);
                }
            }
        }
    });
}
