#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod builder;
mod client;
mod connector;
mod error;
mod function;
mod manager;
mod method;
mod nesting;
mod objects;
mod origin;
mod proxies;
mod published;
mod remote;
mod ring;
mod server;
mod stand_alone;
#[cfg(feature = "rustls")]
pub mod tls;
mod vault;
mod wire;

pub use builder::Builder;
pub use connector::Connector;
pub use error::ManagerError;
#[cfg(feature = "persist")]
pub use manager::Durability;
pub use manager::{Manager, ObjectInfo};
pub use method::Method;
#[cfg(feature = "pool")]
pub use proxies::PoolProxy;
pub use proxies::{
    ArrayProxy, BarrierProxy, ConditionProxy, DictProxy, EventProxy, JoinableQueueProxy, ListProxy,
    LockGuard, LockProxy, MonitorGuard, NamespaceProxy, Pages, Permit, Proxy, QueueProxy,
    RLockProxy, SemaphoreProxy, SetProxy, Transaction, ValueProxy, Watch,
};
pub use published::Publish;
pub use stand_alone::Server;

#[doc(no_inline)]
pub use mp_queue::connection::{Address, AuthKey};
