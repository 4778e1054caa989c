#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod answer;
mod async_result;
mod builder;
mod callbacks;
mod cause;
mod chunk;
mod context;
mod current;
mod driver;
mod engine;
mod equipment;
mod error;
mod frames;
mod insight;
#[cfg(feature = "interrupt")]
mod interrupt;
mod job;
mod ledger;
mod life;
mod lines;
mod monitor;
mod oom;
mod orders;
mod output;
mod pool;
mod progress;
mod protocol;
mod run;
mod shutdown;
mod sizing;
mod state;
mod surroundings;
mod task;
mod task_error;
mod worker;

pub use async_result::AsyncResult;
pub use builder::{Builder, Initialized};
pub use cause::Cause;
pub use context::With;
pub use current::{deadline, is_over_soft_limit, time_left, worker_id};
pub use error::PoolError;
pub use insight::{Activity, Dump, SlowTask, Statistics, Timeline, WorkerDump, WorkerStatistics};
pub use lines::Output;
pub use output::{ByContent, ByError, Describe, Failure, Fallible, Plain, TaskOutput};
pub use pool::Pool;
pub use progress::Progress;
pub use shutdown::Shutdown;
pub use state::WithState;
pub use task::Task;
pub use task_error::{TaskError, TaskErrorKind};
