//! Values and arrays with a name, for programs that share nothing else.

mod common {
    pub(crate) mod watchdog;
}

use std::fs;
use std::os::unix::fs::PermissionsExt;

use common::watchdog::watchdog;
use mp_process::spawn;
use mp_shm::{Array, Name, RawArray, RawValue, RegionError, Value};

fn name(topic: &str) -> String {
    format!("{topic}-{}", std::process::id())
}

#[mp_process::test]
fn a_process_that_knows_the_name_has_the_object() {
    let _watchdog = watchdog();
    let name = name("known");
    let [of_value, of_array, of_raw, of_raws] = [1, 2, 3, 4].map(|n| format!("{name}-{n}"));
    let value = Value::create(&of_value, 1_u64).unwrap();
    let array = Array::create(&of_array, &['a', 'b']).unwrap();
    let raw = RawValue::create(&of_raw, 1.5_f32).unwrap();
    let raws = RawArray::create(&of_raws, &[1_u8, 2]).unwrap();
    let work = |name: String| {
        let [of_value, of_array, of_raw, of_raws] = [1, 2, 3, 4].map(|n| format!("{name}-{n}"));
        Value::<u64>::open(of_value).unwrap().update(|n| n + 1).unwrap();
        Array::open(of_array).unwrap().set(1, 'ß').unwrap();
        RawValue::open(of_raw).unwrap().set(2.5_f32);
        RawArray::open(of_raws).unwrap().set(0, 9_u8).unwrap();
    };
    spawn(work, (name,)).unwrap().join().unwrap();
    assert_eq!(value.get().unwrap(), 2);
    assert_eq!(array.to_vec().unwrap(), ['a', 'ß']);
    assert_eq!((raw.get(), raws.to_vec()), (2.5, vec![9, 2]));
    Value::<u64>::unlink(&of_value).unwrap();
    Array::<char>::unlink(&of_array).unwrap();
    RawValue::<f32>::unlink(&of_raw).unwrap();
    RawArray::<u8>::unlink(&of_raws).unwrap();
}

#[test]
fn a_name_is_taken_once_and_free_after_unlink() {
    let name = name("taken");
    let first = Value::create(&name, 1).unwrap();
    assert!(matches!(Value::create(&name, 2), Err(RegionError::Exists { .. })));
    assert!(matches!(Array::create(&name, &[2]), Err(RegionError::Exists { .. })));
    Value::<i32>::unlink(&name).unwrap();
    assert!(matches!(Value::<i32>::open(&name), Err(RegionError::NotFound { .. })));
    assert!(matches!(Value::<i32>::unlink(&name), Err(RegionError::NotFound { .. })));
    let second = Value::create(&name, 2).unwrap();
    Value::<i32>::unlink(&name).unwrap();
    assert_eq!((first.get().unwrap(), second.get().unwrap()), (1, 2));
}

#[test]
fn what_lies_under_a_name_is_opened_as_what_it_is() {
    let name = name("what");
    let _value = Value::create(&name, 1_u32).unwrap();
    let wrong_kinds = [
        Array::<u32>::open(&name).map(drop),
        RawValue::<u32>::open(&name).map(drop),
        RawArray::<u32>::open(&name).map(drop),
        mp_sync::Lock::open(&name).map(drop),
    ];
    for refused in wrong_kinds {
        let error = refused.unwrap_err();
        assert!(error.to_string().contains("found value"), "{error}");
    }
    let error = Value::<f32>::open(&name).unwrap_err();
    assert!(matches!(error, RegionError::Fingerprint { .. }), "{error}");
    Value::<u32>::unlink(&name).unwrap();
}

#[test]
fn a_name_says_who_may_open_it() {
    let name = name("mode");
    let _value = Value::create(Name::new(&name).mode(0o640), 1_u8).unwrap();
    let mode = fs::metadata(format!("/dev/shm/mp.{name}")).unwrap().permissions().mode();
    Value::<u8>::unlink(&name).unwrap();
    assert_eq!(mode & 0o777, 0o640);
}

#[test]
fn what_can_be_no_name_is_an_error() {
    for name in ["", "a/b", "nul\0", &"x".repeat(300)] {
        assert!(matches!(Value::create(name, 1), Err(RegionError::Name { .. })));
        assert!(matches!(Array::<u8>::open(name), Err(RegionError::Name { .. })));
    }
}

#[mp_process::test]
fn of_a_part_with_a_name_others_know_too() {
    let _watchdog = watchdog();
    let name = name("parts");
    let array = Array::create(&name, &[0_u8; 4]).unwrap();
    let left = array.part(0..2);
    let _guard = left.claim().unwrap();
    let claims = |name: String| {
        let array = Array::<u8>::open(name).unwrap();
        let [left, right] = [array.part(1..2), array.part(2..4)];
        (left.try_claim().unwrap().is_some(), right.try_claim().unwrap().is_some())
    };
    let child = spawn(claims, (name.clone(),)).unwrap();
    assert_eq!(child.join().unwrap(), (false, true));
    Array::<u8>::unlink(&name).unwrap();
}
