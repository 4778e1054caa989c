#![doc = include_str!("../README.md")]
#![deny(unsafe_code)]

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
compile_error!(
    "mp-process supports Linux with glibc only (not musl): depend on it for \
     `cfg(all(target_os = \"linux\", target_env = \"gnu\"))`, and see the guide of `multiprocess`"
);

#[cfg(feature = "async")]
mod asynchronous;
mod bootstrap;
mod build_id;
mod builder;
mod child;
mod context;
mod current;
mod ending;
mod environment;
mod error;
mod fork;
mod fork_server;
mod friends;
mod func;
mod image;
mod init;
#[cfg(feature = "ipc-channel")]
mod ipc;
mod method;
mod outcome;
mod panic;
mod process;
mod registry;
mod start;
mod sys;
mod wire;

#[cfg(feature = "async")]
pub use asynchronous::Joining;
pub use build_id::BuildId;
pub use builder::{Builder, Limit, Stdio};
pub use child::Child;
pub use context::Context;
pub use current::{CurrentProcess, ParentProcess, cpu_count, current_process, parent_process};
pub use error::{ForeignFunction, SpawnError};
pub use fork::fork;
pub use fork_server::ForkServerError;
pub use friends::{OtherFriends, befriend};
pub use func::{Func, Function};
pub use init::{init, init_test, init_test_with, init_with};
#[cfg(feature = "ipc-channel")]
pub use ipc::{Ipc, IpcEndpoint};
pub use method::{
    StartMethod, StartMethodSettled, UnknownStartMethod, set_start_method, start_method,
};
pub use mp_macros::{main, test};
pub use outcome::{ExitStatus, Failure, JoinError, Panic};
pub use panic::catch_panic;
pub use process::{Process, spawn};
pub use registry::{active_children, at_exit};
