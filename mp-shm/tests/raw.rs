//! Without a lock: what is atomic, is; the rest is copied.

mod common {
    pub(crate) mod parcel;
}

use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use std::thread;

use common::parcel::arrive;
use mp_process::spawn;
use mp_shm::{Data, RawArray, RawValue};

#[derive(Clone, Copy, Debug, PartialEq, Data)]
#[repr(C)]
struct Pixel {
    red: u16,
    green: u16,
    blue: u16,
}

#[test]
fn smoke() {
    let value = RawValue::new(5_i32).unwrap();
    assert_eq!(value.fetch_add(-6, AcqRel), 5);
    assert_eq!(arrive(&value).load(Acquire), -1);
    let array = RawArray::from_slice(&[1.5_f64, 2.5]).unwrap();
    array.store(1, 9.0, Release).unwrap();
    assert_eq!(arrive(&array).to_vec(), [1.5, 9.0]);
}

#[mp_process::test]
fn what_four_processes_add_is_all_there() {
    let (total, slots) = (RawValue::new(0_u64).unwrap(), RawArray::<u32>::zeroed(4).unwrap());
    let count = |total: RawValue<u64>, slots: RawArray<u32>, number: usize| {
        for turn in 0..10_000 {
            total.fetch_add(1, Relaxed);
            slots.fetch_add(turn % 4, 1, Relaxed).unwrap();
            slots.fetch_sub(number, 1, Relaxed).unwrap();
        }
    };
    let children: Vec<_> = (0..4)
        .map(|number| spawn(count, (total.clone(), slots.clone(), number)).unwrap())
        .collect();
    children.into_iter().for_each(|child| child.join().unwrap());
    assert_eq!(total.get(), 40_000);
    assert_eq!(slots.to_vec(), [0; 4]);
}

macro_rules! each_integer {
    ($($name:ident)*) => {$(
        #[test]
        fn $name() {
            let value = RawValue::new($name::MAX).unwrap();
            assert_eq!(value.fetch_add(1, Relaxed), $name::MAX);
            assert_eq!(value.get(), $name::MIN, "it wraps around");
            assert_eq!(value.fetch_sub(1, Relaxed), $name::MIN);
            assert_eq!(value.swap(3, AcqRel), $name::MAX);
            assert_eq!(value.compare_exchange(4, 5, AcqRel, Relaxed), Err(3));
            assert_eq!(value.compare_exchange(3, 5, AcqRel, Relaxed), Ok(3));
            assert_eq!(value.fetch_max(9, Relaxed), 5);
            assert_eq!(value.fetch_min(2, Relaxed), 9);
            value.set(7);
            assert_eq!((value.load(Relaxed), value.get()), (7, 7));

            let array = RawArray::from_slice(&[1 as $name, 2]).unwrap();
            assert_eq!(array.swap(1, 8, Relaxed).unwrap(), 2);
            assert_eq!(array.compare_exchange(1, 8, 6, AcqRel, Relaxed).unwrap(), Ok(8));
            assert_eq!(array.fetch_add(1, 1, Relaxed).unwrap(), 6);
            assert_eq!(array.load(1, Relaxed).unwrap(), 7);
            assert_eq!((array.get(0).unwrap(), array.get(1).unwrap()), (1, 7));
        }
    )*};
}

mod integers {
    use super::*;

    each_integer!(u8 u16 u32 u64 usize i8 i16 i32 i64 isize);
}

#[test]
fn floats_are_exchanged_bit_for_bit() {
    let value = RawValue::new(0.0_f64).unwrap();
    assert!(value.compare_exchange(-0.0, 1.0, AcqRel, Relaxed).is_err());
    assert_eq!(value.compare_exchange(0.0, f64::NAN, AcqRel, Relaxed), Ok(0.0));
    assert!(value.compare_exchange(f64::NAN, 2.0, AcqRel, Relaxed).is_ok());
    assert_eq!(RawValue::new(1.25_f32).unwrap().swap(0.0, Relaxed), 1.25);
}

#[test]
fn structures_of_any_alignment_are_copied_whole() {
    let pixel = Pixel { red: 1, green: 2, blue: 3 };
    let value = RawValue::new(pixel).unwrap();
    value.set(Pixel { blue: 9, ..pixel });
    assert_eq!(arrive(&value).get(), Pixel { blue: 9, ..pixel });
    let array = RawArray::<Pixel>::zeroed(3).unwrap();
    array.set(2, pixel).unwrap();
    assert_eq!(array.to_vec()[1..], [Pixel { red: 0, green: 0, blue: 0 }, pixel]);
    assert_eq!(RawValue::new(u128::MAX - 7).unwrap().get(), u128::MAX - 7);
    assert_eq!(RawValue::new([1_u8, 2, 3]).unwrap().get(), [1, 2, 3]);
}

#[test]
fn a_word_is_never_seen_half_written() {
    let value = RawValue::new(0_u16).unwrap();
    thread::scope(|scope| {
        scope.spawn(|| (0..200_000).for_each(|turn| value.set(if turn % 2 == 0 { 0 } else { !0 })));
        for _ in 0..200_000 {
            assert!(matches!(value.get(), 0 | 0xffff));
        }
    });
}

#[test]
fn beyond_the_end_all_is_an_error() {
    let array = RawArray::from_slice(&[1_u8]).unwrap();
    assert!(array.get(1).is_err() && array.set(1, 0).is_err());
    assert!(array.load(1, Relaxed).is_err() && array.store(1, 0, Relaxed).is_err());
    assert!(array.fetch_add(usize::MAX, 0, Relaxed).is_err() && array.swap(1, 0, Relaxed).is_err());
    assert!(array.compare_exchange(1, 0, 0, Relaxed, Relaxed).is_err());
    assert_eq!(array.to_vec(), [1]);
}
