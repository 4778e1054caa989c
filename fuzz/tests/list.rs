//! `ShareableList` over any bytes.

use bolero::check;
use mp_fuzz::spoil;
use mp_shm::{Item, ShareableList, SharedMemory};

/// The bytes of a list with one of each.
fn valid() -> Vec<u8> {
    let items = [
        Item::from(-1_i64),
        Item::from(2.5),
        Item::from(true),
        Item::from("text"),
        Item::from(&b"bytes"[..]),
    ];
    let list = ShareableList::new(items).expect("memory");
    let mut bytes = vec![0; list.memory().size()];
    list.memory().read(0, &mut bytes).expect("all of it");
    bytes
}

#[test]
fn any_bytes_are_a_list_or_an_error() {
    let valid = valid();
    check!().for_each(|input: &[u8]| {
        let bytes = spoil(&valid, input);
        let memory = SharedMemory::new(bytes.len().max(1)).expect("memory");
        memory.write(0, &bytes).expect("room");
        let Ok(list) = ShareableList::attach(memory) else { return };
        assert!(list.len() <= bytes.len());
        for index in 0..list.len() {
            let _ = (list.get(index), list.room(index));
            let _ = list.set(index, "longer than most");
            let _ = list.set(index, 7_i64);
        }
        let _ = list.count(7_i64);
    });
}
