//! A value is the same for all who have it, and its lock keeps every change.

mod common {
    pub(crate) mod parcel;
    pub(crate) mod watchdog;
}

use std::thread;
use std::time::{Duration, Instant};

use common::parcel::arrive;
use common::watchdog::watchdog;
use mp_process::spawn;
use mp_shm::{AccessError, Array, RawValue, RegionError, Text, Value};
use mp_sync::{Condition, Event, Lock, LockError};
use serde::{Deserialize, Serialize};

const SHORT: Duration = Duration::from_millis(5);

#[test]
fn smoke() {
    let value = Value::new(40).unwrap();
    value.set(41).unwrap();
    *value.lock().unwrap() += 1;
    assert_eq!(value.get().unwrap(), 42);
    assert_eq!(value.clone().update(|n| n * 2).unwrap(), 84);
    assert_eq!(*arrive(&value).lock().unwrap(), 84);
}

#[mp_process::test]
fn updates_of_four_processes_are_all_counted() {
    let _watchdog = watchdog();
    let (counter, go) = (Value::new(0_u64).unwrap(), Event::new().unwrap());
    let count = |counter: Value<u64>, go: Event| {
        go.wait();
        for _ in 0..30_000 {
            counter.update(|n| n + 1).unwrap();
            *counter.lock().unwrap() += 1;
        }
    };
    let children = [(); 4].map(|()| spawn(count, (counter.clone(), go.clone())).unwrap());
    go.set();
    children.into_iter().for_each(|child| child.join().unwrap());
    assert_eq!(counter.get().unwrap(), 240_000);
}

/// What a program's own messages look like.
#[derive(Serialize, Deserialize)]
struct Job {
    total: Value<f64>,
    inputs: Vec<(Value<u32>, Option<Array<i64>>)>,
    done: RawValue<u8>,
}

#[mp_process::test]
fn handles_travel_inside_of_anything_and_come_back() {
    let job = Job {
        total: Value::new(0.5).unwrap(),
        inputs: vec![
            (Value::new(1).unwrap(), None),
            (Value::new(2).unwrap(), Some(Array::from_slice(&[3, 4]).unwrap())),
        ],
        done: RawValue::new(0).unwrap(),
    };
    let work = |jobs: Vec<(Job,)>| {
        let job = &jobs[0].0;
        for (number, more) in &job.inputs {
            let more = more.as_ref().map_or(0, |more| more.lock().unwrap().iter().sum());
            let sum = f64::from(number.get().unwrap()) + more as f64;
            *job.total.lock().unwrap() += sum;
        }
        job.done.set(1);
        let fresh: Value<Text<8>> = Value::new("made".parse().unwrap()).unwrap();
        (jobs[0].0.total.clone(), fresh)
    };
    let (total, done) = (job.total.clone(), job.done.clone());
    let (same, fresh) = spawn(work, (vec![(job,)],)).unwrap().join().unwrap();
    assert_eq!((total.get().unwrap(), done.get()), (10.5, 1));
    same.set(0.0).unwrap();
    assert_eq!(total.get().unwrap(), 0.0);
    assert_eq!(fresh.get().unwrap().as_str(), "made");
}

#[test]
fn outside_of_a_parcel_a_handle_is_an_error() {
    let error = serde_json::to_string(&Value::new(1).unwrap()).unwrap_err();
    assert!(!error.to_string().is_empty());
}

#[mp_process::test]
fn values_and_arrays_share_a_lock_wherever_it_lies() {
    let _watchdog = watchdog();
    let alone = Lock::new().unwrap();
    let owner = Array::from_slice(&[true, false]).unwrap();
    for lock in [&alone, owner.get_lock()] {
        let value = Value::with_lock(1_u32, lock).unwrap();
        let array = Array::with_lock(&['a', 'b'], value.get_lock()).unwrap();
        let zeros: Array<u64> = Array::zeroed_with_lock(1, lock).unwrap();
        let (value_here, array_here) = (arrive(&value), arrive(&array));
        let guard = lock.lock().unwrap();
        for refused in [
            value.try_lock().unwrap().is_none(),
            value_here.try_lock().unwrap().is_none(),
            array_here.try_lock().unwrap().is_none(),
            zeros.try_lock().unwrap().is_none(),
        ] {
            assert!(refused);
        }
        assert_eq!(value_here.borrow(&guard), Some(&1));
        let refused = |value: Value<u32>, array: Array<char>| {
            let locked = value.lock_timeout(SHORT).unwrap().is_some();
            locked || array.lock_timeout(SHORT).unwrap().is_some()
        };
        let taken = spawn(refused, (value.clone(), array.clone())).unwrap().join().unwrap();
        assert!(!taken, "the child had another lock");
        drop(guard);
        let _guard = value.lock().unwrap();
        assert!(array.try_lock().unwrap().is_none());
    }
}

#[test]
fn a_lock_that_lies_elsewhere_does_not_arrive_as_another() {
    use mp_handle::{Kind, Parcel, Region};
    let page = rustix::param::page_size();
    let region = Region::create(Kind::new(1000, "home"), 0, 2 * page - 64).unwrap();
    let lock = Lock::in_region(&region, 0).unwrap();
    let value = Value::with_lock(5_u8, &lock).unwrap();
    let error = Parcel::encode(&value).unwrap().decode::<Value<u8>>().unwrap_err();
    assert!(error.to_string().contains("home"), "{error}");
}

#[test]
fn only_the_guard_of_its_lock_opens_a_value() {
    let (first, second) = (Lock::new().unwrap(), Lock::new().unwrap());
    let value = Value::with_lock(7, &first).unwrap();
    let (mut right, mut wrong) = (first.lock().unwrap(), second.lock().unwrap());
    assert_eq!(value.borrow(&wrong), None);
    assert_eq!(value.borrow_mut(&mut wrong), None);
    *value.borrow_mut(&mut right).unwrap() += 1;
    assert_eq!(value.borrow(&right), Some(&8));
}

#[test]
fn a_lock_that_is_held_is_told() {
    let value = Value::new(1).unwrap();
    let guard = value.lock().unwrap();
    assert!(matches!(value.lock(), Err(LockError::AlreadyHeld)));
    assert!(matches!(value.get(), Err(AccessError::AlreadyHeld)));
    assert!(matches!(value.update(|n| n), Err(AccessError::AlreadyHeld)));
    assert!(value.try_lock().unwrap().is_none());
    thread::scope(|scope| {
        scope.spawn(|| {
            let start = Instant::now();
            assert!(value.lock_timeout(SHORT).unwrap().is_none());
            assert!(start.elapsed() >= SHORT);
        });
    });
    drop(guard);
    assert!(value.try_lock().unwrap().is_some());
}

#[test]
fn an_update_that_panics_changes_nothing_and_gives_the_lock_back() {
    let value = Value::new(3).unwrap();
    let update = || value.update(|_| panic!("no number"));
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(update)).unwrap_err();
    assert_eq!(value.get().unwrap(), 3);
}

#[mp_process::test]
fn a_condition_waits_with_the_guard_of_a_value() {
    let _watchdog = watchdog();
    let (turn, changed) = (Value::new(0_u32).unwrap(), Condition::new().unwrap());
    let started = Event::new().unwrap();
    let answer = |turn: Value<u32>, changed: Condition, started: Event| {
        let guard = turn.lock().unwrap();
        started.set();
        let mut guard = changed.wait_while(guard, |turn| **turn == 0).unwrap();
        *guard *= 10;
    };
    let arguments = (turn.clone(), changed.clone(), started.clone());
    let child = spawn(answer, arguments).unwrap();
    started.wait();
    *turn.lock().unwrap() = 4;
    changed.notify_all();
    child.join().unwrap();
    assert_eq!(turn.get().unwrap(), 40);
}

#[test]
fn numbers_of_all_sizes_and_nested_arrays_are_kept_exactly() {
    macro_rules! kept {
        ($($value:expr),* $(,)?) => {$(
            let value = Value::new($value).unwrap();
            assert_eq!(arrive(&value).get().unwrap(), $value);
        )*};
    }
    kept!(u8::MAX, i8::MIN, u16::MAX, i16::MIN, u32::MAX, i32::MIN, u64::MAX, i64::MIN);
    kept!(u128::MAX - 1, i128::MIN + 1, usize::MAX, isize::MIN, f32::MIN, f64::EPSILON);
    kept!(true, false, 'ß', '\u{10ffff}', [[[1.5_f64, 2.5]; 3]; 2], [u128::MAX; 5], [1_u8; 4097]);
}

#[test]
fn as_another_type_it_does_not_arrive() {
    use mp_handle::Parcel;
    let value = Value::new(1.0_f64).unwrap();
    let error = Parcel::encode(&value).unwrap().decode::<Value<u64>>().unwrap_err().to_string();
    assert!(error.contains("expected value of type"), "{error}");
    let array = Array::from_slice(&[1.0_f64]).unwrap();
    let error = Parcel::encode(&array).unwrap().decode::<Array<u32>>().unwrap_err().to_string();
    assert!(error.contains("expected array of type"), "{error}");
    let error = Parcel::encode(&array).unwrap().decode::<Value<f64>>().unwrap_err().to_string();
    assert!(error.contains("expected value") && error.contains("found array"), "{error}");
}

#[test]
fn handles_are_for_all_threads_and_guards_for_one() {
    fn everywhere<T: Send + Sync + Clone + std::fmt::Debug>() {}
    everywhere::<Value<u8>>();
    everywhere::<Array<char>>();
    everywhere::<RawValue<u8>>();
    everywhere::<mp_shm::ArrayPart<u8>>();
    fn error<T: std::error::Error + Send + Sync + 'static>() {}
    error::<AccessError>();
    error::<RegionError>();
}
