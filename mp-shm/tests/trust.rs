//! Whatever a peer writes over an object, what comes of it is an error or wrong values.

mod common {
    pub(crate) mod random;
    pub(crate) mod watchdog;
}

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::thread;
use std::time::Duration;

use common::random::Random;
use common::watchdog::watchdog;
use mp_process::spawn;
use mp_shm::{AccessError, Array, Data, LockError, RawArray, RawValue, RegionError, Value};

const SHORT: Duration = Duration::from_micros(200);
/// Where an array's table of claims, its first claim and its elements lie.
const TABLE: u64 = 128;
const CLAIM: u64 = TABLE + 128;
const CLAIM_SIZE: u64 = 24;
const COUNT: u64 = 64;

#[derive(Clone, Copy, Debug, PartialEq, Data)]
#[repr(u8)]
enum State {
    Idle = 3,
    Busy = 7,
}

/// The file of an object with a name, as a peer has it that does not know better.
fn file(name: &str) -> File {
    OpenOptions::new().read(true).write(true).open(format!("/dev/shm/mp.{name}")).unwrap()
}

fn name(topic: &str) -> String {
    format!("trust-{topic}-{}", std::process::id())
}

#[test]
fn bytes_that_are_no_value_of_the_type_are_an_error() {
    let name = name("checked");
    let state = Value::create(&name, State::Idle).unwrap();
    let file = file(&name);
    Value::<State>::unlink(&name).unwrap();
    for byte in 0..=u8::MAX {
        file.write_all_at(&[byte], TABLE).unwrap();
        match (byte, state.get()) {
            (3, Ok(State::Idle)) | (7, Ok(State::Busy)) => {}
            (_, Err(error @ AccessError::Invalid { .. })) => {
                assert!(error.to_string().contains("State"), "{error}");
            }
            (byte, got) => panic!("{byte} is {got:?}"),
        }
    }
    assert!(state.update(|_| State::Idle).is_err());
    state.set(State::Busy).unwrap();
    assert_eq!(state.get().unwrap(), State::Busy);
}

#[test]
fn one_element_that_is_none_is_an_error_and_the_others_are_not() {
    let name = name("elements");
    let letters = Array::create(&name, &['a', 'b', 'c']).unwrap();
    let flags = name.clone() + "-flags";
    let bools = Array::create(&flags, &[true, false]).unwrap();
    let elements = TABLE + 2048;
    file(&name).write_all_at(&0xd800_u32.to_ne_bytes(), elements + 4).unwrap();
    file(&flags).write_all_at(&[2], elements + 1).unwrap();
    Array::<char>::unlink(&name).unwrap();
    Array::<bool>::unlink(&flags).unwrap();
    assert_eq!((letters.get(0).unwrap(), letters.get(2).unwrap()), ('a', 'c'));
    assert!(matches!(letters.get(1), Err(AccessError::Invalid { type_name: "char" })));
    assert!(letters.to_vec().is_err());
    assert!(bools.get(0).unwrap());
    assert!(matches!(bools.get(1), Err(AccessError::Invalid { type_name: "bool" })));
}

#[test]
fn a_count_that_was_written_over_is_an_error_or_stays_inside() {
    let name = name("count");
    let of_value = name.clone() + "-value";
    let _array = Array::create(&name, &[1_u64; 10]).unwrap();
    let _value = Value::create(&of_value, 1_u64).unwrap();
    for count in [0, 1, 9, 11, 200, 300, 4096, 1 << 32, 1 << 61, 1 << 63, u64::MAX] {
        file(&name).write_all_at(&u64::to_ne_bytes(count), COUNT).unwrap();
        file(&of_value).write_all_at(&u64::to_ne_bytes(count), COUNT).unwrap();
        match Array::<u64>::open(&name) {
            Ok(array) => {
                array.lock().unwrap().fill(u64::MAX);
                // The elements do not reach into the lock.
                assert!(array.lock().is_ok());
            }
            Err(error) => assert!(matches!(error, RegionError::Length { .. }), "{error}"),
        }
        let value = Value::<u64>::open(&of_value);
        assert_eq!(value.is_ok(), count == 1, "a value is exactly one");
    }
    Array::<u64>::unlink(&name).unwrap();
    Value::<u64>::unlink(&of_value).unwrap();
}

#[test]
fn a_raw_object_with_another_count_is_an_error() {
    let name = name("raw");
    let of_value = name.clone() + "-value";
    let _array = RawArray::create(&name, &[1_u16; 10]).unwrap();
    let _value = RawValue::create(&of_value, 1_u16).unwrap();
    for count in [0, 2, 9, 11, 1 << 63, u64::MAX] {
        file(&name).write_all_at(&u64::to_ne_bytes(count), COUNT).unwrap();
        file(&of_value).write_all_at(&u64::to_ne_bytes(count), COUNT).unwrap();
        assert!(matches!(RawArray::<u16>::open(&name), Err(RegionError::Length { .. })));
        assert!(matches!(RawValue::<u16>::open(&of_value), Err(RegionError::Length { .. })));
    }
    RawArray::<u16>::unlink(&name).unwrap();
    RawValue::<u16>::unlink(&of_value).unwrap();
}

#[test]
fn any_header_is_an_error_or_the_same_array() {
    let _watchdog = watchdog();
    let name = name("header");
    let array = Array::create(&name, &[7_u32; 100]).unwrap();
    let file = file(&name);
    let mut good = [0; 128];
    file.read_exact_at(&mut good, 0).unwrap();
    let mut random = Random::new(11);
    for _ in 0..3000 {
        let mut bad = good;
        bad[random.below(128)] = random.number() as u8;
        file.write_all_at(&bad, 0).unwrap();
        if let Ok(opened) = Array::<u32>::open(&name) {
            assert!(opened.lock().unwrap().iter().take(100).all(|&element| element == 7));
        }
        // Who has it already does not look again.
        assert_eq!(array.lock().unwrap().len(), 100);
    }
    Array::<u32>::unlink(&name).unwrap();
}

#[test]
fn threads_never_share_elements_whatever_a_peer_writes_into_the_table() {
    let name = name("table");
    let array = Array::create(&name, &[0_u8; 10]).unwrap();
    let file = file(&name);
    Array::<u8>::unlink(&name).unwrap();
    let clear = || file.write_all_at(&[0; 80 * CLAIM_SIZE as usize + 128], TABLE).unwrap();
    let parts = array.split(2);
    let first = parts[0].claim().unwrap();
    clear();
    assert!(array.try_lock().unwrap().is_none());
    assert!(parts[0].try_claim().unwrap().is_none());
    // The place of the first must not be given to the second, nor the first given back with it.
    let second = parts[1].claim().unwrap();
    clear();
    drop(second);
    assert!(parts[0].try_claim().unwrap().is_none());
    assert!(array.try_lock().unwrap().is_none());
    assert!(parts[1].try_claim().unwrap().is_some());
    drop(first);
    assert!(array.try_lock().unwrap().is_some());
}

#[test]
fn claims_of_nobody_are_cleared_and_those_of_others_end_with_them() {
    let name = name("claims");
    let array = Array::create(&name, &[0_u8; 10]).unwrap();
    let file = file(&name);
    Array::<u8>::unlink(&name).unwrap();
    let claim = |process: u64, start: u64, end: u64| {
        let words = [process, start, end].map(u64::to_ne_bytes).concat();
        file.write_all_at(&words, CLAIM).unwrap();
        file.write_all_at(&1_u32.to_ne_bytes(), TABLE + 8).unwrap();
    };
    // Numbers of no process: they count as dead ones.
    for process in [1, u64::from(u32::MAX), u64::MAX, u64::MAX << 32] {
        claim(process, 0, u64::MAX);
        assert!(array.lock().unwrap_err().recover().is_ok());
        assert!(array.lock().is_ok());
    }
    // Of a process that lives: only time helps, and time is limited.
    claim(1 << 32, 5, u64::MAX);
    assert!(array.lock_timeout(SHORT).unwrap().is_none());
    assert!(array.part(0..5).claim_timeout(SHORT).unwrap().is_some());
    // Ranges that are none are in nobody's way.
    claim(1 << 32, 9, 2);
    assert!(array.lock_timeout(SHORT).unwrap().is_some());
}

#[mp_process::test]
fn a_peer_that_never_stops_scribbling_stops_nobody() {
    let _watchdog = watchdog();
    let name = name("always");
    let array = Array::create(&name, &[0_u8; 100]).unwrap();
    let scribble = |name: String| -> () {
        let (file, mut random) = (file(&name), Random::new(5));
        loop {
            let at = 64 + random.below(4096 - 64 - 16);
            file.write_all_at(&random.bytes(16), at as u64).unwrap();
        }
    };
    let peer = spawn(scribble, (name.clone(),)).unwrap();
    for turn in 0..1000 {
        let part = array.part(turn % 100..100);
        drop(part.claim_timeout(SHORT));
        if let Ok(Some(guard)) = array.lock_timeout(SHORT) {
            assert_eq!(guard.iter().take(1000).count(), 100);
        }
        if let Ok(opened) = Array::<u8>::open(&name) {
            drop(opened.try_lock());
        }
    }
    peer.kill().unwrap();
    peer.join().unwrap_err();
    Array::<u8>::unlink(&name).unwrap();
}

#[test]
fn a_leaked_guard_is_never_joined_by_another_in_its_process() {
    let value = Value::new(1_u64).unwrap();
    let leaked = thread::scope(|scope| {
        let leak = || {
            let value: &'static Value<u64> = Box::leak(Box::new(value.clone()));
            &mut **Box::leak(Box::new(value.lock().unwrap()))
        };
        scope.spawn(leak).join().unwrap()
    });
    assert!(matches!(value.lock(), Err(LockError::Abandoned)));
    assert!(matches!(value.try_lock(), Err(LockError::Abandoned)));
    assert!(matches!(value.get(), Err(AccessError::Abandoned)));
    let guard = value.get_lock().lock().or_else(LockError::recover).unwrap();
    assert!(value.borrow(&guard).is_none());
    *leaked += 1;
}
