//! Shared memory without a lock: [`RawValue`] and [`RawArray`].
//!
//! Plain copies in and out may meet a write of another process half-way; those of types with an
//! [`Atomic`] of their size do not. All accesses are made of atomic ones, so that threads of one
//! program may meet in them, too.

mod array;
mod atomic;
mod copy;
mod value;

pub use array::RawArray;
pub use atomic::{Atomic, AtomicInteger};
pub use value::RawValue;
