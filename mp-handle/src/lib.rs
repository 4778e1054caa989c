#![doc = include_str!("../README.md")]
#![deny(unsafe_code)]

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
compile_error!(
    "mp-handle supports Linux with glibc only (not musl): depend on it for \
     `cfg(all(target_os = \"linux\", target_env = \"gnu\"))`, and see the guide of `multiprocess`"
);

mod bell;
mod codec;
mod deadline;
mod descriptor;
mod flat;
mod forked;
mod futex;
mod packet;
mod parcel;
mod post;
mod readable;
mod region;
mod reserve;
mod ring;
mod sealed;
mod signal;
mod spin;
mod streams;
mod sys;
mod unnamed;

pub use bell::Bell;
pub use codec::CodecError;
pub use deadline::Deadline;
pub use descriptor::Descriptor;
pub use flat::Flat;
pub use forked::{forked, on_fork};
pub use futex::{futex_wait, futex_wake};
pub use parcel::Parcel;
pub use post::Post;
pub use readable::wait_readable;
pub use region::{Kind, Name, NamedRegion, OutOfRegion, Region, RegionError, Shared, View, Window};
pub use reserve::reserve;
pub use ring::{Consumer, Corrupt, Draft, Frames, Producer, PushError, RingError, ring_size};
pub use signal::{REST, SLICE, Signal, Waited};
pub use spin::{LastCpu, spin};
pub use streams::clear_of_streams;
pub use unnamed::{publish, unnamed};
