//! [`Data`]: what may lie in shared memory.
//!
//! Another process may write there, by accident anything. So a type is either valid whatever its
//! bytes are ([`Plain`]: numbers, arrays and structures of them), and may be looked at in place,
//! or it is looked at through a copy that is checked first (`bool`, `char`, enums).

use bytemuck::{CheckedBitPattern, NoUninit, Pod};

/// Types that can be put into shared memory.
///
/// Implemented for numbers, `bool`, `char` and arrays of these; for your own types, derive it:
///
/// - for a `#[repr(C)]` structure without padding, all of whose fields are [`Plain`];
/// - for an enum without fields, with an integer `repr`.
///
/// # Examples
///
/// ```
/// use mp_shm::{Data, Value};
///
/// #[derive(Clone, Copy, Debug, PartialEq, Data)]
/// #[repr(C)]
/// struct Point {
///     x: f64,
///     y: f64,
/// }
///
/// #[derive(Clone, Copy, Debug, PartialEq, Data)]
/// #[repr(u8)]
/// enum State {
///     Idle,
///     Busy = 7,
/// }
///
/// let point = Value::new(Point { x: 1.0, y: 2.0 })?;
/// point.lock().unwrap().x += 1.0;
/// assert_eq!(point.get().unwrap(), Point { x: 2.0, y: 2.0 });
///
/// let state = Value::new(State::Idle)?;
/// state.set(State::Busy).unwrap();
/// assert_eq!(state.get().unwrap(), State::Busy);
/// # Ok::<(), mp_shm::RegionError>(())
/// ```
///
/// What has gaps, references or values that cannot be checked is refused by the compiler:
///
/// ```compile_fail
/// #[derive(Clone, Copy, mp_shm::Data)]
/// #[repr(C)]
/// struct Gap {
///     short: u8,
///     long: u32,
/// }
/// ```
///
/// ```compile_fail
/// #[derive(Clone, Copy, mp_shm::Data)]
/// struct AnyLayout {
///     number: u32,
/// }
/// ```
///
/// ```compile_fail
/// #[derive(Clone, Copy, mp_shm::Data)]
/// #[repr(C, packed)]
/// struct Packed {
///     number: u32,
/// }
/// ```
///
/// ```compile_fail
/// #[derive(Clone, Copy, mp_shm::Data)]
/// #[repr(C)]
/// struct Generic<T> {
///     of: T,
/// }
/// ```
///
/// ```compile_fail
/// #[derive(Clone, Copy, mp_shm::Data)]
/// #[repr(C)]
/// struct Refers {
///     text: &'static str,
/// }
/// ```
///
/// ```compile_fail
/// #[derive(Clone, Copy, mp_shm::Data)]
/// #[repr(u8)]
/// enum Fields {
///     One(u8),
/// }
/// ```
///
/// ```compile_fail
/// #[derive(Clone, Copy, mp_shm::Data)]
/// #[repr(u8, align(8))]
/// enum Aligned {
///     One,
/// }
/// ```
///
/// ```compile_fail
/// #[derive(Clone, Copy, mp_shm::Data)]
/// #[repr(C)]
/// union Either {
///     one: u32,
///     other: f32,
/// }
/// ```
pub trait Data: CheckedBitPattern + NoUninit + Send + Sync {
    /// Stands for the type and all that its layout depends on: for a structure, the names, types
    /// and places of its fields. Two programs that disagree do not open each other's objects.
    const FINGERPRINT: u64;
}

/// [`Data`] that is valid whatever its bytes are, so that it may be used in place.
///
/// Implemented for all `Data` that is bytemuck's `Pod`; nothing to implement yourself.
pub trait Plain: Data + Pod {}

impl<T: Data + Pod> Plain for T {}

macro_rules! data {
    ($($type:ident)*) => {
        $(impl Data for $type {
            const FINGERPRINT: u64 = fingerprint(stringify!($type).as_bytes(), 0);
        })*
    };
}

data!(u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize f32 f64 bool char);

impl<T: Plain, const N: usize> Data for [T; N] {
    const FINGERPRINT: u64 = fingerprint(b"array", fingerprint_of(T::FINGERPRINT, N as u64));
}

/// Mixes `bytes` into a fingerprint; the FNV-1a hash, which a constant can compute.
#[doc(hidden)]
#[must_use]
pub const fn fingerprint(bytes: &[u8], seed: u64) -> u64 {
    const BASIS: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0100_0000_01b3;
    let mut hash = BASIS ^ seed;
    let mut at = 0;
    while at < bytes.len() {
        hash = (hash ^ bytes[at] as u64).wrapping_mul(PRIME);
        at += 1;
    }
    // The length too, so that no two sequences of fields run into each other.
    (hash ^ bytes.len() as u64).wrapping_mul(PRIME)
}

/// Mixes a number into a fingerprint.
#[doc(hidden)]
#[must_use]
pub const fn fingerprint_of(number: u64, seed: u64) -> u64 {
    fingerprint(&number.to_le_bytes(), seed)
}
