//! [`Atomic`]: types that the processor reads and writes in one go.
#![allow(unsafe_code)]

use std::sync::atomic::{self, Ordering};

use crate::data::Plain;

/// [`Plain`] types with an atomic of their size, for use without a lock.
///
/// Implemented for the integers up to 64 bits and for floats; it cannot be implemented elsewhere.
pub trait Atomic: Plain + PartialEq + sealed::Atomic {}

/// [`Atomic`] integers, on which the processor can also calculate.
///
/// Implemented for the integers up to 64 bits; it cannot be implemented elsewhere.
pub trait AtomicInteger: Atomic + sealed::AtomicInteger {}

pub(super) mod sealed {
    use std::sync::atomic::Ordering;

    /// # Safety
    ///
    /// The functions are safe to call with a place that is good and aligned for `Self`, to which
    /// others make only atomic accesses, or are other processes.
    pub unsafe trait Atomic: Sized {
        unsafe fn load(place: *mut Self, order: Ordering) -> Self;
        unsafe fn store(place: *mut Self, value: Self, order: Ordering);
        unsafe fn swap(place: *mut Self, value: Self, order: Ordering) -> Self;
        unsafe fn compare_exchange(
            place: *mut Self,
            current: Self,
            new: Self,
            success: Ordering,
            failure: Ordering,
        ) -> Result<Self, Self>;
    }

    /// # Safety
    ///
    /// As for [`Atomic`].
    pub unsafe trait AtomicInteger: Atomic {
        unsafe fn fetch_add(place: *mut Self, value: Self, order: Ordering) -> Self;
        unsafe fn fetch_sub(place: *mut Self, value: Self, order: Ordering) -> Self;
        unsafe fn fetch_max(place: *mut Self, value: Self, order: Ordering) -> Self;
        unsafe fn fetch_min(place: *mut Self, value: Self, order: Ordering) -> Self;
    }
}

/// For a type, the atomic that stands for it, and how it becomes that atomic's type and back.
macro_rules! atomic {
    ($type:ident, $atomic:ident, $to:expr, $from:expr) => {
        // SAFETY: the atomic has the size of the type, and the place is aligned for it.
        unsafe impl sealed::Atomic for $type {
            unsafe fn load(place: *mut Self, order: Ordering) -> Self {
                // SAFETY: by the contract of the trait.
                $from(unsafe { atomic::$atomic::from_ptr(place.cast()) }.load(order))
            }
            unsafe fn store(place: *mut Self, value: Self, order: Ordering) {
                // SAFETY: by the contract of the trait.
                unsafe { atomic::$atomic::from_ptr(place.cast()) }.store($to(value), order);
            }
            unsafe fn swap(place: *mut Self, value: Self, order: Ordering) -> Self {
                // SAFETY: by the contract of the trait.
                $from(unsafe { atomic::$atomic::from_ptr(place.cast()) }.swap($to(value), order))
            }
            unsafe fn compare_exchange(
                place: *mut Self,
                current: Self,
                new: Self,
                success: Ordering,
                failure: Ordering,
            ) -> Result<Self, Self> {
                // SAFETY: by the contract of the trait.
                let word = unsafe { atomic::$atomic::from_ptr(place.cast()) };
                let swapped = word.compare_exchange($to(current), $to(new), success, failure);
                swapped.map($from).map_err($from)
            }
        }
        impl Atomic for $type {}
        const _: () = assert!(align_of::<$type>() == align_of::<atomic::$atomic>());
    };
}

macro_rules! integer {
    ($($type:ident $atomic:ident)*) => {$(
        atomic!($type, $atomic, std::convert::identity, std::convert::identity);

        // SAFETY: as above.
        unsafe impl sealed::AtomicInteger for $type {
            unsafe fn fetch_add(place: *mut Self, value: Self, order: Ordering) -> Self {
                // SAFETY: by the contract of the trait.
                unsafe { atomic::$atomic::from_ptr(place) }.fetch_add(value, order)
            }
            unsafe fn fetch_sub(place: *mut Self, value: Self, order: Ordering) -> Self {
                // SAFETY: by the contract of the trait.
                unsafe { atomic::$atomic::from_ptr(place) }.fetch_sub(value, order)
            }
            unsafe fn fetch_max(place: *mut Self, value: Self, order: Ordering) -> Self {
                // SAFETY: by the contract of the trait.
                unsafe { atomic::$atomic::from_ptr(place) }.fetch_max(value, order)
            }
            unsafe fn fetch_min(place: *mut Self, value: Self, order: Ordering) -> Self {
                // SAFETY: by the contract of the trait.
                unsafe { atomic::$atomic::from_ptr(place) }.fetch_min(value, order)
            }
        }
        impl AtomicInteger for $type {}
    )*};
}

integer! {
    u8 AtomicU8 u16 AtomicU16 u32 AtomicU32 u64 AtomicU64 usize AtomicUsize
    i8 AtomicI8 i16 AtomicI16 i32 AtomicI32 i64 AtomicI64 isize AtomicIsize
}
atomic!(f32, AtomicU32, f32::to_bits, f32::from_bits);
atomic!(f64, AtomicU64, f64::to_bits, f64::from_bits);
