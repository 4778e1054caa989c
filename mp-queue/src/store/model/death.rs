//! Somebody is killed, at any step: what was acknowledged is there, whole, once and in order.

use mp_sync::model::{check, spawn, spawn_doomed_within};

use super::*;

/// Lets a process put messages until it is killed, beside one that is not.
fn doomed_producer(settings: Settings, each: u8, len: usize) {
    check(move || {
        let ((outbox, inbox), acknowledged) = (channel(settings), Log::default());
        let (end, log) = (Arc::clone(&outbox), Arc::clone(&acknowledged));
        let doomed = spawn_doomed_within(LIFE, move || {
            for number in 0..each {
                put(&end, (0, number), len).expect("room");
                note(&log, (0, number));
            }
        });
        let survivor = spawn(move || {
            (0..each).for_each(|number| put(&outbox, (1, number), len).expect("room"));
        });
        let mut names = Vec::new();
        get_all(&inbox, |name| names.push(name));
        survivor.join().expect("not killed");
        doomed.join();
        let (arrived, promised) = (of(0, &names), noted(&acknowledged).len());
        assert_eq!(arrived, count(0..arrived.len() as u8));
        assert!((promised..=promised + 1).contains(&arrived.len()), "{promised}: {arrived:?}");
        assert_eq!(of(1, &names), count(0..each));
        assert_eq!(inbox.store.bytes(), 0);
    });
}

#[test]
fn a_killed_producer_leaves_what_was_acknowledged_and_one_more_at_most() {
    doomed_producer(Settings::default(), 3, SMALL);
}

#[test]
fn a_producer_killed_on_its_way_through_segments_leaves_them_in_order() {
    doomed_producer(Settings::default(), 5, LARGE);
}

#[test]
fn a_producer_killed_while_it_waits_for_room_is_in_nobodys_way() {
    doomed_producer(bounded(1), 3, SMALL);
}

/// Lets a process get messages until it is killed; what it has not taken comes to another.
fn doomed_consumer(settings: Settings, number: u8, len: usize) {
    check(move || {
        let ((outbox, inbox), taken) = (channel(settings), Log::default());
        let (end, log) = (Arc::clone(&inbox), Arc::clone(&taken));
        let doomed = spawn_doomed_within(LIFE, move || get_all(&end, |name| note(&log, name)));
        let producer = spawn(move || {
            (0..number).for_each(|number| put(&outbox, (0, number), len).expect("room"));
        });
        let mut names = Vec::new();
        get_all(&inbox, |name| names.push(name));
        producer.join().expect("not killed");
        let was_killed = doomed.join().is_none();
        let taken = noted(&taken);
        assert!(of(0, &taken).is_sorted() && of(0, &names).is_sorted());
        names.extend(taken);
        names.sort_unstable();
        let arrived = names.len();
        names.dedup();
        assert_eq!(names.len(), arrived, "one came twice");
        // It may have taken one that it did not live to write down.
        let missing = usize::from(number) - arrived;
        assert!(missing <= usize::from(was_killed), "{missing} lost");
        assert_eq!(inbox.store.bytes(), 0);
    });
}

#[test]
fn a_killed_consumer_leaves_what_it_has_not_taken() {
    doomed_consumer(Settings::default(), 4, SMALL);
}

#[test]
fn a_consumer_killed_on_its_way_through_segments_leaves_the_way() {
    doomed_consumer(Settings::default(), 10, LARGE);
}

#[test]
fn a_consumer_killed_before_it_tells_of_room_is_in_nobodys_way() {
    doomed_consumer(bounded(1), 4, SMALL);
}

#[test]
fn the_death_of_the_last_consumer_is_the_end_of_waits_for_room() {
    check(|| {
        let (outbox, inbox) = channel(bounded(1));
        let doomed = spawn_doomed_within(LIFE, move || get(&inbox, Some(Deadline::NEVER)).is_ok());
        let refused = (0..4).find_map(|number| put(&outbox, (0, number), SMALL).err());
        assert!(matches!(refused, Some(Refusal::Disconnected)), "{refused:?}");
        doomed.join();
    });
}
