// The examples of the README use a pool.
#![cfg_attr(feature = "pool", doc = include_str!("../README.md"))]
#![cfg_attr(not(feature = "pool"), doc = "Process-based parallelism, without the pool.")]
#![forbid(unsafe_code)]

#[doc(inline)]
pub use {mp_handle as handle, mp_process as process};

#[doc(inline)]
pub use mp_handle::{Descriptor, Parcel};
#[doc(inline)]
pub use mp_process::{
    Child, ExitStatus, Failure, Func, JoinError, Limit, Panic, Process, SpawnError, Stdio,
    active_children, at_exit, cpu_count, current_process, init, init_test, init_test_with,
    init_with, main, parent_process, spawn, test,
};

#[cfg(feature = "pool")]
#[doc(inline)]
pub use mp_pool as pool;
#[cfg(feature = "pool")]
#[doc(inline)]
pub use mp_pool::{AsyncResult, Pool, PoolError, TaskError};
