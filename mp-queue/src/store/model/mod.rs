//! The store under the model checker: what it promises, whoever runs when and dies where.
//!
//! Processes are threads of the model, which share one mapping. Memory, sockets and descriptors are
//! real; the words of the protocol, the locks, and all that sleeps are doubles (`mp_sync::model`).
//! Without a death, who sleeps for ever is found: there no sleep ends by itself.

mod bell;
mod death;
mod order;
mod posted;
mod tasks;

use std::sync::{Arc, Mutex};

use super::{End, Refusal, Settings};
use mp_handle::Deadline;

/// Steps enough for two or three messages.
const LIFE: u32 = 70;

/// Lengths of messages: many in a segment, and two in the smallest.
const SMALL: usize = 20;
const LARGE: usize = 1500;

/// Who put a message, and the how manieth of its it is.
type Name = (u8, u8);

/// What processes have written down, which outlives them.
type Log = Arc<Mutex<Vec<Name>>>;

fn store(settings: Settings) -> Arc<End> {
    Arc::new(End::create(settings).expect("memory"))
}

/// Two sides, each of which learns of the other's end.
fn channel(settings: Settings) -> (Arc<End>, Arc<End>) {
    let (put, get) = End::create_pair(settings).expect("memory");
    (Arc::new(put), Arc::new(get))
}

fn bounded(messages: usize) -> Settings {
    Settings::default().with_messages(messages)
}

fn note(log: &Log, name: Name) {
    log.lock().expect("no panic").push(name);
}

fn noted(log: &Log) -> Vec<Name> {
    log.lock().expect("no panic").clone()
}

/// Puts a message, each byte of which says what it is.
fn put(end: &End, (producer, number): Name, len: usize) -> Result<(), Refusal> {
    let mut bytes = vec![producer << 4 | number; len];
    bytes[..2].copy_from_slice(&[producer, number]);
    end.put_raw(&bytes, Some(Deadline::NEVER))
}

fn get(end: &End, deadline: Option<Deadline>) -> Result<Name, Refusal> {
    let arrived = end.get(deadline)?;
    let bytes = arrived.parcel.bytes();
    let name = (bytes[0], bytes[1]);
    assert!(bytes[2..].iter().all(|&byte| byte == name.0 << 4 | name.1), "a torn message");
    Ok(name)
}

fn get_next(end: &End) -> Name {
    get(end, Some(Deadline::NEVER)).expect("a message")
}

/// Receives until all who send are gone.
fn get_all(end: &End, mut each: impl FnMut(Name)) {
    loop {
        match get(end, Some(Deadline::NEVER)) {
            Ok(name) => each(name),
            Err(Refusal::Disconnected) => return,
            Err(refusal) => panic!("{refusal:?}"),
        }
    }
}

/// Returns the numbers of one producer's messages, in the order in which they came.
fn of(producer: u8, names: &[Name]) -> Vec<u8> {
    names.iter().filter(|name| name.0 == producer).map(|name| name.1).collect()
}

fn count(numbers: std::ops::Range<u8>) -> Vec<u8> {
    numbers.collect()
}
