#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod agent;
mod allowed;
mod client;
mod config;
mod error;
mod init;
mod link;
mod message;
mod names;
mod nats;
mod objects;
mod seal;
mod values;

pub use allowed::{allow, allow_fallible, allow_fallible_with, allow_with};
pub use error::ClusterError;
pub use init::{init, init_test, init_test_with, init_with};
pub use mp_process::{main, test};
pub use nats::{Agent, Nats, NatsBuilder};
pub use objects::{Dict, Lock, LockGuard, Queue};
