//! Lists: what goes in comes out, and what is no list is an error.

mod common {
    pub(crate) mod random;
    pub(crate) mod text;
    pub(crate) mod watchdog;
}

use common::random::Random;
use common::text::text;
use common::watchdog::watchdog;
use mp_handle::Parcel;
use mp_shm::{Item, ListError, RegionError, SegmentError, ShareableList, SharedMemory};

fn of_all_sorts() -> Vec<Item> {
    vec![
        Item::from("howdy"),
        Item::from(b"HoWdY".as_slice()),
        Item::from(-273.154),
        Item::from(100),
        Item::None,
        Item::from(true),
        Item::from(42),
        Item::from("ééééé"),
    ]
}

fn items(list: &ShareableList) -> Vec<Item> {
    list.iter().collect::<Result<_, _>>().unwrap()
}

#[test]
fn smoke() {
    let list = ShareableList::new(of_all_sorts()).unwrap();
    assert_eq!(items(&list), of_all_sorts());
    assert_eq!((list.len(), list.is_empty()), (8, false));
    assert_eq!(list.count(42).unwrap(), 1);
    assert_eq!(list.index(Item::None).unwrap(), Some(4));
    assert_eq!(list.index("nobody").unwrap(), None);
    assert_eq!(list.room(0).unwrap(), 8);
    assert_eq!(format!("{list:?}"), "ShareableList { name: None, len: 8, .. }");
}

#[test]
fn the_bytes_are_those_of_pythons_layout() {
    let list = ShareableList::new(of_all_sorts()).unwrap();
    let mut bytes = vec![0; list.memory().size()];
    list.memory().read(0, &mut bytes).unwrap();
    assert_eq!(bytes.len(), 80 + 72 + 64 + 8);
    let words = bytes.chunks_exact(8).map(|word| u64::from_ne_bytes(word.try_into().unwrap()));
    let head: Vec<_> = words.take(10).collect();
    assert_eq!(head, [8, 0, 8, 16, 24, 32, 40, 48, 56, 72]);
    assert_eq!(&bytes[80..85], b"howdy");
    assert_eq!(&bytes[152..184], b"5s \0\0\0\0\x005s \0\0\0\0\0d\0\0\0\0\0\0\0q\0\0\0\0\0\0\0");
    assert_eq!(&bytes[216..], [1, 2, 0, 0, 3, 0, 0, 1]);
}

/// Row 30.
#[test]
fn any_text_and_any_bytes_come_back_as_they_were() {
    let mut random = Random::new(1);
    for _ in 0..2_000 {
        let (text, bytes) = (text(&mut random, 30), random.bytes(30));
        let given = [Item::from(&text), Item::from(bytes), Item::from(text.as_bytes())];
        let list = ShareableList::new(given.clone()).unwrap();
        assert_eq!(items(&list), given);
    }
}

/// Row 30.
#[test]
fn a_replaced_item_changes_no_other() {
    let mut random = Random::new(2);
    let list = ShareableList::new(["between", "two", "neighbours"].map(Item::from)).unwrap();
    for _ in 0..2_000 {
        let text = text(&mut random, 6);
        let before = list.get(1).unwrap();
        match list.set(1, &text) {
            Ok(()) => assert_eq!(list.get(1).unwrap(), Item::from(&text)),
            Err(ListError::TooLong { index: 1, len, room: 8 }) => {
                assert!(len == text.len() && len > 8);
                assert_eq!(list.get(1).unwrap(), before);
            }
            Err(error) => panic!("{error:?}"),
        }
        assert_eq!(list.get(0).unwrap(), Item::from("between"));
        assert_eq!(list.get(2).unwrap(), Item::from("neighbours"));
    }
}

#[test]
fn an_item_may_become_one_of_another_sort() {
    let list = ShareableList::new(["a text of some length"]).unwrap();
    for item in of_all_sorts() {
        list.set(0, &item).unwrap();
        assert_eq!(list.get(0).unwrap(), item);
    }
    list.set(0, "now of 24 bytes and no m").unwrap();
}

#[test]
fn a_place_is_as_large_as_python_makes_it() {
    for (len, room) in [(0, 8), (7, 8), (8, 16), (15, 16), (16, 24)] {
        let list = ShareableList::new(["x".repeat(len)]).unwrap();
        assert_eq!(list.room(0).unwrap(), room);
    }
}

#[test]
fn an_index_without_an_item_is_an_error() {
    let list = ShareableList::new(of_all_sorts()).unwrap();
    for index in [8, 9, usize::MAX] {
        let errors = [list.get(index).unwrap_err(), list.set(index, 1).unwrap_err()];
        for error in errors {
            assert!(matches!(error, ListError::OutOfBounds { len: 8, .. }), "{error:?}");
        }
    }
}

#[test]
fn an_empty_list_has_no_items() {
    let list = ShareableList::new(Vec::<Item>::new()).unwrap();
    assert_eq!((list.len(), list.iter().count(), list.memory().size()), (0, 0, 16));
}

#[test]
fn the_longest_item_and_one_byte_more() {
    let longest = "x".repeat(999_999);
    let list = ShareableList::new([&longest]).unwrap();
    assert_eq!(list.get(0).unwrap(), Item::from(&longest));
    let error = ShareableList::new(["x".repeat(1_000_000)]).unwrap_err();
    assert!(matches!(error, ListError::TooLarge { len: 1_000_000 }));
}

#[test]
fn a_list_with_a_name_is_opened_by_it() {
    let name = format!("list-named-{}", std::process::id());
    let list = ShareableList::create(&name, of_all_sorts()).unwrap();
    let opened = ShareableList::open(&name).unwrap();
    let reader = ShareableList::open_read_only(&name).unwrap();
    ShareableList::unlink(&name).unwrap();
    opened.set(0, "hello").unwrap();
    assert_eq!(list.get(0).unwrap(), Item::from("hello"));
    assert_eq!(reader.get(0).unwrap(), Item::from("hello"));
    let error = reader.set(0, "never").unwrap_err();
    assert!(matches!(error, ListError::Segment(SegmentError::ReadOnly)), "{error:?}");
    let gone = ShareableList::open(&name).unwrap_err();
    assert!(matches!(gone, ListError::Region(RegionError::NotFound { .. })), "{gone:?}");
}

fn rename(list: ShareableList, name: String) -> bool {
    list.set(0, name).is_ok()
}

#[mp_process::test]
fn a_list_travels() {
    let _watchdog = watchdog();
    let list = ShareableList::new(of_all_sorts()).unwrap();
    let arguments = (list.clone(), "Jörg".to_owned());
    assert!(mp_process::spawn(rename, arguments).unwrap().join().unwrap());
    assert_eq!(list.get(0).unwrap(), Item::from("Jörg"));
}

#[test]
fn memory_that_holds_no_list_does_not_arrive_as_one() {
    let memory = SharedMemory::new(15).unwrap();
    let arrived: Result<ShareableList, _> = Parcel::encode(&memory).unwrap().decode();
    assert!(arrived.unwrap_err().to_string().contains("expected a list, found 15 bytes"));
}

/// The bytes of a list of two integers, with one number of the layout replaced.
fn replaced(offset: usize, word: i64) -> SharedMemory {
    let list = ShareableList::new([1, 2]).unwrap();
    list.memory().write(offset, &word.to_ne_bytes()).unwrap();
    list.memory().clone()
}

#[test]
fn a_layout_beyond_the_memory_is_no_list() {
    for count in [-1, 3, i64::MAX] {
        let error = ShareableList::attach(replaced(0, count)).unwrap_err();
        assert!(matches!(error, ListError::NotAList { size: 66 }), "{error:?}");
    }
    for size_of_data in [-8, 17, i64::MAX] {
        let error = ShareableList::attach(replaced(24, size_of_data)).unwrap_err();
        assert!(matches!(error, ListError::NotAList { size: 66 }), "{error:?}");
    }
}

#[test]
fn an_item_lies_within_the_data() {
    for offset in [-8, 17, 24, i64::MAX] {
        let list = ShareableList::attach(replaced(16, offset)).unwrap();
        for index in [0, 1] {
            for error in [list.get(index).unwrap_err(), list.set(index, 5).unwrap_err()] {
                assert!(matches!(error, ListError::Corrupt { .. }), "{error:?}");
            }
        }
    }
}

#[test]
fn an_item_ends_with_its_place() {
    let list = ShareableList::new(["one", "two"]).unwrap();
    let formats = 32 + 16;
    for format in [*b"9s\0\0\0\0\0\0", *b"9s \0\0\0\0\0", *b"9999999s", *b"s\0\0\0\0\0\0\0"] {
        list.memory().write(formats, &format).unwrap();
        let error = list.get(0).unwrap_err();
        assert!(matches!(error, ListError::Corrupt { index: 0 }), "{error:?}");
        assert_eq!(list.get(1).unwrap(), Item::from("two"));
    }
}

fn poke(list: &ShareableList, value: impl Fn(usize) -> Item) {
    for index in 0..list.len().min(20) {
        let _ = list.get(index);
        let _ = list.room(index);
        let _ = list.set(index, value(index));
    }
    let _ = list.iter().take(20).filter(Result::is_ok).count();
    let _ = list.get(list.len());
}

/// Whatever lies in the memory, each operation ends, in a value or an error.
#[test]
fn any_bytes_are_a_list_or_an_error() {
    let _watchdog = watchdog();
    let mut random = Random::new(6);
    let mut lists = 0;
    for _ in 0..20_000 {
        let mut bytes = random.bytes(200);
        if bytes.len() >= 8 {
            let count = [0, 1, 2, 1 << 60, u64::MAX][random.below(5)];
            bytes[..8].copy_from_slice(&count.to_ne_bytes());
        }
        for word in bytes.chunks_exact_mut(8).skip(1).take(4) {
            let offset = [0, 8, 16, 40, u64::MAX, 1 << 62][random.below(6)];
            word.copy_from_slice(&offset.to_ne_bytes());
        }
        let memory = SharedMemory::new(bytes.len()).unwrap();
        memory.write(0, &bytes).unwrap();
        match ShareableList::attach(memory) {
            Ok(list) => {
                lists += 1;
                poke(&list, |index| Item::from("text".repeat(index)));
            }
            Err(error) => assert!(matches!(error, ListError::NotAList { .. }), "{error:?}"),
        }
    }
    assert!(lists > 1_000, "only {lists} were lists");
}

/// A peer that writes anything anywhere after the list was opened.
#[test]
fn a_destroyed_list_gives_errors_or_other_values() {
    let _watchdog = watchdog();
    let mut random = Random::new(7);
    for _ in 0..3_000 {
        let list = ShareableList::new(of_all_sorts()).unwrap();
        for _ in 0..random.below(8) + 1 {
            let offset = random.below(list.memory().size() - 8);
            let word = [random.number(), 0, 8, u64::MAX, 1 << 62][random.below(5)];
            let text = *b"9999999s";
            let bytes = if random.below(3) == 0 { text } else { word.to_ne_bytes() };
            list.memory().write(offset, &bytes).unwrap();
        }
        poke(&list, |index| Item::from(vec![0; index]));
    }
}
