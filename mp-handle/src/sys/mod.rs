//! Everything this crate asks of the operating system.
//!
//! | file | what it supplies |
//! |---|---|
//! | `cpu` | the number of the processor that runs this thread |
//! | `clock` | the monotonic clock |
//! | `futex` | sleeping on a shared word, and waking |
//! | `eventfd` | a counter with a descriptor to poll |
//! | `memfd` | anonymous files: create, seal, examine |
//! | `headroom` | how much memory may still be taken, by machine, cgroup and limit |
//! | `reserve` | memory that is there before it is touched |
//!
//! Most functions are a thin cover of one call and report failure as [`std::io::Error`]. Another
//! system is another set of these files.

mod clock;
mod cpu;
mod eventfd;
mod futex;
mod headroom;
mod memfd;
mod reserve;

pub(crate) use clock::monotonic_nanos;
pub(crate) use cpu::current_cpu;
pub(crate) use eventfd::{eventfd_add, eventfd_clear, eventfd_create};
pub(crate) use futex::{futex_wait, futex_wake};
pub(crate) use memfd::{
    Seal, memfd_create, memfd_seal, memfd_size, pid_namespace, read_at, seal_of,
};
pub(crate) use reserve::{ReserveError, extend, release_range, reserve, reserve_range};
