//! Messages with descriptors, beside which a packet goes through the socket.

use mp_handle::Descriptor;
use mp_sync::model::{check, spawn, spawn_doomed_within};
use rustix::fs::{MemfdFlags, fstat, ftruncate, memfd_create};

use super::*;
use crate::store::{Content, Message};

/// A file that can be told from others by its length.
fn file(number: u8) -> Descriptor {
    let file = memfd_create("posted", MemfdFlags::CLOEXEC).expect("a file");
    ftruncate(&file, number.into()).expect("an empty file");
    Descriptor::from(file)
}

fn post(end: &End, number: u8) {
    let (bytes, descriptors) = ([number], [file(number)]);
    let message = Message { content: Content::Raw, bytes: &bytes, descriptors: &descriptors };
    end.put(&message, Some(Deadline::NEVER)).expect("room");
}

fn receive(end: &End, mut each: impl FnMut(u8)) {
    loop {
        match end.get(Some(Deadline::NEVER)) {
            Ok(arrived) => {
                let number = arrived.parcel.bytes()[0];
                let [file] = arrived.parcel.descriptors() else { panic!("one descriptor") };
                assert_eq!(fstat(file).expect("a file").st_size, number.into());
                each(number);
            }
            Err(Refusal::Disconnected) => return,
            Err(refusal) => panic!("{refusal:?}"),
        }
    }
}

#[test]
fn descriptors_of_a_killed_producer_come_with_their_message_or_not_at_all() {
    check(|| {
        let (outbox, inbox) = channel(Settings::default());
        let end = Arc::clone(&outbox);
        let doomed = spawn_doomed_within(LIFE, move || (0..3).for_each(|n| post(&end, n)));
        let survivor = spawn(move || (10..12).for_each(|n| post(&outbox, n)));
        let mut numbers = Vec::new();
        receive(&inbox, |number| numbers.push(number));
        survivor.join().expect("not killed");
        doomed.join();
        let (theirs, ours): (Vec<u8>, Vec<u8>) = numbers.into_iter().partition(|&n| n < 10);
        assert_eq!((theirs.as_slice(), ours), (&[0, 1, 2][..theirs.len()], vec![10, 11]));
    });
}

#[test]
fn a_killed_consumer_leaves_the_descriptors_to_the_next() {
    check(|| {
        let (outbox, inbox) = channel(Settings::default());
        let taken = Log::default();
        let (end, log) = (Arc::clone(&inbox), Arc::clone(&taken));
        let doomed =
            spawn_doomed_within(LIFE, move || receive(&end, |number| note(&log, (0, number))));
        let producer = spawn(move || (0..4).for_each(|n| post(&outbox, n)));
        let mut numbers = Vec::new();
        receive(&inbox, |number| numbers.push(number));
        producer.join().expect("not killed");
        let was_killed = doomed.join().is_none();
        numbers.extend(of(0, &noted(&taken)));
        numbers.sort_unstable();
        assert!(numbers.is_sorted_by(|one, other| one < other), "one came twice");
        assert!(numbers.len() + usize::from(was_killed) >= 4, "{numbers:?}");
    });
}
