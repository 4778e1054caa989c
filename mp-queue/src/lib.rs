#![doc = include_str!("../README.md")]
#![deny(unsafe_code)]

#[cfg(not(all(target_os = "linux", target_env = "gnu", target_pointer_width = "64")))]
compile_error!(
    "mp-queue supports 64-bit Linux with glibc only (not musl): depend on it for \
     `cfg(all(target_os = \"linux\", target_env = \"gnu\"))`, and see the guide of `multiprocess`"
);

mod address;
mod auth;
mod bytes;
mod client;
pub mod connection;
mod listener;
mod pipe;
mod primitive;
mod wait;

pub use pipe::{Connection, pipe, pipe_one_way};
pub use wait::{Waitable, wait};

mod channel;
mod queue;
mod store;

pub use channel::{IntoIter, Iter, Receiver, Sender, TryIter, channel, sync_channel};
pub use queue::{
    Batch, GetError, InPlace, JoinError, JoinableQueue, Loan, OutOfMessage, PutError, PutReason,
    Queue, QueueBuilder, Readiness, SimpleQueue, TaskDoneError,
};
#[cfg(feature = "async")]
pub use queue::{RecvStream, SendSink};
pub use store::Corrupt;
