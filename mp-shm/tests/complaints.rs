//! What users of Python's `multiprocessing` complain about, and what holds here instead.

mod common {
    pub(crate) mod watchdog;
}

use std::fs;

use common::watchdog::watchdog;
use mp_process::spawn;
use mp_shm::{Array, Item, RegionError, ShareableList, SharedMemory, Value};

fn name(topic: &str) -> String {
    format!("complaint-{topic}-{}", std::process::id())
}

fn die_with(of_memory: String, of_value: String) {
    let _memory = SharedMemory::open(of_memory).unwrap();
    let _value = Value::<u64>::open(of_value).unwrap();
    std::process::abort();
}

/// "Shared memory destroyed by an attaching process".
#[mp_process::test]
fn who_merely_opens_shared_memory_never_takes_its_name_away() {
    let _watchdog = watchdog();
    let (of_memory, of_value) = (name("opened"), name("opened-value"));
    let memory = SharedMemory::create(&of_memory, 100).unwrap();
    let value = Value::create(&of_value, 7_u64).unwrap();
    spawn(die_with, (of_memory.clone(), of_value.clone())).unwrap().join().unwrap_err();
    let look = |of_memory: String, of_value: String| {
        drop(SharedMemory::open(of_memory).unwrap());
        Value::<u64>::open(of_value).unwrap().get().unwrap()
    };
    for _ in 0..2 {
        let seen = spawn(look, (of_memory.clone(), of_value.clone())).unwrap().join().unwrap();
        assert_eq!(seen, 7);
    }
    drop((memory, value));
    assert!(SharedMemory::open(&of_memory).is_ok(), "it lives until it is unlinked");
    SharedMemory::unlink(&of_memory).unwrap();
    Value::<u64>::unlink(&of_value).unwrap();
}

/// "Leaked semaphore/shared_memory/folder objects" warnings.
#[mp_process::test]
fn what_has_no_name_leaves_nothing_to_be_cleaned_up() {
    let _watchdog = watchdog();
    let child = || {
        let _objects = (
            Value::new(1).unwrap(),
            Array::from_slice(&[1.5]).unwrap(),
            ShareableList::new([1, 2]).unwrap(),
            SharedMemory::new(4096).unwrap(),
        );
        let links = fs::read_dir("/proc/self/fd").unwrap();
        let files = links.filter_map(|link| fs::read_link(link.ok()?.path()).ok());
        files.map(|file| file.to_string_lossy().into_owned()).collect::<Vec<_>>()
    };
    let files = spawn(child, ()).unwrap().join().unwrap();
    assert!(files.iter().filter(|file| file.starts_with("/memfd:")).count() >= 4, "{files:?}");
    assert!(!files.iter().any(|file| file.starts_with("/dev/shm")), "{files:?}");
}

/// "SIGBUS when `/dev/shm` is full".
#[test]
fn memory_that_is_not_there_is_an_error_at_once() {
    for error in [
        Array::<u8>::zeroed(1 << 50).map(drop).unwrap_err(),
        SharedMemory::new(1 << 50).map(drop).unwrap_err(),
        SharedMemory::create(name("full"), 1 << 50).map(drop).unwrap_err(),
    ] {
        use RegionError::{FileSizeLimit, NoMemory};
        assert!(matches!(error, NoMemory { .. } | FileSizeLimit { .. }), "{error}");
    }
    assert!(SharedMemory::open(name("full")).is_err(), "nothing half-made has the name");
}

/// "`ShareableList` corrupts data".
#[test]
fn a_list_returns_what_was_put_in() {
    let items = [Item::from("größer"), Item::from(b"\0\0".as_slice()), Item::None];
    let list = ShareableList::new(items.clone()).unwrap();
    for (at, item) in items.into_iter().enumerate() {
        assert_eq!(list.get(at).unwrap(), item);
    }
}

/// "Resource tracker deadlocks or dies".
#[mp_process::test]
fn no_helper_process_is_needed() {
    let _watchdog = watchdog();
    let child = || {
        let value = Value::new(1_u8).unwrap();
        let name = format!("complaint-helper-{}", std::process::id());
        let _memory = SharedMemory::create(&name, 1).unwrap();
        SharedMemory::unlink(&name).unwrap();
        let children = fs::read_to_string("/proc/thread-self/children").unwrap();
        (value, children)
    };
    let (value, children) = spawn(child, ()).unwrap().join().unwrap();
    assert_eq!((value.get().unwrap(), children.as_str()), (1, ""));
}

/// "Temporary files, paths of sockets that are too long".
#[test]
fn a_name_that_is_too_long_is_an_error_and_the_longest_works() {
    let longest = format!("{:x<200}", name("long"));
    let value = Value::create(&longest, 3_u8).unwrap();
    assert_eq!(Value::<u8>::open(&longest).unwrap().get().unwrap(), value.get().unwrap());
    Value::<u8>::unlink(&longest).unwrap();
    let error = Value::create(longest + "x", 3_u8).unwrap_err();
    assert!(matches!(error, RegionError::Name { .. }), "{error}");
}
