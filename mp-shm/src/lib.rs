#![doc = include_str!("../README.md")]
#![deny(unsafe_code)]

#[cfg(not(all(target_os = "linux", target_env = "gnu", target_pointer_width = "64")))]
compile_error!(
    "mp-shm supports 64-bit Linux with glibc only (not musl): depend on it for \
     `cfg(all(target_os = \"linux\", target_env = \"gnu\"))`, and see the guide of `multiprocess`"
);

mod array;
mod block;
mod cells;
mod data;
mod error;
mod raw;
mod segment;
mod shareable_list;
#[cfg(feature = "ndarray")]
mod shared_array;
mod sys;
mod text;
mod value;

pub use array::{Array, ArrayGuard, ArrayPart, PartGuard};
#[doc(hidden)]
pub use bytemuck;
pub use data::{Data, Plain};
#[doc(hidden)]
pub use data::{fingerprint, fingerprint_of};
pub use error::AccessError;
pub use mp_handle::{Name, RegionError};
pub use mp_macros::Data;
pub use mp_sync::{LockError, OwnerDied};
pub use raw::{Atomic, AtomicInteger, RawArray, RawValue};
pub use segment::{
    SealError, SealErrorReason, SealedMemory, SegmentError, SegmentOptions, SharedMemory,
};
pub use shareable_list::{Item, ListError, ShareableList};
#[cfg(feature = "ndarray")]
pub use shared_array::{SharedArray, SharedArrayGuard};
pub use text::{Text, TextError};
pub use value::{Value, ValueGuard};
