//! Copies between shared and private memory that others may write to meanwhile.
//!
//! A plain copy would be a data race if a thread of this program were the other one. So the copy
//! is made of relaxed atomic accesses, of the largest size that the type allows: for a type with
//! an atomic of its size that is this very size, as accesses of different sizes must not meet. It
//! may still find half of an old and half of a new value of a larger type.
#![allow(unsafe_code)]

use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering::Relaxed};

use crate::data::Plain;

/// Copies a value out of shared memory.
///
/// # Safety
///
/// A `T` lies at `place`, aligned, and whoever writes there meanwhile does so by atomic accesses
/// or is another process.
pub(super) unsafe fn load<T: Plain>(place: *mut T) -> T {
    let mut value = MaybeUninit::<T>::uninit();
    let to = value.as_mut_ptr();
    // SAFETY: both are good for a `T` and aligned for it; the units divide its size.
    unsafe {
        match unit::<T>() {
            8 => each::<T, u64>(|at| {
                let word = AtomicU64::from_ptr(place.cast::<u64>().add(at)).load(Relaxed);
                to.cast::<u64>().add(at).write(word);
            }),
            4 => each::<T, u32>(|at| {
                let word = AtomicU32::from_ptr(place.cast::<u32>().add(at)).load(Relaxed);
                to.cast::<u32>().add(at).write(word);
            }),
            2 => each::<T, u16>(|at| {
                let word = AtomicU16::from_ptr(place.cast::<u16>().add(at)).load(Relaxed);
                to.cast::<u16>().add(at).write(word);
            }),
            _ => each::<T, u8>(|at| {
                let byte = AtomicU8::from_ptr(place.cast::<u8>().add(at)).load(Relaxed);
                to.cast::<u8>().add(at).write(byte);
            }),
        }
        // All bytes are written, and any bytes are a `Plain`.
        value.assume_init()
    }
}

/// Copies a value into shared memory.
///
/// # Safety
///
/// As for [`load`].
pub(super) unsafe fn store<T: Plain>(place: *mut T, value: T) {
    let from = &raw const value;
    // SAFETY: as in `load`; a `Plain` has no padding.
    unsafe {
        match unit::<T>() {
            8 => each::<T, u64>(|at| {
                let word = from.cast::<u64>().add(at).read();
                AtomicU64::from_ptr(place.cast::<u64>().add(at)).store(word, Relaxed);
            }),
            4 => each::<T, u32>(|at| {
                let word = from.cast::<u32>().add(at).read();
                AtomicU32::from_ptr(place.cast::<u32>().add(at)).store(word, Relaxed);
            }),
            2 => each::<T, u16>(|at| {
                let word = from.cast::<u16>().add(at).read();
                AtomicU16::from_ptr(place.cast::<u16>().add(at)).store(word, Relaxed);
            }),
            _ => each::<T, u8>(|at| {
                let byte = from.cast::<u8>().add(at).read();
                AtomicU8::from_ptr(place.cast::<u8>().add(at)).store(byte, Relaxed);
            }),
        }
    }
}

/// The largest size of an atomic access to which a `T` is aligned.
const fn unit<T>() -> usize {
    match align_of::<T>() {
        8.. => 8,
        4.. => 4,
        2.. => 2,
        _ => 1,
    }
}

fn each<T, U>(mut copy: impl FnMut(usize)) {
    for at in 0..size_of::<T>() / size_of::<U>() {
        copy(at);
    }
}
