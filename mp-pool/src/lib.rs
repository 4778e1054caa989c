#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod answer;
mod async_result;
mod builder;
mod callbacks;
mod cause;
mod chunk;
mod driver;
mod engine;
mod error;
mod frames;
mod job;
mod ledger;
mod monitor;
mod oom;
mod output;
mod pool;
mod protocol;
mod run;
mod task;
mod task_error;
mod worker;

pub use async_result::AsyncResult;
pub use builder::{Builder, Initialized};
pub use cause::Cause;
pub use error::PoolError;
pub use output::{ByContent, ByError, Describe, Failure, Fallible, Plain, TaskOutput};
pub use pool::Pool;
pub use task::Task;
pub use task_error::{TaskError, TaskErrorKind};
