//! Vectors of numbers, copied in one piece.
//!
//! serde hands over a `Vec<f64>` element by element, which costs ten times what the memory does.
//! Two types are known at the places where it begins, and they decide whether that is needed:
//!
//! - `Vec<T>`, slices, boxed slices and sets serialize by `collect_seq`, with the collection itself
//!   as the iterator. If its items are references to numbers, they are written as they are in
//!   memory, and at once if it is a `Vec` or a slice.
//! - `Vec<T>` deserializes by `deserialize_seq`, with a visitor that is private to serde. Its type
//!   is learned by asking `Vec<T>` to deserialize from a [`Probe`]. A visitor of another type, be
//!   it one that makes the same `Vec<T>`, still gets the elements one by one.
//!
//! The comparisons are between constants, so a release build is left with the copy, or nothing.
//!
//! This is all the unsafe code of the codec. It rests on two facts: (1) types with equal ids are
//! the same but for lifetimes (`typeid`), and (2) any bytes are a valid number, and the other way
//! round.

#![allow(unsafe_code)]

use std::any::TypeId;
use std::fmt;
use std::mem::{self, ManuallyDrop};
use std::slice;

use serde::de::{Deserialize, Deserializer, Visitor};
use serde::forward_to_deserialize_any;

use super::format::*;

/// A number, all of whose bytes are initialized, and which any bytes are.
///
/// # Safety
///
/// Fact (2) holds.
unsafe trait Number: Copy + for<'de> Deserialize<'de> + 'static {
    /// How the format calls it.
    const TAG: u8;
}

/// Calls `$action` with each type of number, and its tag.
macro_rules! for_each_number {
    ($action:ident) => {
        $action! {
            i8 => I8, i16 => I16, i32 => I32, i64 => I64, i128 => I128, isize => ISIZE,
            u8 => U8, u16 => U16, u32 => U32, u64 => U64, u128 => U128, usize => USIZE,
            f32 => F32, f64 => F64,
        }
    };
}

macro_rules! number {
    ($($number:ty => $tag:expr,)*) => {$(
        // SAFETY: the numbers of the language have neither padding nor invalid values.
        unsafe impl Number for $number {
            const TAG: u8 = $tag;
        }
    )*};
}

for_each_number!(number);

/// Writes `items` if they are references to numbers, or gives them back.
#[inline]
pub(super) fn pack<I: IntoIterator>(items: I, out: &mut Vec<u8>) -> Result<(), I> {
    macro_rules! pack_if {
        ($($number:ty => $tag:expr,)*) => {$(
            if typeid::of::<I::Item>() == TypeId::of::<&'static $number>() {
                pack_as::<I, $number>(items, out);
                return Ok(());
            }
        )*};
    }
    for_each_number!(pack_if);
    Err(items)
}

/// Writes `items`, which are references to `T`.
fn pack_as<I: IntoIterator, T: Number>(items: I, out: &mut Vec<u8>) {
    out.extend_from_slice(&[PACKED, T::TAG]);
    let slice = cast::<I, [T]>(&items);
    if let Some(numbers) = slice.or_else(|| cast::<I, Vec<T>>(&items).map(Vec::as_slice)) {
        // With the byte that ends a message: for that alone a large buffer would be moved.
        out.reserve(8 + size_of_val(numbers) + 1);
        out.extend_from_slice(&(numbers.len() as u64).to_ne_bytes());
        out.extend_from_slice(as_bytes(numbers));
        return;
    }
    out.extend_from_slice(&[0; 8]);
    let start = out.len();
    for item in items {
        let number = cast::<I::Item, T>(&item).map(slice::from_ref);
        out.extend_from_slice(as_bytes(number.unwrap_or_default()));
    }
    let count = ((out.len() - start) / size_of::<T>()) as u64;
    out[start - 8..start].copy_from_slice(&count.to_ne_bytes());
}

/// Gives what `reference` refers to, if it is a reference to `T`.
#[inline]
fn cast<R, T: ?Sized + 'static>(reference: &R) -> Option<&T> {
    if typeid::of::<R>() != TypeId::of::<&'static T>() {
        return None;
    }
    // SAFETY: by fact (1) `R` is a `&T`, which lives at least as long as the borrow of it.
    Some(unsafe { mem::transmute_copy::<R, &T>(reference) })
}

/// Gives the memory of numbers.
#[inline]
fn as_bytes<T: Number>(numbers: &[T]) -> &[u8] {
    // SAFETY: by fact (2) all bytes are initialized, and `u8` needs no alignment.
    unsafe { slice::from_raw_parts(numbers.as_ptr().cast(), size_of_val(numbers)) }
}

/// Makes the vector that `V` would make, if `V` is serde's visitor for vectors of these numbers.
#[inline]
pub(super) fn unpack<'de, V: Visitor<'de>>(tag: u8, bytes: &[u8]) -> Option<V::Value> {
    macro_rules! unpack_if {
        ($($number:ty => $tag:expr,)*) => {$(
            if typeid::of::<V::Value>() == TypeId::of::<Vec<$number>>() {
                return unpack_as::<V, $number>(tag, bytes);
            }
        )*};
    }
    for_each_number!(unpack_if);
    None
}

#[inline]
fn unpack_as<'de, V: Visitor<'de>, T: Number>(tag: u8, bytes: &[u8]) -> Option<V::Value> {
    let is_serdes = Some(typeid::of::<V>()) == visitor_of::<Vec<T>>();
    let is_vec = typeid::of::<V::Value>() == TypeId::of::<Vec<T>>();
    if tag != T::TAG || !is_serdes || !is_vec {
        return None;
    }
    let numbers = ManuallyDrop::new(to_vec::<T>(bytes));
    // SAFETY: by fact (1) the value is a `Vec<T>`; this one is not used again.
    Some(unsafe { mem::transmute_copy(&numbers) })
}

/// Copies numbers out of bytes.
fn to_vec<T: Number>(bytes: &[u8]) -> Vec<T> {
    let count = bytes.len() / size_of::<T>();
    let mut numbers = Vec::<T>::with_capacity(count);
    let target = numbers.as_mut_ptr().cast::<u8>();
    // SAFETY: there is room for `count` numbers, new memory does not overlap with `bytes`, which
    // holds as many, and by fact (2) they are valid once copied.
    unsafe {
        target.copy_from_nonoverlapping(bytes.as_ptr(), count * size_of::<T>());
        numbers.set_len(count);
    }
    numbers
}

/// Gives the text that `bytes` are if they are ASCII, which is found faster than UTF-8.
#[inline]
pub(super) fn ascii(bytes: &[u8]) -> Option<&str> {
    if !bytes.is_ascii() {
        return None;
    }
    // SAFETY: ASCII is UTF-8.
    Some(unsafe { str::from_utf8_unchecked(bytes) })
}

/// Gives the type of visitor with which `T` asks for a sequence.
#[inline]
fn visitor_of<T: for<'de> Deserialize<'de>>() -> Option<TypeId> {
    T::deserialize(Probe).err().and_then(|Found(visitor)| visitor)
}

/// Fails each request, with the type of the visitor if it was for a sequence.
struct Probe;

/// The type of visitor that came to a [`Probe`].
#[derive(Debug)]
struct Found(Option<TypeId>);

impl<'de> Deserializer<'de> for Probe {
    type Error = Found;

    #[inline]
    fn deserialize_seq<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Found> {
        Err(Found(Some(typeid::of::<V>())))
    }

    #[inline]
    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Found> {
        Err(Found(None))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl serde::de::Error for Found {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self(None)
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a probe found visitor {:?}", self.0)
    }
}

impl std::error::Error for Found {}
