//! Values that are copied as they lie in memory: numbers and truth values, alone and as tuples of
//! one or two of a kind.
//!
//! To tag and measure each of a million numbers costs more than most of what is done with them.
//! Side by side they are a plain copy: the type alone, which both sides know, says how many bytes
//! each has, and where it ends.
//!
//! The unsafe code rests on three facts: (1) types with equal ids are the same (`typeid`); (2)
//! those that are listed have no padding, which is asserted below, so all their bytes are
//! initialized; (3) any bytes are a number, and a zero or a one is a `bool`.

#![allow(unsafe_code)]

use std::any::TypeId;
use std::fmt;
use std::marker::PhantomData;
use std::slice;

/// Knows that the values of a type are copied as they lie in memory.
///
/// # Examples
///
/// ```
/// use mp_handle::Flat;
///
/// let flat = Flat::<f64>::new().expect("a number");
/// let bytes = flat.bytes(&[0.5, 2.0]);
/// assert_eq!(bytes.len(), 2 * flat.size());
///
/// let mut numbers = vec![1.0];
/// assert!(flat.extend(&mut numbers, bytes));
/// assert_eq!(numbers, [1.0, 0.5, 2.0]);
/// assert_eq!(flat.value(&bytes[8..]), Some(2.0));
/// assert_eq!(flat.value(&bytes[9..]), None, "too short");
///
/// assert!(Flat::<(u8, u8)>::new().is_some());
/// assert!(Flat::<String>::new().is_none() && Flat::<(u8, u64)>::new().is_none());
/// ```
pub struct Flat<T>(PhantomData<fn() -> T>);

impl<T> Clone for Flat<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Flat<T> {}

impl<T> fmt::Debug for Flat<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Flat<{}>", std::any::type_name::<T>())
    }
}

/// Calls `$action` with each type whose values, and tuples of them, are flat.
macro_rules! for_each_flat {
    ($action:ident) => {
        $action! { u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize f32 f64 bool }
    };
}

macro_rules! assert_no_padding {
    ($($flat:ty)*) => {$(
        const _: () = assert!(size_of::<($flat,)>() == size_of::<$flat>());
        const _: () = assert!(size_of::<($flat, $flat)>() == 2 * size_of::<$flat>());
    )*};
}

for_each_flat!(assert_no_padding);

impl<T> Flat<T> {
    /// Finds out whether the values of `T` are flat. A release build knows when it is compiled.
    #[must_use]
    #[inline]
    pub fn new() -> Option<Self> {
        macro_rules! is_any {
            ($($flat:ty)*) => {
                $(is::<T, $flat>() || is::<T, ($flat,)>() || is::<T, ($flat, $flat)>())||*
            };
        }
        for_each_flat!(is_any).then_some(Self(PhantomData))
    }

    /// How many bytes each value has; at least one.
    #[must_use]
    #[inline]
    pub fn size(self) -> usize {
        size_of::<T>()
    }

    /// The bytes of values, side by side.
    #[must_use]
    #[inline]
    pub fn bytes(self, values: &[T]) -> &[u8] {
        // SAFETY: by facts (1) and (2) all of their bytes are initialized, and there are no others.
        unsafe { slice::from_raw_parts(values.as_ptr().cast(), size_of_val(values)) }
    }

    /// The value whose bytes these are; `None` if they are those of none, or of several.
    #[must_use]
    #[inline]
    pub fn value(self, bytes: &[u8]) -> Option<T> {
        // SAFETY: `are_values` says that they are, and of one there are as many.
        (bytes.len() == self.size() && self.are_values(bytes))
            .then(|| unsafe { bytes.as_ptr().cast::<T>().read_unaligned() })
    }

    /// Appends the values whose bytes these are; false, and nothing is done, if they are no values.
    #[must_use]
    #[inline]
    pub fn extend(self, values: &mut Vec<T>, bytes: &[u8]) -> bool {
        if !bytes.len().is_multiple_of(self.size()) || !self.are_values(bytes) {
            return false;
        }
        let (end, count) = (values.len(), bytes.len() / self.size());
        values.reserve(count);
        // SAFETY: `reserve` made room for `count` values behind the end, which as many bytes as
        // these fill; `are_values` says that they are values.
        unsafe {
            let room = values.as_mut_ptr().add(end).cast::<u8>();
            room.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
            values.set_len(end + count);
        }
        true
    }

    /// Whether whole values of the type may have these bytes, by fact (3).
    #[inline]
    fn are_values(self, bytes: &[u8]) -> bool {
        let is_truth = is::<T, bool>() || is::<T, (bool,)>() || is::<T, (bool, bool)>();
        !is_truth || bytes.iter().all(|&byte| byte <= 1)
    }
}

#[inline]
fn is<T, U: 'static>() -> bool {
    typeid::of::<T>() == TypeId::of::<U>()
}

#[cfg(test)]
mod tests {
    use super::Flat;

    #[test]
    fn values_come_back_as_they_went() {
        let pairs = [(1_u32, u32::MAX), (7, 0)];
        let flat = Flat::<(u32, u32)>::new().unwrap();
        let mut back = Vec::new();
        assert!(flat.extend(&mut back, flat.bytes(&pairs)));
        assert_eq!(back, pairs);
        // Also from where they are not aligned.
        let shifted = [&[9], flat.bytes(&pairs)].concat();
        assert_eq!(flat.value(&shifted[1..9]), Some(pairs[0]));
    }

    #[test]
    fn bytes_that_are_no_values_are_refused() {
        let flat = Flat::<bool>::new().unwrap();
        let mut truths = vec![true];
        assert!(flat.value(&[2]).is_none() && !flat.extend(&mut truths, &[0, 1, 2]));
        assert!(flat.extend(&mut truths, &[0, 1]));
        assert_eq!(truths, [true, false, true]);

        let flat = Flat::<u64>::new().unwrap();
        let mut numbers = Vec::new();
        for len in [1, 7, 9] {
            assert!(flat.value(&[0; 9][..len]).is_none());
            assert!(!flat.extend(&mut numbers, &[0; 9][..len]));
        }
        assert!(numbers.is_empty() && flat.value(&[]).is_none());
    }

    #[test]
    fn only_what_has_neither_padding_nor_holes_is_flat() {
        assert!(Flat::<(u8, u16)>::new().is_none() && Flat::<char>::new().is_none());
        assert!(Flat::<()>::new().is_none() && Flat::<&u8>::new().is_none());
        assert!(Flat::<Option<u8>>::new().is_none() && Flat::<[u8; 2]>::new().is_none());
    }
}
