#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod builder;
mod client;
mod error;
mod function;
mod manager;
mod method;
mod nesting;
mod objects;
mod origin;
mod proxies;
mod ring;
mod server;
mod vault;
mod wire;

pub use builder::Builder;
pub use error::ManagerError;
pub use manager::{Manager, ObjectInfo};
pub use method::Method;
pub use proxies::{
    ArrayProxy, BarrierProxy, ConditionProxy, DictProxy, EventProxy, JoinableQueueProxy, ListProxy,
    LockGuard, LockProxy, MonitorGuard, NamespaceProxy, Pages, Permit, Proxy, QueueProxy,
    RLockProxy, SemaphoreProxy, SetProxy, Transaction, ValueProxy, Watch,
};
