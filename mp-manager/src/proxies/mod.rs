//! The typed ends of objects: one file for each type.
//!
//! A proxy is a handle: clones are cheap and mean the same object, and it travels in arguments,
//! results, messages, and inside other managed objects.

mod array;
mod barrier;
mod custom;
mod dict;
mod event;
mod list;
mod lock;
mod monitor;
mod namespace;
mod pages;
#[cfg(feature = "pool")]
mod pool;
mod queue;
mod semaphore;
mod set;
mod thread_number;
mod transaction;
mod value;
mod watch;

pub use array::ArrayProxy;
pub use barrier::BarrierProxy;
pub use custom::Proxy;
pub use dict::DictProxy;
pub use event::EventProxy;
pub use list::ListProxy;
pub use lock::{LockGuard, LockProxy};
pub use monitor::{ConditionProxy, MonitorGuard, RLockProxy};
pub use namespace::NamespaceProxy;
pub use pages::Pages;
#[cfg(feature = "pool")]
pub use pool::PoolProxy;
pub use queue::{JoinableQueueProxy, QueueProxy};
pub use semaphore::{Permit, SemaphoreProxy};
pub use set::SetProxy;
pub use transaction::Transaction;
pub use value::ValueProxy;
pub use watch::Watch;

/// Gives a type that holds one `Reference` what all proxies have.
macro_rules! proxy {
    ($name:ident $(, $param:ident)*) => {
        impl<$($param),*> $name<$($param),*> {
            pub(crate) fn new(reference: $crate::client::Reference) -> Self {
                Self { reference, marker: std::marker::PhantomData }
            }

            /// Tells whether both are proxies of the same object.
            #[must_use]
            pub fn is_same(&self, other: &Self) -> bool {
                self.reference.is_same(&other.reference)
            }
        }

        impl<$($param),*> $crate::published::sealed::Handle for $name<$($param),*> {
            fn grip(&self) -> $crate::published::sealed::Grip {
                $crate::published::sealed::Grip(self.reference.clone())
            }

            fn from_grip(grip: $crate::published::sealed::Grip) -> Self {
                Self::new(grip.0)
            }

            fn description() -> String {
                $crate::published::plain_name(std::any::type_name::<Self>())
            }
        }

        impl<$($param),*> Clone for $name<$($param),*> {
            fn clone(&self) -> Self {
                Self::new(self.reference.clone())
            }
        }

        impl<$($param),*> std::fmt::Debug for $name<$($param),*> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!(stringify!($name), "({:?})"), self.reference)
            }
        }

        impl<$($param),*> serde::Serialize for $name<$($param),*> {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                self.reference.serialize(serializer)
            }
        }

        impl<'de, $($param),*> serde::Deserialize<'de> for $name<$($param),*> {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::client::Reference::deserialize(deserializer).map(Self::new)
            }
        }
    };
}
pub(crate) use proxy;

/// What a proxy of `T` has to do with it: nothing that would keep it from being sent.
type Marker<T> = std::marker::PhantomData<fn() -> T>;
