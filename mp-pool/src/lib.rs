#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod answer;
mod as_completed;
mod async_result;
mod builder;
mod callbacks;
mod calls;
mod cause;
mod chunk;
mod column;
mod context;
mod copies;
mod current;
mod driver;
mod engine;
mod equipment;
mod error;
mod events;
mod executor;
mod flight;
mod frames;
mod future;
mod imap;
mod inline;
mod insight;
#[cfg(feature = "interrupt")]
mod interrupt;
mod job;
mod ledger;
mod life;
mod lines;
mod link;
mod local;
mod monitor;
mod oom;
mod options;
mod orders;
mod outlet;
mod output;
mod packer;
mod pending;
mod pool;
mod pool_executor;
mod processes;
mod progress;
mod protocol;
mod relay;
mod results;
mod run;
mod shutdown;
mod sizing;
mod state;
mod surroundings;
mod task;
mod task_error;
mod thread_executor;
mod thread_pool;
mod threads;
mod travel;
mod watch;
mod worker;

pub use answer::Answer;
pub use as_completed::{
    AsCompleted, AsCompletedTimeout, Done, ReturnWhen, Unfinished, as_completed,
    as_completed_timeout, wait,
};
pub use async_result::AsyncResult;
pub use builder::{Builder, Initialized};
pub use callbacks::Callbacks;
pub use calls::Calls;
pub use cause::Cause;
pub use chunk::Chunk;
pub use context::{Context, With};
pub use current::{deadline, is_over_soft_limit, time_left, worker_id};
pub use equipment::Gear;
pub use error::{NotReady, PoolError};
pub use executor::Executor;
pub use frames::Status;
pub use future::Future;
pub use imap::Imap;
pub use inline::Inline;
pub use insight::{
    Activity, Dump, Journal, SlowTask, Statistics, Timeline, WorkerDump, WorkerStatistics,
};
pub use job::Job;
pub use lines::Output;
pub use options::{Options, SoftDeadline};
pub use output::{ByContent, ByError, Describe, Failure, Fallible, Plain, TaskOutput};
pub use pool::Pool;
pub use pool_executor::ProcessPoolExecutor;
pub use progress::Progress;
pub use relay::{Malformed, Order, encode_failure};
pub use results::Results;
pub use run::Routine;
pub use shutdown::Shutdown;
pub use state::WithState;
pub use task::Task;
pub use task_error::{TaskError, TaskErrorKind};
pub use thread_executor::ThreadPoolExecutor;
pub use thread_pool::ThreadPool;
