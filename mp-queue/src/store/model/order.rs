//! Nobody dies: all messages arrive, once, whole, and those of each producer in order.

use std::sync::Arc;

use mp_sync::model::{check, spawn};

use super::*;

/// Lets two processes put as many messages each, and two get as many.
fn two_and_two(settings: Settings, each: u8, len: usize) {
    check(move || {
        let end = store(settings);
        let producers = [0, 1].map(|producer| {
            let end = Arc::clone(&end);
            spawn(move || {
                (0..each).for_each(|number| put(&end, (producer, number), len).expect("room"));
            })
        });
        let consumers = [0, 1].map(|_| {
            let end = Arc::clone(&end);
            spawn(move || (0..each).map(|_| get_next(&end)).collect::<Vec<_>>())
        });
        assert!(producers.into_iter().all(|producer| producer.join().is_some()));
        let mut all = Vec::new();
        for consumer in consumers {
            let names = consumer.join().expect("nobody is killed");
            assert!([0, 1].iter().all(|&producer| of(producer, &names).is_sorted()));
            all.extend(names);
        }
        assert!(end.store.is_empty());
        assert_eq!(end.store.bytes(), 0);
        all.sort_unstable();
        let expected =
            [0, 1].into_iter().flat_map(|producer| (0..each).map(move |n| (producer, n)));
        assert!(all.iter().copied().eq(expected), "{all:?}");
    });
}

#[test]
fn all_messages_arrive_once_and_in_order() {
    two_and_two(Settings::default(), 2, SMALL);
}

#[test]
fn all_who_wait_for_room_get_some() {
    two_and_two(bounded(1), 2, SMALL);
}

#[test]
fn all_who_wait_for_bytes_get_some() {
    two_and_two(Settings { bytes: 30, ..Settings::default() }, 2, SMALL);
}

#[test]
fn messages_find_their_way_through_segments() {
    two_and_two(Settings::default(), 4, LARGE);
}

#[test]
fn a_full_store_goes_round_and_round() {
    check(|| {
        let end = store(Settings::default());
        // More than all segments hold.
        let number = 24;
        let producer = {
            let end = Arc::clone(&end);
            spawn(move || {
                (0..number).for_each(|number| put(&end, (0, number), LARGE).expect("room"));
            })
        };
        let names: Vec<Name> = (0..number).map(|_| get_next(&end)).collect();
        assert_eq!(of(0, &names), count(0..number));
        producer.join();
    });
}

#[test]
fn several_at_once_come_in_order() {
    check(|| {
        let end = store(bounded(2));
        let producer = {
            let end = Arc::clone(&end);
            spawn(move || (0..4).for_each(|number| put(&end, (0, number), SMALL).expect("room")))
        };
        let mut numbers = Vec::new();
        while numbers.len() < 4 {
            let some = end.get_some(3, Some(Deadline::NEVER)).expect("messages");
            numbers.extend(some.iter().map(|arrived| arrived.parcel.bytes()[1]));
        }
        assert_eq!(numbers, count(0..4));
        producer.join();
    });
}
