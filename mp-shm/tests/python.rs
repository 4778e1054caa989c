//! Shared memory and lists, together with the Python interpreters that are found.

mod common {
    pub(crate) mod python;
    pub(crate) mod random;
    pub(crate) mod text;
    pub(crate) mod watchdog;
}

use common::python::{Peer, Python, pythons};
use common::random::Random;
use common::text::text;
use common::watchdog::watchdog;
use mp_shm::{Item, ListError, RegionError, ShareableList, SharedMemory};
use serde_json::{Value, json};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits = |at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    (0..hex.len()).step_by(2).map(digits).collect()
}

fn contents(memory: &SharedMemory) -> Vec<u8> {
    let mut contents = vec![0; memory.size()];
    memory.read(0, &mut contents).unwrap();
    contents
}

/// Whether the two floats are the same, whatever they mean.
fn same(one: &Item, other: &Item) -> bool {
    match (one, other) {
        (Item::Float(one), Item::Float(other)) => one.to_bits() == other.to_bits(),
        _ => one == other,
    }
}

fn to_json(item: &Item) -> Value {
    match item {
        Item::Bool(value) => json!(value),
        Item::Int(value) => json!(value),
        Item::Float(value) => json!({ "float": value.to_bits().cast_signed() }),
        Item::Str(text) => json!(text),
        Item::Bytes(bytes) => json!({ "bytes": hex(bytes) }),
        _ => Value::Null,
    }
}

fn from_json(value: &Value) -> Item {
    match value {
        Value::Bool(value) => Item::from(*value),
        Value::Number(number) => Item::from(number.as_i64().unwrap()),
        Value::String(text) => Item::from(text),
        Value::Object(object) => match object.get("float") {
            Some(bits) => Item::from(f64::from_bits(bits.as_i64().unwrap().cast_unsigned())),
            None => Item::from(bytes(object["bytes"].as_str().unwrap())),
        },
        _ => Item::None,
    }
}

fn any_item(random: &mut Random) -> Item {
    match random.below(7) {
        0 => Item::None,
        1 => Item::from(random.below(2) == 0),
        2 => Item::from(random.number().cast_signed()),
        3 => Item::from(random.number().cast_signed() as f64 / 3.0),
        4 => Item::from(random.bytes(40)),
        _ => Item::from(text(random, 40)),
    }
}

fn any_items(random: &mut Random) -> Vec<Item> {
    (0..random.below(6)).map(|_| any_item(random)).collect()
}

/// What Python's list makes of an item that was written exactly.
fn without_zeros(item: &Item) -> Item {
    match item {
        Item::Str(text) => Item::from(text.trim_end_matches('\0')),
        Item::Bytes(bytes) => {
            let end = bytes.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
            Item::from(&bytes[..end])
        }
        other => other.clone(),
    }
}

/// What there is of an item in a list that Python made.
fn as_python_made(item: &Item) -> Result<Item, Vec<u8>> {
    match item {
        Item::Str(text) => {
            let slot = 8 * (text.chars().count() / 8 + 1);
            let cut = &text.as_bytes()[..text.len().min(slot)];
            let Item::Bytes(left) = without_zeros(&Item::from(cut)) else { unreachable!() };
            String::from_utf8(left).map(Item::from).map_err(|error| error.into_bytes())
        }
        other => Ok(without_zeros(other)),
    }
}

/// The list of Python 3.8 has another layout.
fn pythons_with_lists() -> impl Iterator<Item = Python> {
    pythons().into_iter().filter(|python| python.version >= (3, 9))
}

fn made(peer: &mut Peer, command: &Value) -> String {
    peer.call(command).as_str().unwrap().to_owned()
}

#[test]
fn python_opens_memory_of_ours() {
    let _watchdog = watchdog();
    for python in pythons() {
        let mut peer = python.peer();
        let memory = SharedMemory::create_unique(4097).unwrap();
        memory.write(4090, b"at last").unwrap();
        let name = memory.name().unwrap();
        assert_eq!(peer.call(&json!(["read_memory", name])), json!(hex(&contents(&memory))));
        peer.call(&json!(["write_memory", name, 1, hex(b"snake")]));
        assert_eq!(&contents(&memory)[..7], b"\0snake\0");
        SharedMemory::unlink(name).unwrap();
    }
}

#[test]
fn memory_of_python_is_opened() {
    let _watchdog = watchdog();
    for python in pythons() {
        let mut peer = python.peer();
        let name = made(&mut peer, &json!(["make_memory", hex(b"egg")]));
        let memory = SharedMemory::open(&name).unwrap();
        assert_eq!(contents(&memory), b"egg");
        memory.write(0, b"E").unwrap();
        assert_eq!(peer.call(&json!(["look", name])), json!(hex(b"Egg")));

        peer.call(&json!(["drop", name]));
        assert_eq!(contents(&memory), b"Egg");
        assert!(matches!(SharedMemory::open(&name), Err(RegionError::NotFound { .. })));
    }
}

/// Row 27, and 31: the tracker takes the name, but nothing else.
#[test]
fn memory_survives_that_pythons_tracker_unlinks_its_name() {
    let _watchdog = watchdog();
    let script = "import sys; from multiprocessing.shared_memory import SharedMemory\n\
                  memory = SharedMemory(name=sys.argv[1]); memory.buf[0] = 7";
    for python in pythons() {
        let memory = SharedMemory::create_unique(4096).unwrap();
        memory.write(4095, b"!").unwrap();
        let name = memory.name().unwrap();
        python.run(script, &[name]);
        assert_eq!((contents(&memory)[0], contents(&memory)[4095]), (7, b'!'));
        let travelled = SharedMemory::from_descriptor(memory.descriptor().clone()).unwrap();
        assert_eq!(contents(&travelled), contents(&memory));
        let left = SharedMemory::unlink(name).is_ok();
        println!("Python {:?} leaves the name: {left}", python.version);
        assert!(!left || python.version > (3, 13), "documented otherwise");
    }
}

/// Row 27: what the documentation recommends.
#[test]
fn python_leaves_the_name_of_memory_that_it_does_not_track() {
    let _watchdog = watchdog();
    let untracked = "import sys; from multiprocessing.shared_memory import SharedMemory\n\
                     SharedMemory(name=sys.argv[1], track=False)";
    let unregistered = "import sys; from multiprocessing import resource_tracker\n\
                        from multiprocessing.shared_memory import SharedMemory\n\
                        memory = SharedMemory(name=sys.argv[1])\n\
                        resource_tracker.unregister('/' + memory.name, 'shared_memory')";
    for python in pythons() {
        let memory = SharedMemory::create_unique(1).unwrap();
        let name = memory.name().unwrap();
        python.run(unregistered, &[name]);
        if python.version >= (3, 13) {
            python.run(untracked, &[name]);
        } else {
            println!("track=False: skipped for Python {:?}, it needs 3.13", python.version);
        }
        SharedMemory::unlink(name).unwrap();
    }
}

#[test]
fn python_inherits_memory_by_its_descriptor() {
    use std::os::fd::{AsFd, AsRawFd};
    let _watchdog = watchdog();
    let script = "import mmap, sys\n\
                  with open(sys.argv[1], 'r+b') as file: mmap.mmap(file.fileno(), 0)[0] = 7";
    for python in pythons() {
        let memory = SharedMemory::new(100).unwrap();
        let number = memory.as_fd().as_raw_fd();
        python.run(script, &[&format!("/proc/{}/fd/{number}", std::process::id())]);
        assert_eq!(contents(&memory)[0], 7);
    }
}

#[test]
fn python_reads_lists_of_ours() {
    let _watchdog = watchdog();
    for python in pythons_with_lists() {
        let (mut peer, mut random) = (python.peer(), Random::new(3));
        for _ in 0..300 {
            let items = any_items(&mut random);
            let list = ShareableList::create_unique(&items).unwrap();
            for (index, item) in items.iter().enumerate() {
                assert!(same(&list.get(index).unwrap(), item), "{item:?}");
            }
            let name = list.memory().name().unwrap();
            let found = peer.call(&json!(["read_list", name]));
            let found = found.as_array().unwrap().iter();
            let found: Vec<_> = found.map(|item| from_json(&item["value"])).collect();
            let expected: Vec<_> = items.iter().map(without_zeros).collect();
            assert!(found.iter().zip(&expected).all(|(a, b)| same(a, b)), "{found:?} {items:?}");
            assert_eq!(found.len(), items.len());
            ShareableList::unlink(name).unwrap();
        }
    }
}

#[test]
fn lists_of_python_are_read() {
    let _watchdog = watchdog();
    for python in pythons_with_lists() {
        let (mut peer, mut random) = (python.peer(), Random::new(4));
        for _ in 0..300 {
            let items = any_items(&mut random);
            let json: Vec<_> = items.iter().map(to_json).collect();
            let name = made(&mut peer, &json!(["make_list", json]));
            let list = ShareableList::open(&name).unwrap();
            assert_eq!(list.len(), items.len());
            for (item, found) in items.iter().zip(list.iter()) {
                match (as_python_made(item), found) {
                    (Ok(expected), Ok(found)) => assert!(same(&expected, &found), "{item:?}"),
                    (Err(left), Err(ListError::NotText { bytes, .. })) => assert_eq!(left, bytes),
                    (expected, found) => panic!("{expected:?} and {found:?} for {item:?}"),
                }
            }
            peer.call(&json!(["drop", name]));
        }
    }
}

/// Row 30: also of texts that are longer than the one whose place they take.
#[test]
fn each_side_replaces_items_of_the_others_list() {
    let _watchdog = watchdog();
    for python in pythons_with_lists() {
        let (mut peer, mut random) = (python.peer(), Random::new(5));
        for round in 0..300 {
            let first = without_zeros(&Item::from(random.bytes(20)));
            let list = if round % 2 == 0 {
                ShareableList::create_unique([&first]).unwrap()
            } else {
                let name = made(&mut peer, &json!(["make_list", [to_json(&first)]]));
                ShareableList::open(name).unwrap()
            };
            let name = list.memory().name().unwrap();
            for _ in 0..4 {
                replace_by_python(&mut peer, &list, &any_item(&mut random));
                replace_by_us(&mut peer, &list, &any_item(&mut random));
            }
            if round % 2 == 0 {
                ShareableList::unlink(name).unwrap();
            } else {
                peer.call(&json!(["drop", name]));
            }
        }
    }
}

fn length(item: &Item) -> usize {
    match item {
        Item::Str(text) => text.len(),
        Item::Bytes(bytes) => bytes.len(),
        _ => 8,
    }
}

fn replace_by_python(peer: &mut Peer, list: &ShareableList, item: &Item) {
    let name = list.memory().name().unwrap();
    let done = peer.call(&json!(["set_item", name, 0, to_json(item)]));
    if length(item) > list.room(0).unwrap() {
        assert_eq!(done["error"], json!("ValueError"));
    } else {
        assert_eq!(done, json!({ "value": null }), "{item:?}");
        let (found, expected) = (list.get(0).unwrap(), without_zeros(item));
        assert!(same(&found, &expected), "{found:?} {expected:?}");
    }
}

fn replace_by_us(peer: &mut Peer, list: &ShareableList, item: &Item) {
    let before = list.get(0).unwrap();
    let expected = match list.set(0, item) {
        Ok(()) => item,
        Err(ListError::TooLong { len, room, .. }) if len > room => &before,
        Err(error) => panic!("{error:?} for {item:?}"),
    };
    let found = list.get(0).unwrap();
    assert!(same(&found, expected), "{found:?} {expected:?}");
    let name = list.memory().name().unwrap();
    let found = from_json(&peer.call(&json!(["read_list", name]))[0]["value"]);
    assert!(same(&found, &without_zeros(expected)), "{found:?} {expected:?}");
}
