// The examples of the README use what is there by default.
#![cfg_attr(all(feature = "pool", feature = "shm"), doc = include_str!("../README.md"))]
#![cfg_attr(
    not(all(feature = "pool", feature = "shm")),
    doc = "Process-based parallelism, without some of its crates."
)]
#![forbid(unsafe_code)]

// The pages name what is there by default.
#[cfg(all(feature = "manager", feature = "pool", feature = "queue", feature = "shm"))]
pub mod guide;

#[doc(inline)]
pub use {mp_handle as handle, mp_process as process};

#[doc(inline)]
pub use mp_handle::{Descriptor, Parcel};
#[doc(inline)]
pub use mp_process::{
    Child, Context, ExitStatus, Failure, Func, JoinError, Limit, Panic, Process, SpawnError,
    StartMethod, Stdio, active_children, at_exit, cpu_count, current_process, main, parent_process,
    set_start_method, spawn, start_method, test,
};

#[cfg(feature = "cluster")]
#[doc(inline)]
pub use mp_cluster as cluster;
// With a cluster, `init` is where a process becomes one of its workers, too.
#[cfg(feature = "cluster")]
#[doc(inline)]
pub use mp_cluster::{Nats, init, init_test, init_test_with, init_with};
#[cfg(not(feature = "cluster"))]
#[doc(inline)]
pub use mp_process::{init, init_test, init_test_with, init_with};

#[cfg(feature = "pool")]
#[doc(inline)]
pub use mp_pool as pool;
#[cfg(feature = "pool")]
#[doc(inline)]
pub use mp_pool::{
    AsyncResult, Calls, Executor, Future, Pool, PoolError, ProcessPoolExecutor, TaskError,
    TaskErrorKind, ThreadPool, ThreadPoolExecutor, as_completed,
};

#[cfg(feature = "manager")]
#[doc(inline)]
pub use mp_manager as manager;
#[cfg(feature = "manager")]
#[doc(inline)]
pub use mp_manager::Manager;

#[cfg(feature = "sync")]
#[doc(inline)]
pub use mp_sync as sync;
#[cfg(feature = "sync")]
#[doc(inline)]
pub use mp_sync::{Barrier, BoundedSemaphore, Condition, Event, Lock, RLock, RwLock, Semaphore};

#[cfg(feature = "shm")]
#[doc(inline)]
pub use mp_shm as shm;
#[cfg(feature = "shm")]
#[doc(inline)]
pub use mp_shm::{Array, RawArray, RawValue, ShareableList, SharedMemory, Value};

#[cfg(feature = "queue")]
#[doc(inline)]
pub use mp_queue as queue;
#[cfg(feature = "queue")]
#[doc(inline)]
pub use mp_queue::{
    Connection, JoinableQueue, Queue, Receiver, Sender, SimpleQueue, channel, pipe, sync_channel,
};
